"""Strict configuration: what does not fit is told with its line and column."""

import pytest
from pydantic import Field

from workbench.base.config import StrictModel, read_yaml, write_yaml
from workbench.base.errors import WorkbenchError


class Inner(StrictModel):
    learning_rate: float = Field(default=1e-3, gt=0)
    schedule: str = "constant"


class Outer(StrictModel):
    epochs: int
    share: float = 0.5
    on: bool = False
    bands: tuple[int, ...] = ()
    names: dict[str, int] = Field(default={})
    inner: Inner = Inner()


@pytest.fixture
def read(tmp_path):
    def reader(text):
        path = tmp_path / "c.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_yaml(path, Outer)

    return reader


def test_yaml_1_2_is_read_with_its_own_types(read):
    found = read("epochs: 3\nshare: 1e-3\nbands: [1, 2]\nnames: {a: 1}\ninner:\n  learning_rate: 2\n")
    assert found == Outer(epochs=3, share=1e-3, bands=(1, 2), names={"a": 1}, inner=Inner(learning_rate=2.0))
    assert read("epochs: &n 3\nnames: {a: *n}\non: &yes true\n") == Outer(epochs=3, names={"a": 3}, on=True)


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("epochs: 3\nshaer: 1\n", 2, 1, ["unknown parameter 'shaer'", "nearest: share"]),
        ("epochs: 3\nzzzz: 1\n", 2, 1, ["known: bands, epochs, inner, names, on, share"]),
        (
            "epochs: 3\ninner:\n  schedule: x\n  learning_rat: 1\n",
            4,
            3,
            ["inner.learning_rat", "nearest: learning_rate"],
        ),
        ("epochs: 3\ninner:\n  zzzz: 1\n", 3, 3, ["known: learning_rate, schedule"]),
        ("epochs: many\n", 1, 1, ["'epochs' = 'many'", "valid integer"]),
        ("epochs: 3.0\n", 1, 1, ["'epochs' = 3.0"]),
        ("epochs: '3'\n", 1, 1, ["'epochs' = '3'"]),
        ("epochs: true\n", 1, 1, ["'epochs' = True"]),
        ("epochs: 3\non: yes\n", 2, 1, ["'on' = 'yes'"]),  # YAML 1.2 knows no such boolean
        ("epochs: 3\nbands: [1, two]\n", 2, 12, ["'bands.1' = 'two'"]),
        ("epochs: 3\nnames:\n  a: 1\n  b: x\n", 4, 3, ["'names.b' = 'x'"]),
        ("epochs: 3\ninner:\n  learning_rate: -1\n", 3, 3, ["greater than 0"]),
        ("share: 1\n", 1, 1, ["'epochs' is missing"]),
    ],
)
def test_what_does_not_fit_is_told_with_line_and_column(read, text, line, column, words):
    with pytest.raises(WorkbenchError) as caught:
        read(text)
    message = str(caught.value)
    assert "c.yaml" in message
    assert f"line {line}, column {column}:" in message
    for word in words:
        assert word in message


def test_all_faults_are_told_at_once(read):
    with pytest.raises(WorkbenchError, match=r"line 1, .*line 2, .*line 3, "):
        read("epochs: x\nshare: y\nnonsense: 1\n")


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("epochs: 1\nshare: 1\nepochs: 2\n", 3, 1),
        ("epochs: 1\nnames:\n  a: 1\n  a: 2\n", 4, 3),
        ("epochs: 1\nnames: {a: 1\n", 3, 1),
        ("epochs: 1\n\tshare: 1\n", 2, 1),
        ("epochs: *nowhere\n", 1, 9),
    ],
)
def test_duplicate_keys_and_broken_yaml_are_told_with_line_and_column(read, text, line, column):
    with pytest.raises(WorkbenchError, match=rf"c\.yaml, line {line}, column {column}: "):
        read(text)


@pytest.mark.parametrize("text", ["", "- 1\n", "just words\n", b"\xff\xfe\x00", b"epochs: \x00\n", "? [1, 2]\n: 3\n"])
def test_what_is_no_mapping_or_no_yaml_is_told(read, text):
    with pytest.raises(WorkbenchError, match=r"c\.yaml"):
        read(text)


def test_nothing_is_executed(read, tmp_path):
    with pytest.raises(WorkbenchError):
        read(f"epochs: !!python/object/apply:os.mkdir [{tmp_path / 'made'}]\n")
    assert not (tmp_path / "made").exists()


def test_a_missing_file_or_a_folder_is_told(tmp_path):
    with pytest.raises(WorkbenchError, match=r"none\.yaml is missing"):
        read_yaml(tmp_path / "none.yaml", Outer)
    with pytest.raises(WorkbenchError, match="cannot be read"):
        read_yaml(tmp_path, Outer)


def test_round_trip(tmp_path):
    model = Outer(epochs=3, share=1e-7, bands=(5,), names={"ü: x": 1}, inner=Inner(schedule="yes"))
    path = tmp_path / "c.yaml"
    write_yaml(path, model)
    assert read_yaml(path, Outer) == model


def test_build_names_what_was_done_and_keeps_the_case_of_names():
    with pytest.raises(WorkbenchError, match=r"While training: unknown parameter 'epoch' \(nearest: epochs\)"):
        Outer.build({"epochs": 1, "epoch": 2}, "training")
    from workbench.scenes import ModalityInfo

    with pytest.raises(WorkbenchError, match="'backscatter dB'"):
        ModalityInfo.build({"name": "sar", "dtype": "float32", "bands": 1, "quantity": "db"}, "importing")


def test_a_rule_of_the_whole_model_is_told_in_its_own_words():
    from workbench.scenes import ModalityInfo

    with pytest.raises(WorkbenchError, match=r"^While importing: 'hsi' has the type complex64; only real numbers"):
        ModalityInfo.build({"name": "hsi", "dtype": "complex64", "bands": 1}, "importing")


def test_a_model_is_frozen():
    with pytest.raises(Exception, match="frozen"):
        Outer(epochs=1).epochs = 2
