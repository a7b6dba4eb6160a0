"""Spectra of picked pixels, kept as CSV and as an ENVI spectral library."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from workbench.base.errors import WorkbenchError
from workbench.base.files import atomic_file, explained
from workbench.scenes import Collection, ModalityInfo, Scene
from workbench.spectra.sampling import Floats, read_pixels

PLACE = ("scene", "tile", "row", "col", "x", "y")
UNITS = {"nanometers": 1.0, "nm": 1.0, "micrometers": 1000.0, "um": 1000.0, "microns": 1000.0, "µm": 1000.0}


@dataclass(frozen=True)
class Place:
    """Where a spectrum was picked.

    Attributes:
        scene: Name of the scene or collection.
        tile: Name of the tile; of a single scene, its name.
        row: Row of the pixel.
        col: Column of the pixel.
        x: Map position of its centre.
        y: Map position of its centre.
    """

    scene: str
    tile: str
    row: int
    col: int
    x: float
    y: float


@dataclass(frozen=True, eq=False)
class PickedSpectra:
    """Spectra of one modality.

    Attributes:
        info: The modality: its quantity, unit, wavelengths.
        names: One per spectrum.
        values: Physical values, float32 (n, band), NaN where nothing was measured.
        places: Where each was picked, None where unknown.
    """

    info: ModalityInfo
    names: tuple[str, ...]
    values: Floats
    places: tuple[Place | None, ...]


def pick_spectra(
    scene: Scene | Collection,
    modality: str,
    pixels: Sequence[Sequence[int]],
    names: Sequence[str] | None = None,
) -> PickedSpectra:
    """Spectra of pixels; each chunk is read once.

    Args:
        scene: A scene or collection.
        modality: Name of the modality.
        pixels: Row and column of each; of a collection, tile index, row and column.
        names: One per pixel; None: ``row 3, col 4``.

    Raises:
        WorkbenchError: A pixel lies outside, or names are not as many as pixels.
    """
    whole = [(0, *map(int, pixel)) if len(pixel) == 2 else tuple(map(int, pixel)) for pixel in pixels]
    for tile, row, col in whole:
        inside = 0 <= tile < len(scene.scenes)
        rows, cols = scene.shapes[tile] if inside else (0, 0)
        if not (inside and 0 <= row < rows and 0 <= col < cols):
            raise WorkbenchError(
                f"While picking spectra of {modality!r}: scene {scene.name!r} has no pixel at row {row}, column {col}"
                f"{f' of tile {tile}' if len(scene.scenes) > 1 else ''}."
            )
    if not whole or (names is not None and len(names) != len(whole)):
        raise WorkbenchError(
            f"While picking spectra of {modality!r}: {len(whole)} pixels and {len(names or ())} names were given."
        )
    places = []
    for tile, row, col in whole:
        x, y = scene.scenes[tile].position_of(row, col)
        places.append(Place(scene.name, scene.scenes[tile].name, row, col, x, y))
    told = tuple(names) if names is not None else tuple(f"row {place.row} col {place.col}" for place in places)
    values = read_pixels(scene, modality, np.array(whole, np.int64))
    return PickedSpectra(scene.info(modality), told, values, tuple(places))


def write_csv(spectra: PickedSpectra, path: Path | str) -> Path:
    """Write a table: a row per spectrum, with its place, then a column per band named by wavelength or number.

    Raises:
        WorkbenchError: The place is not writable or the disk is full.
    """
    import pandas as pd

    info, path = spectra.info, _with_suffix(path, ".csv")
    bands = (
        [f"band {band + 1}" for band in range(info.bands)]
        if info.wavelengths is None
        else [f"{centre!r} nm" for centre in info.wavelengths]
    )
    head = [
        {
            "name": name,
            **{key: "" if place is None else getattr(place, key) for key in PLACE},
            "modality": info.name,
            "quantity": info.quantity,
            "unit": info.unit,
        }
        for name, place in zip(spectra.names, spectra.places, strict=True)
    ]
    table = pd.concat([pd.DataFrame(head), pd.DataFrame(spectra.values, columns=_unique(bands))], axis=1)
    with atomic_file(path, "writing spectra") as temporary:
        table.to_csv(temporary, index=False)
    return path


def read_csv(path: Path | str) -> PickedSpectra:
    """Read what `write_csv` wrote.

    Raises:
        WorkbenchError: The file is missing or no such table.
    """
    import pandas as pd

    try:
        table = pd.read_csv(path, keep_default_na=False, na_values={"x": "", "y": ""})
    except (OSError, ValueError) as error:
        raise WorkbenchError(f"While reading spectra from {path}: {error}.") from error
    bands = [name for name in table.columns if name.endswith(" nm") or name.startswith("band ")]
    if not bands or not len(table) or not {"name", "modality", "quantity", "unit", *PLACE} <= set(table.columns):
        raise WorkbenchError(
            f"While reading spectra from {path}: it has the columns {', '.join(map(str, table.columns[:12]))}. A table "
            "written here has name, place, modality, quantity and unit, then bands such as '550.0 nm' or 'band 1'."
        )
    values = table[bands].apply(pd.to_numeric, errors="coerce").to_numpy(np.float32)
    centres = [name.split(" ")[0] for name in bands if name.endswith(" nm")]
    first = table.iloc[0]
    info = _described(
        str(first["modality"]),
        values,
        [float(centre) for centre in centres] or None,
        str(first["quantity"]),
        str(first["unit"]),
        path,
    )
    places = [_place(row) for row in table.to_dict("records")]
    return PickedSpectra(info, tuple(str(name) for name in table["name"]), values, tuple(places))


def write_envi_library(spectra: PickedSpectra, path: Path | str) -> Path:
    """Write an ENVI spectral library: ``.sli``, and ``.hdr`` beside it.

    Band centres and widths are written where documented; where not, bands are numbered and the description says so.

    Returns:
        The ``.sli`` file.

    Raises:
        WorkbenchError: The place is not writable or the disk is full.
    """
    from spectral.io.envi import SpectralLibrary

    info, path = spectra.info, _with_suffix(path, ".sli")
    header: dict[str, Any] = {
        "spectra names": [_plain(name) or f"spectrum {at + 1}" for at, name in enumerate(spectra.names)],
        "wavelength units": "Nanometers" if info.wavelengths else "Index",
        "modality": _plain(info.name),
        "quantity": info.quantity,
        "unit": _plain(info.unit) or "none",
        "wavelength": list(info.wavelengths or range(1, info.bands + 1)),
    }
    if info.fwhm is not None:
        header["fwhm"] = list(info.fwhm)
    told = f"{info.quantity}{f' in {info.unit}' if info.unit else ''} of {info.name}"
    if info.wavelengths is None:
        told += "; no wavelengths are documented, bands are numbered from 1"
    library = SpectralLibrary(np.asarray(spectra.values, np.float32), header)
    with explained("writing a spectral library", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}.") as folder:
            library.save(str(Path(folder) / "library"), _plain(told))
            for suffix in (".sli", ".hdr"):
                with atomic_file(path.with_suffix(suffix), "writing a spectral library") as temporary:
                    temporary.write_bytes((Path(folder) / f"library{suffix}").read_bytes())
    return path


def read_envi_library(path: Path | str) -> PickedSpectra:
    """Read an ENVI spectral library, by its ``.sli`` or ``.hdr``.

    Raises:
        WorkbenchError: A file is missing, is no spectral library, or has an unknown wavelength unit.
    """
    from spectral.io import envi
    from spectral.io.spyfile import SpyException

    header = Path(path).with_suffix(".hdr")
    doing = f"While reading the spectral library {path}"
    try:
        library = envi.open(str(header), str(header.with_suffix(".sli")))
    except (OSError, SpyException, ValueError, KeyError) as error:
        raise WorkbenchError(f"{doing}: {error}. It needs a .hdr and a .sli of the same name.") from error
    if not isinstance(library, envi.SpectralLibrary):
        raise WorkbenchError(f"{doing}: it is an ENVI image; import it as a scene instead.")
    values = np.asarray(library.spectra, np.float32)
    unit = str(library.bands.band_unit).strip().lower()
    centres = library.bands.centers
    if unit in ("index", "<unspecified>", "unknown") or centres is None:
        centres, factor = None, 1.0
    elif unit in UNITS:
        factor = UNITS[unit]
    else:
        raise WorkbenchError(
            f"{doing}: its wavelength unit is {unit!r}; known are {', '.join(sorted(UNITS))}. Mend the .hdr."
        )
    told = library.metadata
    info = _described(
        str(told.get("modality", header.stem)),
        values,
        None if centres is None else [float(centre) * factor for centre in centres],
        str(told.get("quantity", "unknown")),
        str(told.get("unit", "none")).replace("none", ""),
        path,
        [float(width) * factor for width in library.bands.bandwidths] if centres and library.bands.bandwidths else None,
    )
    return PickedSpectra(info, tuple(str(name) for name in library.names), values, (None,) * len(values))


def _described(
    name: str,
    values: Floats,
    centres: list[float] | None,
    quantity: str,
    unit: str,
    path: Path | str,
    widths: list[float] | None = None,
) -> ModalityInfo:
    if centres is not None and not all(math.isfinite(centre) and centre > 0 for centre in centres):
        raise WorkbenchError(f"While reading spectra from {path}: band centres must be positive numbers in nm.")
    return ModalityInfo.of(
        name,
        values.T,
        quantity=quantity,
        unit=unit,
        wavelengths=None if centres is None else tuple(centres),
        fwhm=None if widths is None else tuple(widths),
    )


def _place(row: dict[Hashable, Any]) -> Place | None:
    if row["row"] == "":
        return None
    return Place(
        str(row["scene"]), str(row["tile"]), int(row["row"]), int(row["col"]), float(row["x"]), float(row["y"])
    )


def _with_suffix(path: Path | str, suffix: str) -> Path:
    path = Path(path).expanduser()
    return path if path.suffix == suffix else path.with_name(path.name + suffix)


def _plain(text: str) -> str:
    """Text without what an ENVI header gives a meaning."""
    return " ".join(text.replace(",", " ").replace("{", "(").replace("}", ")").replace("=", "-").split())


def _unique(names: list[str]) -> list[str]:
    """Duplicated wavelengths would make one column of two."""
    if len(set(names)) == len(names):
        return names
    return [f"band {number + 1}" for number in range(len(names))]
