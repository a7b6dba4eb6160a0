"""`import workbench` and `workbench --help` load nothing heavy. Not timed: what is loaded is the cause, time the effect."""

import json
import subprocess
import sys

import pytest

HEAVY = {
    *("torch", "lightning", "torchmetrics", "sklearn", "scipy"),
    *("holoviews", "panel", "bokeh", "hvplot", "ipywidgets", "IPython", "matplotlib"),
    *("papermill", "nbconvert", "nbformat", "nbclient", "jupyterlab"),
    *("rasterio", "rioxarray", "xarray", "zarr", "dask", "h5py", "spectral"),
    *("pandas", "geopandas", "shapely", "pyarrow"),
    *("onnx", "onnxruntime", "onnxscript"),
}
LIST_LOADED = "import json, sys; print('LOADED', json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"


def loaded_after(code: str) -> tuple[set[str], str]:
    run = subprocess.run([sys.executable, "-c", f"{code}\n{LIST_LOADED}"], check=True, capture_output=True, text=True)
    output, _, listed = run.stdout.rpartition("LOADED ")
    return set(json.loads(listed)), output


def test_import_of_the_public_face() -> None:
    loaded, _ = loaded_after("import workbench; dir(workbench); workbench.__version__; workbench.WorkbenchError")
    assert "workbench" in loaded
    assert not loaded & (HEAVY | {"pydantic", "numpy", "typer", "rich"})


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["scenes", "--help"]], ids=" ".join)
def test_help_of_the_terminal_face(arguments: list[str]) -> None:
    loaded, output = loaded_after(f"""
import sys
sys.argv = ["workbench", *{arguments}]
from workbench.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code
""")
    assert "Usage" in output
    assert not loaded & HEAVY


def test_the_check_can_fail() -> None:
    loaded, _ = loaded_after("import pandas")
    assert "pandas" in loaded & HEAVY
