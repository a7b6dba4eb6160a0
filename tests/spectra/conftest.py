import numpy as np
import pytest

from workbench.scenes import ClassTable, ModalityInfo, TileDraft, write_scene

SENTINEL = (442.7, 492.7, 559.8, 664.6, 704.1, 740.5, 782.8, 832.8, 864.7, 945.1, 1613.7, 2202.4)


@pytest.fixture
def store(tmp_path):
    """Write a scene of given arrays: `store(hsi=array)`, `store({"hsi": {...info}}, hsi=array, labels=...)`."""

    def write(
        infos=None, labels=None, tiles=1, transform=(2.0, 0.0, 1000.0, 0.0, -2.0, 5000.0), name="place", **arrays
    ):
        drafts = [
            TileDraft(
                f"t{number}",
                {
                    key: (value, ModalityInfo.of(key, value, **(infos or {}).get(key, {})))
                    for key, value in arrays.items()
                },
                labels,
                transform,
                None if transform is None else "EPSG:32617",
            )
            for number in range(tiles)
        ]
        most = 0 if labels is None else int(labels.max())
        table = ClassTable.from_names([f"class {value}" for value in range(1, most + 1)])
        return write_scene(tmp_path / f"{name}.zarr", drafts, table)

    return write


@pytest.fixture
def rng():
    return np.random.default_rng(7)
