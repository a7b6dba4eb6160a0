"""The table of what position alone scores, from a label map alone; by the program in benchmarks/."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from workbench.splits.masks import Mask

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "splits.py"


@pytest.fixture(scope="module")
def program():
    found = importlib.util.spec_from_file_location("benchmark_of_splits", PROGRAM)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def large_fields():
    """Few large fields, as Trento has them."""
    labels = np.zeros((130, 260), int)
    random = np.random.default_rng(3)
    for row in range(3):
        for col in range(5):
            labels[row * 43 + 1 : row * 43 + 40, col * 52 + 1 : col * 52 + 48] = random.integers(1, 5)
    return Mask.of(labels, "large fields")


def figures(line):
    """n train, OA, its deviation, ..., inside, overlap of a printed row."""
    return [float(word) for word in line[48:].replace("+-", " ").split()]


def test_random_splits_give_position_away_and_buffered_blocks_do_not(program, large_fields):
    lines = program.table(large_fields, 11, 3, 0.05, 130, 10)
    assert [line[:48].strip() for line in lines[1:5]] == [
        "random 0.05 of all pixels", "random 130 of each class", "16-px blocks, no buffer", "16-px blocks, buffer 10",
    ]  # fmt: skip
    share, per_class, bare, buffered, ours = map(figures, lines[1:])
    labelled = int((large_fields.values > 0).sum())
    assert share[0] == round(0.05 * labelled)
    assert per_class[0] == 130 * 4
    assert share[1] > 98  # OA of position alone
    assert share[-2:] == pytest.approx([99, 100], abs=1)
    assert bare[0] == buffered[0] >= 0.05 * labelled  # the buffer takes test pixels only
    assert bare[-1] > 5
    assert buffered[-2:] == ours[-2:] == [0, 0]
    assert share[1] > buffered[1]


def test_the_buffer_must_follow_the_patch(program, large_fields):
    """10 pixels are enough for patches of 11, and leave overlap at 15 x 15."""
    inside, overlap = figures(program.table(large_fields, 15, 2, 0.05, 130, 10)[4])[-2:]
    assert inside == 0
    assert overlap > 0


def test_the_made_up_scene_is_as_large_as_houston(program):
    mask = program.houston_like()
    assert mask.values.shape == (349, 1905)
    assert (mask.values > 0).sum() == 15_029
    assert len(np.unique(mask.values)) == 16
