"""Units of wavelengths."""

from collections.abc import Sequence

FACTORS = {
    **dict.fromkeys(("nm", "nanometer", "nanometers", "nanometre", "nanometres"), 1.0),
    **dict.fromkeys(("um", "µm", "μm", "micron", "microns", "micrometer", "micrometers", "micrometre", "micrometres"), 1e3),
    **dict.fromkeys(("m", "meter", "meters", "metre", "metres"), 1e9),
}  # fmt: skip
"""Unit in lower case to nm."""


def to_nanometres(values: Sequence[float], unit: str) -> tuple[float, ...] | None:
    """Wavelengths in nm, rounded to 1e-9 of themselves; None where the unit is unknown."""
    factor = FACTORS.get(unit.strip().lower())
    return None if factor is None else tuple(float(f"{float(value) * factor:.10g}") for value in values)
