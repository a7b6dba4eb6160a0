"""What the fields of an ENVI header mean: counts, lists, wavelengths in nm, and the place on the map."""

from pathlib import Path

import numpy as np

from workbench.base.errors import WorkbenchError
from workbench.scenes.readers.units import to_nanometres
from workbench.scenes.schema import Transform

DATUMS = {"wgs-84": 326, "wgs84": 326, "wgs 84": 326, "north america 1983": 269, "nad-83": 269, "nad83": 269,
          "north america 1927": 267, "nad-27": 267}  # fmt: skip
"""Datum to the EPSG number of its UTM zone 0 north, in hundreds; WGS 84 south is 327."""


class Header(dict[str, str | list[str]]):
    """Lower-case key to text, or to a list of texts."""

    def count(self, key: str, path: Path, least: int = 1) -> int:
        """A whole number of at least `least`; a missing key is 0.

        Raises:
            WorkbenchError: It is none.
        """
        try:
            value = int(text_of(self, key) or 0)
        except ValueError:
            value = least - 1
        if value < least:
            raise WorkbenchError(
                f"While opening {path}: the header is wrong: {key} is a whole number of at least {least}, "
                f"and {text_of(self, key)!r} was found. Correct it, or copy it again."
            )
        return value


def text_of(header: Header, key: str) -> str:
    """A field as text, empty where it is missing."""
    value = header.get(key, "")
    return ", ".join(value) if isinstance(value, list) else value.strip()


def numbers_of(header: Header, key: str, path: Path) -> tuple[float, ...] | None:
    """A field as numbers, None where it is missing.

    Raises:
        WorkbenchError: It holds something else.
    """
    value = header.get(key)
    given = [item for item in (value if isinstance(value, list) else [value or ""]) if item]
    if not given:
        return None
    try:
        return tuple(float(item) for item in given)
    except ValueError as error:
        raise WorkbenchError(
            f"While opening {path}: the header is wrong: {key} are numbers, and {str(error).split(':')[-1].strip()} "
            "was found. Correct it, or copy it again."
        ) from error


def wavelengths_of(header: Header, key: str, path: Path) -> tuple[tuple[float, ...] | None, str]:
    """Band centres or widths in nm, and why there are none though the header gives numbers."""
    values = numbers_of(header, key, path)
    unit = text_of(header, "wavelength units")
    if values is None or unit.lower() == "index":
        return None, ""
    bands = header.count("bands", path)
    if len(values) != bands:
        raise WorkbenchError(
            f"While opening {path}: the header is wrong: {key} has {len(values)} entries for {bands} bands. "
            "Correct it, or copy it again."
        )
    found = to_nanometres(values, unit)
    if found is None:
        return None, (
            f"While reading wavelengths from {path}: their unit must be nanometers or micrometers, and "
            f"{unit or 'none'!r} was found (first value {values[0]:g}). Write 'wavelength units = Nanometers' into the "
            "header if that is so, or give the wavelengths in nm yourself."
        )
    return found, ""


def georeference(header: Header, path: Path) -> tuple[Transform | None, str | None]:
    """Affine coefficients and CRS from ``map info`` and ``coordinate system string``, each None where it is missing.

    ``map info`` ties one pixel (counted from 1, 1.5 is the centre of the first) to the map.
    """
    info = header.get("map info")
    fields = info if isinstance(info, list) else []
    if len(fields) < 7 or fields[0].lower().startswith("arbitrary"):
        return None, None
    try:
        col, row, x, y, width, height = (float(field) for field in fields[1:7])
        named = dict(field.split("=", 1) for field in fields[7:] if "=" in field)
        turn = np.deg2rad(float({key.strip().lower(): value for key, value in named.items()}.get("rotation", 0)))
    except ValueError as error:
        raise WorkbenchError(
            f"While opening {path}: the header is wrong: map info holds a projection, then six numbers, and {error}. "
            "Correct it, or remove it to work without georeference."
        ) from error
    cos, sin = float(np.cos(turn)), float(np.sin(turn))
    a, b, d, e = width * cos, width * sin, height * sin, -height * cos
    return (a, b, x - a * (col - 1) - b * (row - 1), d, e, y - d * (col - 1) - e * (row - 1)), _crs(
        header, fields, path
    )


def _crs(header: Header, fields: list[str], path: Path) -> str | None:
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    words = text_of(header, "coordinate system string").strip("{} \n")
    if words:
        try:
            system = CRS.from_wkt(words)
        except CRSError as error:
            raise WorkbenchError(
                f"While opening {path}: the header is wrong: its coordinate system string is not understood ({error}). "
                "Correct it, or remove it."
            ) from error
        code = system.to_epsg()  # ESRI's names differ from EPSG's; other files of the scene have EPSG's
        return str((CRS.from_epsg(code) if code else system).to_wkt("WKT1_GDAL"))
    rest = [field.strip().lower() for field in fields[7:]]
    datum = next((DATUMS[field] for field in rest if field in DATUMS), None)
    code = None
    if fields[0].strip().lower() == "utm" and datum is not None and rest and rest[0].isdigit():
        south = "south" in rest
        code = None if south and datum != 326 else (327 if south else datum) * 100 + int(rest[0])
    elif fields[0].strip().lower() == "geographic lat/lon" and datum is not None:
        code = {326: 4326, 269: 4269, 267: 4267}[datum]
    return None if code is None else str(CRS.from_epsg(code).to_wkt("WKT1_GDAL"))
