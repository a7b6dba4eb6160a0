"""Floor 8: the browser face. Its process loads neither torch nor lightning, and trains nothing."""

from workbench.dashboard.server import serve

__all__ = ["serve"]
