import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.scenes import ClassTable, ModalityInfo, TileDraft, import_catalogue_entry, list_scenes, open_scene


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A tiny demo scene in place of the real one, and how often it was made."""
    calls = []

    def make_demo(seed=0):
        calls.append(seed)
        values = np.full((2, 5, 6), 3, np.uint8)
        return [TileDraft("demo", {"hsi": (values, ModalityInfo.of("hsi", values))})], ClassTable(), {"synthetic": True}

    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.setitem(sys.modules, "workbench.scenes.synthetic", type(sys)("synthetic"))
    monkeypatch.setattr(sys.modules["workbench.scenes.synthetic"], "make_demo", make_demo, raising=False)
    return calls


def test_the_demo_is_made_on_first_use_only(made, tmp_path):
    assert not list_scenes()[0].imported
    scene = open_scene("demo")
    assert scene.attrs == {"synthetic": True}
    assert open_scene("demo") == scene
    assert len(made) == 1
    assert [summary.imported for summary in list_scenes() if summary.name == "demo"] == [True]


def test_two_at_once_make_it_once(made):
    start, found = threading.Barrier(4), []

    def use():
        start.wait()
        found.append(open_scene("demo").read("hsi"))

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all((values == 3).all() for values in found)
    assert len(made) == 1


def test_the_demo_can_be_made_again(made):
    open_scene("demo")
    with pytest.raises(WorkbenchError, match="exists already"):
        import_catalogue_entry("demo")
    import_catalogue_entry("demo", replace=True)
    assert len(made) == 2


def test_entries_that_cannot_be_had_are_told(made, tmp_path):
    with pytest.raises(UnknownNameError, match="Nearest: idtrees2020"):
        import_catalogue_entry("idtrees", tmp_path)
    with pytest.raises(WorkbenchError, match="no folder was given"):
        import_catalogue_entry("idtrees2020")
    with pytest.raises(WorkbenchError, match="holds no tiles"):
        import_catalogue_entry("idtrees2020", Path(tmp_path))
