"""The names of `import workbench as wb`, as DESIGN.md gives them."""

from importlib import import_module

import pytest

import workbench

# As the design has them, written out: these names stay stable.
NAMES = [
    *("list_scenes", "list_models", "open_scene", "import_scene", "make_split", "create_model"),
    *("train", "open_run", "list_runs", "map_scene", "evaluate", "report", "sweep", "WorkbenchError"),
    *("sample_map", "score_sample"),
    *("compare_runs", "compare_across", "compare_groups", "compare_scenes"),
    "analyse_errors",
]


@pytest.mark.parametrize("name", NAMES)
def test_name_loads_from_its_room(name: str) -> None:
    thing = getattr(workbench, name)
    assert callable(thing)
    assert getattr(workbench, name) is thing
    assert name in dir(workbench)
    assert getattr(import_module(workbench._ROOMS[name]), name) is thing


def test_no_name_is_missing_above() -> None:
    assert sorted(workbench._ROOMS) == sorted(NAMES)


def test_version_is_the_installed_one() -> None:
    assert workbench.__version__[0].isdigit()


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'opne_scene'"):
        workbench.opne_scene  # noqa: B018
