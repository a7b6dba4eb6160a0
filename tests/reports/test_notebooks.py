"""The committed notebooks, and what their parameters may be."""

import ast
from pathlib import Path

import nbformat
import pytest

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.reports.notebooks import all_parameters, check_parameters, list_notebooks, notebook_folder

NAMES = ("across", "attention", "compare", "errors", "explore", "train")


def test_the_notebooks_there_are():
    assert set(NAMES) <= set(list_notebooks())


@pytest.mark.parametrize("name", NAMES)
def test_notebook_is_committed_clean_and_thin(name):
    book = nbformat.read(notebook_folder() / f"{name}.ipynb", as_version=4)
    nbformat.validate(book)
    assert (book.nbformat, book.nbformat_minor) == (4, 5)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert len(code) <= 15
    assert not any(cell.outputs or cell.execution_count for cell in code)
    tagged = [cell for cell in code if "parameters" in cell.metadata.get("tags", [])]
    assert len(tagged) == 1
    for line in tagged[0].source.splitlines():
        statement, _, told = line.partition("  # ")
        assert told, f"{line!r} has no help"
        node = ast.parse(statement).body[0]
        assert isinstance(node, ast.AnnAssign)
        ast.literal_eval(node.value)
    assert book.cells[0].cell_type == "markdown"
    assert "First change" in book.cells[0].source
    assert not any(
        isinstance(node, ast.FunctionDef | ast.ClassDef) for c in code for node in ast.walk(ast.parse(c.source))
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_is_read_by_papermill(name):
    found = all_parameters(name)
    assert found["interactive"].default is True
    assert found["output"].default == ""
    assert all(parameter.help for parameter in found.values())


def test_defaults_are_filled_in_and_text_is_read_by_type():
    filled = check_parameters("train", {"epochs": "5", "width": "1", "scene": "demo"})
    assert filled["epochs"] == 5
    assert filled["width"] == 1.0
    assert isinstance(filled["width"], float)
    assert filled["protocol"] == "blocks"
    assert not {"interactive", "output"} & set(filled)
    assert check_parameters("attention", {"pixels": "[[1, 2], [3, 4]]"})["pixels"] == [[1, 2], [3, 4]]
    assert check_parameters("errors", {"compare": "a, b"})["compare"] == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("train", {"epochs": "five"}, "must be int"),
        ("train", {"epochs": 2.5}, "must be int"),
        ("train", {"epochs": True}, "must be int"),
        ("train", {"width": "wide"}, "must be float"),
        ("train", {"scene": 3}, "must be str"),
        ("attention", {"pixels": "[1, 2"}, "must be list"),
        ("attention", {"pixels": [object()]}, "must be list"),
    ],
)
def test_ill_typed_values_are_refused(name, values, words):
    with pytest.raises(WorkbenchError, match=words):
        check_parameters(name, values)


@pytest.mark.parametrize(
    ("values", "nearest"),
    [({"epoch": 3}, "epochs"), ({"scenes": "demo"}, "scene"), ({"interactive": False}, "There are: ")],
)
def test_unknown_parameters_are_refused_with_the_nearest(values, nearest):
    with pytest.raises(UnknownNameError, match=nearest):
        check_parameters("train", values)


def test_unknown_notebook():
    with pytest.raises(UnknownNameError, match="explore"):
        check_parameters("explor", {})


def test_notebooks_of_a_checkout_are_its_own():
    assert notebook_folder() == Path(__file__).parents[2] / "notebooks"
