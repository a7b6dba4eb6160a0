"""Holm's correction of several p-values."""

from collections.abc import Sequence

from workbench.base.errors import WorkbenchError


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """P-values that hold their level together (Holm 1979, Scandinavian Journal of Statistics 6:65-70).

    The smallest of m is multiplied by m, the next by m - 1, and so on; none may be below the one before it.

    Args:
        p_values: One per test; None for a test that could not be done, which stays None and does not count in m.

    Raises:
        WorkbenchError: A value does not lie between 0 and 1.
    """
    done = [(p, number) for number, p in enumerate(p_values) if p is not None]
    if not all(0 <= p <= 1 for p, _ in done):
        raise WorkbenchError(f"While correcting p-values: all must lie between 0 and 1, not {list(p_values)}.")
    corrected: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for place, (p, number) in enumerate(sorted(done)):
        highest = max(highest, min(1.0, (len(done) - place) * p))
        corrected[number] = highest
    return corrected
