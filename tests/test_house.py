"""The house of DESIGN.md: floors, mirrored tests, sizes, notebooks, and nothing of one machine in tracked files."""

import ast
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOUSE = ROOT / "workbench"

# A room imports only from floors below its own.
FLOORS = {
    "base": 0,
    **dict.fromkeys(["scenes", "runs", "jobs", "analysis"], 1),
    **dict.fromkeys(["splits", "spectra"], 2),
    "models": 3,
    **dict.fromkeys(["training", "mapping", "explain"], 4),
    "experiments": 5,
    "views": 6,
    "reports": 7,
    **dict.fromkeys(["widgets", "dashboard"], 8),
    "cli": 9,
    "__main__": 10,  # `python -m workbench`, which opens the door of cli
}
FACE = "__init__"  # workbench/__init__.py, which may reach every room, lazily


def sources() -> list[Path]:
    return sorted(HOUSE.rglob("*.py"))


def tracked() -> list[Path]:
    """Files that git has or would take, so that a fault is seen before it is committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def imported(tree: ast.AST, package: list[str]) -> Iterator[str]:
    """Modules imported anywhere in a file, functions included, as dotted names.

    Args:
        tree: The parsed file.
        package: Parts of the package that holds it, for relative imports.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name == "workbench":  # what counts is what is taken from it
                    yield from (f"workbench.{name}" for name in attributes(tree, alias.asname or "workbench"))
                else:
                    yield alias.name
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            # `from workbench import scenes` is an import of the room
            yield from (f"{module}.{alias.name}" if module == "workbench" else module for alias in node.names)
        elif isinstance(node, ast.Call):
            function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if function in ("import_module", "__import__") and node.args and isinstance(node.args[0], ast.Constant):
                yield str(node.args[0].value)


def attributes(tree: ast.AST, name: str) -> list[str]:
    """What is read as `name.attribute` anywhere in a file."""
    return [
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name
    ]


def forbidden(room: str, tree: ast.AST, package: list[str]) -> list[str]:
    """Imports of a file in `room` that do not go strictly down."""
    found = []
    for module in imported(tree, package):
        house, _, rest = module.partition(".")
        if house != "workbench":
            continue
        other = rest.partition(".")[0]
        if other not in (room, "__version__", "__file__") and (other not in FLOORS or FLOORS[other] >= FLOORS[room]):
            found.append(f"{module} (the public face)" if other not in FLOORS else module)
    return found


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(HOUSE)))
def test_imports_go_down(path: Path) -> None:
    parts = path.relative_to(HOUSE).with_suffix("").parts
    if parts == (FACE,):
        return
    assert parts[0] in FLOORS, f"workbench/{parts[0]} has no floor; DESIGN.md gives each room one"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not forbidden(parts[0], tree, ["workbench", *parts[:-1]])


@pytest.mark.parametrize(
    ("room", "code", "found"),
    [
        ("models", "import workbench.splits.split\nfrom workbench.base.errors import WorkbenchError", []),
        ("models", "from workbench.models.blocks import Block\nfrom . import blocks\nfrom .blocks import Block", []),
        ("models", "def f():\n    from workbench.training.fit import fit", ["workbench.training.fit"]),
        ("models", "from workbench import training", ["workbench.training"]),
        ("models", "from ..training import fit", ["workbench.training"]),
        ("mapping", "from workbench.explain import attention", ["workbench.explain"]),
        ("models", "import workbench\nprint(workbench.__version__, workbench.__file__)", []),
        ("models", "import workbench as wb\nwb.train()", ["workbench.train (the public face)"]),
        ("models", "from workbench import __version__", []),
        ("models", "from workbench import open_scene", ["workbench.open_scene (the public face)"]),
        ("models", "import importlib\nimportlib.import_module('workbench.cli')", ["workbench.cli"]),
        ("base", "import torch, workbench.scenes", ["workbench.scenes"]),
    ],
)
def test_the_rule_of_the_floors_can_fail(room: str, code: str, found: list[str]) -> None:
    assert forbidden(room, ast.parse(code), ["workbench", room]) == found


def test_rooms_and_floors_are_the_same() -> None:
    rooms = {path.name for path in HOUSE.iterdir() if path.is_dir() and any(path.glob("*.py"))}
    files = {path.stem for path in HOUSE.glob("*.py")} - {FACE}
    assert rooms | files == set(FLOORS)
    assert all((HOUSE / room / "__init__.py").is_file() for room in rooms)


def test_tests_mirror_the_rooms() -> None:
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and any(path.rglob("*.py"))}
    assert folders
    assert not folders - set(FLOORS), "a folder of tests/ is named after a room of workbench/"
    assert not list((ROOT / "tests").rglob("__init__.py"))


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(HOUSE)))
def test_a_file_is_one_idea(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 450
    assert path.stem not in ("utils", "util", "helpers", "misc", "common"), "name it after what it does"


def test_tracked_files_are_small() -> None:
    assert not [str(path.relative_to(ROOT)) for path in tracked() if path.stat().st_size > 300_000]


def test_notebooks_are_clean_and_parameterised() -> None:
    notebooks = [path for path in tracked() if path.suffix == ".ipynb"]
    assert notebooks
    for path in notebooks:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        assert not any(cell["outputs"] or cell["execution_count"] for cell in code), f"{path.name} has outputs"
        marked = [cell for cell in code if "parameters" in cell["metadata"].get("tags", [])]
        assert len(marked) == 1, f"{path.name} has {len(marked)} cells tagged `parameters`, not one"


REGISTRIES = r"pypi\.org|pythonhosted|npmjs|download\.pytorch|conda\.anaconda|deb\.debian"
OF_A_MACHINE = {
    "a registry's address": re.compile(rf"https?://[^\s\"')]*(?:{REGISTRIES})|(?:index|find)-(?:url|links)[ =]"),
    "a path of somebody's": re.compile(r"(?<![\w.~])/(?:root|home/[\w.-]+|Users/[\w.-]+|work/\w+)/|file:///\w"),
}


def strangers(text: str) -> list[str]:
    """What a tracked text must not hold: it would be true on one machine only."""
    return [what for what, pattern in OF_A_MACHINE.items() if pattern.search(text)]


def test_tracked_files_hold_nothing_of_one_machine() -> None:
    found = {}
    for path in tracked():
        if path == Path(__file__):
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if strangers(text):
            found[str(path.relative_to(ROOT))] = strangers(text)
    assert not found


@pytest.mark.parametrize(
    ("text", "found"),
    [  # in two parts each: not even here do such things stand
        ("see https://keepachangelog.com and ~/data, ./work/" + "here, /homework/x/", False),
        ('"resolved": "https://registry.' + "npm" + 'js.org/x"', True),
        ("pip install --index" + "-url https://example.org/simple", True),
        ("/home/ann/data/scene.zarr", True),
        ('open("/' + 'root/x")', True),
        ("file:///srv/wheels", True),
    ],
)
def test_the_rule_of_machines_can_fail(text: str, found: bool) -> None:
    assert bool(strangers(text)) is found
