"""Floor 4: what a trained network used."""

from workbench.explain.attention import AttentionResult, attention_at

__all__ = ["AttentionResult", "attention_at"]
