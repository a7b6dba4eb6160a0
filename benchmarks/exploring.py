"""How long a scene that is larger than a screen takes to be looked at: first composite, zoom, taps, computed layers.

Run ``python benchmarks/exploring.py``; the default is 2000 x 2000 x 144 uint16, 1.15 GB, made in a temporary folder.
``--scene PATH`` looks at a stored scene instead. Each figure but the first is a median.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np


def make(path: Path, rows: int, cols: int, bands: int) -> Path:
    """A stored scene of smooth noise with labels, as reflectance in uint16."""
    from workbench.scenes import ClassTable, ModalityInfo, TileDraft, write_scene

    rng = np.random.default_rng(0)
    cube = np.empty((bands, rows, cols), np.uint16)
    spectrum = rng.integers(500, 4000, (bands, 1, 1))
    for row in range(0, rows, 64):
        size = min(64, rows - row)
        block = spectrum * rng.normal(1, 0.1, (1, size, cols)) + rng.normal(0, 20, (bands, size, cols)).astype(
            "float32"
        )
        cube[:, row : row + size] = block.clip(0)
    waves = tuple(np.linspace(400, 2400, bands).tolist())
    info = ModalityInfo.of("hsi", cube, quantity="reflectance", scale=1e-4, wavelengths=waves)
    labels = rng.integers(0, 6, (rows // 20 + 1, cols // 20 + 1)).repeat(20, 0).repeat(20, 1)[:rows, :cols]
    draft = TileDraft("cube", {"hsi": (cube, info)}, labels.astype("uint16"), (2.5, 0, 5e5, 0, -2.5, 4e6), "EPSG:32617")
    write_scene(path, [draft], ClassTable.from_names("abcde"))
    return path


def measure(path: Path) -> list[tuple[str, float]]:
    """What was done and how long it took, in milliseconds; libraries are imported first, as a page has them."""
    import pandas  # noqa: F401
    import rasterio.crs  # noqa: F401

    from workbench.scenes import open_scene
    from workbench.views.backend import hv
    from workbench.views.layers import Layer, angle_layer, anomaly_layer, chosen_bands, find_layer, index_layer
    from workbench.views.live import LiveMap, LiveSpectrum
    from workbench.views.maps import composite
    from workbench.views.picture import bokeh_model
    from workbench.views.raster import can_detail, detail, raster

    told: list[tuple[str, float]] = []

    def timed(what: str, work: Callable[[int], object], repeats: int = 1) -> None:
        times = []
        for i in range(repeats):
            start = time.perf_counter()
            work(i)
            times.append(time.perf_counter() - start)
        told.append((what, 1000 * float(np.median(times))))

    timed("open", lambda _: open_scene(path), 20)
    scene = open_scene(path)
    rows, cols = scene.shape
    rng = np.random.default_rng(1)
    places = rng.integers(0, (rows, cols), (100, 2)).tolist()
    scene.spectrum("hsi", 0, 0)
    timed("one spectrum", lambda i: scene.spectrum("hsi", *places[i]), 100)
    timed("first composite, drawn", lambda _: bokeh_model(composite(scene).element))
    layer = find_layer(scene)
    timed("other bands", lambda i: raster(scene, chosen_bands(scene, "hsi", (i, i + 10, i + 20))), 20)
    live = LiveMap(scene, raster(scene, layer).stride, None)
    hv.renderer("bokeh").get_plot(live.element)
    live.show(raster(scene, layer).rgba)
    for side in (256, 512, 640):
        corners = rng.integers(0, (max(rows - side, 1), max(cols - side, 1)), (20, 2)).tolist()
        windows = [(slice(r, min(r + side, rows)), slice(c, min(c + side, cols))) for r, c in corners]
        if can_detail(scene, "hsi", windows[0]):

            def zoom(i: int, windows: list[tuple[slice, slice]] = windows) -> None:
                live.show_detail(detail(scene, layer, windows[i]).rgba, windows[i])

            timed(f"zoom to {side} x {side} pixels", zoom, 10)
    timed("class means of labels, first", lambda _: LiveSpectrum(scene, scene, "hsi", None))
    spectrum = LiveSpectrum(scene, scene, "hsi", None)
    hv.renderer("bokeh").get_plot(spectrum.element)

    def tap(i: int) -> None:
        pixel = (places[i][0], places[i][1])
        live.mark([pixel])
        spectrum.mark([pixel])

    timed("tap: ring and spectrum", tap, 50)
    timed("tap: eight pixels kept", lambda i: spectrum.mark([(r, c) for r, c in places[8 * i : 8 * i + 8]]), 10)
    computed = (
        index_layer(scene, "hsi", "NDVI"),
        Layer("PCA", "hsi", "components"),
        Layer("MNF", "hsi", "mnf"),
        anomaly_layer(scene, "hsi"),
        angle_layer(scene, "hsi", *places[0]),
    )
    for one in computed:
        timed(f"{one.kind}, first", lambda _, one=one: raster(scene, one))
    timed("angle to another pixel", lambda i: raster(scene, angle_layer(scene, "hsi", *places[i + 1])), 5)
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--cols", type=int, default=2000)
    parser.add_argument("--bands", type=int, default=144)
    parser.add_argument("--scene", type=Path, help="path of a stored scene with a modality called hsi")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = given.scene or make(Path(folder, "cube.zarr"), given.rows, given.cols, given.bands)
        told = measure(path)
    for what, milliseconds in told:
        print(f"  {what:<32} {milliseconds:8.1f} ms")
    print(f"  {'peak memory of this process':<32} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:8.0f} MB")


if __name__ == "__main__":
    main()
