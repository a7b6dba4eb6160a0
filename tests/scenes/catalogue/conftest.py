import numpy as np
import pytest
import rasterio
from affine import Affine

from workbench.scenes.catalogue import import_catalogue_entry


@pytest.fixture
def put(tmp_path):
    """Write a GeoTIFF (band, y, x) below the source folder: where it lies is given in pixels of 10 m."""

    def write(path, values, col=0, row=0, crs="EPSG:32649", size=10, **profile):
        values = np.asarray(values)
        values = values[None] if values.ndim == 2 else values
        file = tmp_path / "source" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if crs is not None:
            profile |= {
                "crs": crs,
                "transform": Affine(size, 0, 500_000 + size * col, 0, -size, 3_000_000 - size * row),
            }
        with rasterio.open(
            file, "w", driver="GTiff", count=len(values), height=values.shape[1], width=values.shape[2],
            dtype=values.dtype, **profile,
        ) as opened:  # fmt: skip
            opened.write(values)
        return file

    return write


@pytest.fixture
def bring(tmp_path, monkeypatch):
    """Import a catalogue entry from the source folder."""
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))
    return lambda name, **options: import_catalogue_entry(name, tmp_path / "source", **options)
