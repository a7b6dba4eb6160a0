"""How long a scene takes to import, to open and to read, and how much memory import needs.

Run ``python benchmarks/scenes.py``; ``--rows 2000 --cols 2000`` makes it 1.15 GB. ``--envi`` measures the import of ENVI
files in every interleave instead, each against a plain copy of the file.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from envi_import import report


def write_cube(path: Path, rows: int, cols: int, bands: int) -> None:
    """A tiled, pixel-interleaved uint16 GeoTIFF of smooth noise, written in strips."""
    import rasterio
    from affine import Affine

    rng = np.random.default_rng(0)
    spectrum = rng.integers(500, 4000, (bands, 1, 1))
    with rasterio.open(
        path, "w", driver="GTiff", width=cols, height=rows, count=bands, dtype="uint16", crs="EPSG:32617", tiled=True,
        blockxsize=64, blockysize=64, interleave="pixel", transform=Affine(2.5, 0, 5e5, 0, -2.5, 4e6), BIGTIFF="IF_SAFER",
    ) as file:  # fmt: skip
        for row in range(0, rows, 64):
            size = min(64, rows - row)
            block = spectrum * rng.normal(1, 0.1, (1, size, cols)) + rng.normal(0, 20, (bands, size, cols))
            file.write(block.clip(0).astype(np.uint16), window=((row, row + size), (0, cols)))


def median_ms(work: Callable[[int], object], repeats: int) -> float:
    """Median time of `work(i)` in milliseconds."""
    times = []
    for i in range(repeats):
        start = time.perf_counter()
        work(i)
        times.append(time.perf_counter() - start)
    return 1000 * float(np.median(times))


IMPORT = """
import resource, sys, time
from pathlib import Path
from workbench.scenes import ModalitySource, import_scene
import rasterio, zarr, rioxarray
before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
import_scene("cube", {"hsi": ModalitySource(path=sys.argv[1])})
print(time.perf_counter() - start, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--cols", type=int, default=500)
    parser.add_argument("--bands", type=int, default=144)
    parser.add_argument("--envi", action="store_true", help="measure the import of ENVI files against plain copies")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each import of --envi")
    given = parser.parse_args()
    rows, cols, bands = given.rows, given.cols, given.bands
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WORKBENCH_DATA"] = folder
        if given.envi:
            report(Path(folder), rows, cols, bands, given.repeats)
            return
        source = Path(folder, "cube.tif")
        write_cube(source, rows, cols, bands)
        megabytes = rows * cols * bands * 2 / 1e6
        start = time.perf_counter()
        Path(folder, "copy.tif").write_bytes(source.read_bytes())
        copying = time.perf_counter() - start
        command = [sys.executable, "-c", IMPORT, str(source)]
        seconds, memory = map(float, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())

        from workbench.scenes import open_scene

        scene = open_scene("cube")
        rng = np.random.default_rng(1)
        places = rng.integers(0, (rows - 64, cols - 64), (100, 2)).tolist()

        def window(i: int) -> object:
            row, col = places[i]
            return scene.read("hsi", slice(row, row + 64), slice(col, col + 64))

        scene.spectrum("hsi", 0, 0)
        stored = sum(file.stat().st_size for file in Path(folder, "cube.zarr").rglob("*") if file.is_file()) / 1e6
        lines = [
            (
                "import from GeoTIFF",
                f"{seconds:.2f} s ({megabytes / seconds:.0f} MB/s; a plain copy takes {copying:.2f} s)",
            ),
            ("memory added by import", f"{memory:.0f} MB"),
            ("stored", f"{stored:.0f} MB of {megabytes:.0f} MB"),
            ("open", f"{median_ms(lambda _: open_scene('cube'), 20):.2f} ms"),
            ("DataArray, lazy", f"{median_ms(lambda _: scene['hsi'], 10):.1f} ms"),
            ("one spectrum", f"{median_ms(lambda i: scene.spectrum('hsi', *places[i]), 100):.2f} ms"),
            ("64 x 64 window", f"{median_ms(window, 100):.2f} ms"),
            ("overview, all bands", f"{median_ms(lambda _: scene.overview('hsi'), 3):.0f} ms"),
            ("three bands, whole", f"{median_ms(lambda _: scene.read('hsi', bands=[40, 20, 10]), 3):.0f} ms"),
            ("all bands, whole", f"{median_ms(lambda _: scene.read('hsi'), 1):.0f} ms"),
            ("peak memory of this process", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB"),
        ]
    print(f"{rows} x {cols} x {bands} uint16")
    for what, figure in lines:
        print(f"  {what:<28} {figure}")


if __name__ == "__main__":
    main()
