"""Where things lie."""

from pathlib import Path

import pytest

from workbench.base import roots

ROOTS = {"WORKBENCH_DATA": roots.data_root, "WORKBENCH_RUNS": roots.runs_root, "WORKBENCH_REPORTS": roots.reports_root}


@pytest.mark.parametrize(("variable", "root"), ROOTS.items())
def test_a_root_is_a_folder_of_the_working_directory_unless_the_environment_says_otherwise(
    variable, root, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(variable, raising=False)
    assert root() == tmp_path / variable.removeprefix("WORKBENCH_").lower()
    monkeypatch.setenv(variable, "elsewhere")
    assert root() == tmp_path / "elsewhere"
    monkeypatch.setenv(variable, "~/there")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert root() == tmp_path / "home" / "there"
    monkeypatch.setenv(variable, "/absolute")
    assert root() == Path("/absolute")
    assert list(tmp_path.iterdir()) == []  # asking makes nothing
