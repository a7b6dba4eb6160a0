"""How fast ENVI cubes become scenes, against a plain copy of the same file measured just before, and in what memory.

Part of ``python benchmarks/scenes.py --envi``. Copy and import are measured three times over: until the call returns,
when most bytes wait in memory to be written; until they are on the disk; and in seconds of processors, of which an
import uses several at once and a copy one. Figures are medians of the runs, ratios the medians of the runs' own ratios.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ORDERS = {"bsq": (0, 1, 2), "bil": (1, 0, 2), "bip": (1, 2, 0)}
"""Where (band, row, column) stand in the file."""

IMPORT = """
import re, resource, sys, time
from pathlib import Path
from workbench.scenes import import_scene
import numpy, pyproj, rioxarray, spectral, zarr
def used(): return sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
before, start = used(), time.perf_counter()
import_scene("cube", {"hsi": sys.argv[1]}, compress=sys.argv[2] == "compressed")
peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]  # ru_maxrss begins with the parent's
print(time.perf_counter() - start, used() - before, int(peak) / 1024)
"""


def write_cubes(folder: Path, rows: int, cols: int, bands: int) -> dict[str, Path]:
    """The same uint16 cube of smooth spectra and noise in the three interleaves, written in strips."""
    rng = np.random.default_rng(0)
    spectrum = rng.integers(500, 4000, (bands, 1, 1)).astype(np.float32)
    paths, files = {}, {}
    for kind, order in ORDERS.items():
        paths[kind] = folder / f"{kind}.img"
        shape = tuple((bands, rows, cols)[axis] for axis in order)
        files[kind] = np.memmap(paths[kind], np.uint16, "w+", shape=shape).transpose(np.argsort(order))
        paths[kind].with_suffix(".hdr").write_text(
            f"ENVI\nsamples = {cols}\nlines = {rows}\nbands = {bands}\nheader offset = 0\ndata type = 12\n"
            f"interleave = {kind}\nbyte order = 0\nmap info = {{UTM, 1, 1, 500000, 4000000, 2.5, 2.5, 17, North, WGS-84}}\n"
        )
    for row in range(0, rows, 50):
        size = min(50, rows - row)
        light = 1 + 0.1 * rng.standard_normal((1, size, cols), np.float32)
        block = spectrum * light + 20 * rng.standard_normal((bands, size, cols), np.float32)
        for file in files.values():
            file[:, row : row + size] = block.clip(0)
    return paths


def measure(path: Path, how: str, data: Path) -> tuple[float, ...]:
    """Seconds of copy and import until they return, until they are on disk, and of processors; peak MB; MB stored."""
    copy = path.with_suffix(".copy")
    os.sync()
    before, start = time.process_time(), time.perf_counter()
    shutil.copyfile(path, copy)
    copied, copied_used = time.perf_counter() - start, time.process_time() - before
    flush([copy])
    copied_on_disk = time.perf_counter() - start
    copy.unlink()
    os.sync()
    told = subprocess.run([sys.executable, "-c", IMPORT, str(path), how], check=True, capture_output=True, text=True)
    imported, imported_used, memory = map(float, told.stdout.split())
    stored = [file for file in (data / "cube.zarr").rglob("*") if file.is_file()]
    start = time.perf_counter()
    flush(stored)
    imported_on_disk = imported + time.perf_counter() - start
    size = sum(file.stat().st_size for file in stored) / 1e6
    shutil.rmtree(data / "cube.zarr")
    return copied, imported, copied_on_disk, imported_on_disk, copied_used, imported_used, memory, size


def flush(files: list[Path]) -> None:
    """Wait until files are on the disk."""
    for file in files:
        with file.open("rb") as opened:
            os.fsync(opened.fileno())


def report(folder: Path, rows: int, cols: int, bands: int, repeats: int) -> None:
    """Measure every interleave, compressed and not, and print a line each."""
    paths = write_cubes(folder, rows, cols, bands)
    megabytes = rows * cols * bands * 2 / 1e6
    print(f"{rows} x {cols} x {bands} uint16, {megabytes:.0f} MB, median of {repeats}")
    for kind, path in paths.items():
        for how in ("compressed", "uncompressed"):
            runs = np.array([measure(path, how, folder) for _ in range(repeats)])
            ratios = np.median(runs[:, 0:6:2] / runs[:, 1:6:2], axis=0)
            copied, imported, *_, copied_used, imported_used, memory, size = np.median(runs, axis=0)
            print(
                f"  {kind} {how:<12}  copy {copied:.2f} s, import {imported:.2f} s: {ratios[0]:.2f} of the copy's speed, "
                f"{ratios[1]:.2f} until on disk; processors {copied_used:.2f} s, {imported_used:.2f} s ({ratios[2]:.2f}); "
                f"peak {memory:.0f} MB; stored {size:.0f} MB",
                flush=True,
            )
