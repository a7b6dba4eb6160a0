"""The peak of memory is that of the work since it was asked for, not of all before."""

import sys

import numpy as np
import pytest

from workbench.experiments.memory import PeakMemory

MANY = 200 * 2**20


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux alone tells and resets it")
def test_the_peak_is_of_the_work_since_then():
    block = np.ones(MANY, np.uint8)
    high = PeakMemory("cpu").bytes()
    del block
    watch = PeakMemory("cpu")
    low = watch.bytes()
    assert low < high - MANY / 2
    block = np.ones(MANY, np.uint8)
    del block
    assert watch.bytes() > low + MANY / 2


def test_where_nobody_tells_it_is_none():
    assert PeakMemory("mps").bytes() is None
