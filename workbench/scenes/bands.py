"""What must hold of a modality's bands: distinct wavelengths in nm, values in every band, bad ones told."""

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workbench.base.errors import WorkbenchError

if TYPE_CHECKING:
    from workbench.scenes.align import Measured
    from workbench.scenes.modality import ModalityInfo
    from workbench.scenes.readers import Raster

SHORTEST = 100.0
"""nm; what is shorter everywhere was meant as micrometres: imaging spectrometers start near 350 nm."""


def check_wavelengths(where: str, wavelengths: Sequence[float], bands: Sequence[int]) -> None:
    """Refuse band centres that two bands share, or that are not in nm.

    Args:
        where: The file and modality, for the message.
        wavelengths: Band centres in nm.
        bands: Number of each band in the file, counted from 0.

    Raises:
        WorkbenchError: Two bands have one wavelength, or all are too short.
    """
    if wavelengths and max(wavelengths) < SHORTEST:
        raise WorkbenchError(
            f"While reading wavelengths of {where}: they must be in nm, and {min(wavelengths):g} to "
            f"{max(wavelengths):g} was found, which looks like micrometres. Give them in nm."
        )
    shared: dict[float, list[int]] = defaultdict(list)
    for band, centre in zip(bands, wavelengths, strict=False):
        shared[centre].append(band)
    twice = {centre: places for centre, places in shared.items() if len(places) > 1}
    if twice:
        told = "; ".join(f"{centre:g} nm for bands {_listed(places)}" for centre, places in list(twice.items())[:5])
        more = f" and {len(twice) - 5} more" if len(twice) > 5 else ""
        raise WorkbenchError(
            f"While reading wavelengths of {where}: every band has its own, and some were found twice (bands counted from "
            f"0): {told}{more}. Give the right wavelengths, or leave the doubled bands out (drop_bands)."
        )


def bad_bands_note(drop_bands: Sequence[int] | str, raster: "Raster") -> str:
    """What the alignment report says of bands that the file marks as bad; empty where it marks none."""
    if not raster.bad_bands:
        return ""
    told = f"the file marks {len(raster.bad_bands)} bands as bad ({_listed(raster.bad_bands)}, counted from 0)"
    if drop_bands == "bad" or set(raster.bad_bands) <= set(drop_bands):
        return f"{told}: left out"
    return f"{told}: kept; drop_bands='bad' leaves them out"


def refuse_empty_bands(name: str, pixels: "Measured", info: "ModalityInfo") -> None:
    """Refuse bands without any value.

    Args:
        name: The modality.
        pixels: Its pixels, all of which have been read.
        info: Its description.

    Raises:
        WorkbenchError: A band holds nothing but NaN and no-data.
    """
    bands = [band for band in range(info.bands + len(info.dropped_bands)) if band not in info.dropped_bands]
    empty = [band for band, count in zip(bands, pixels.valid.tolist(), strict=True) if count == 0]
    if not empty:
        return
    nodata = "NaN" if info.nodata is None else f"NaN or no-data ({info.nodata:g})"
    if len(empty) == info.bands:
        raise WorkbenchError(
            f"While importing {name!r}: it holds nothing but {nodata}. Check that it is the right file, and its no-data."
        )
    raise WorkbenchError(
        f"While importing {name!r}: values were expected in every band, and {len(empty)} of {len(bands)} bands hold nothing "
        f"but {nodata}: {_listed(empty)}, counted from 0. Leave them out: "
        f"drop_bands={','.join(map(str, sorted([*info.dropped_bands, *empty])))}."
    )


def _listed(values: Sequence[Any]) -> str:
    return ", ".join(map(str, sorted(values)))
