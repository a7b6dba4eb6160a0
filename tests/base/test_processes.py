"""Whether a process is there, and is the one that was meant."""

import os
import subprocess
import sys
import time

import pytest

from workbench.base.processes import process_start, still_alive


def test_this_process_is_there():
    started = process_start(os.getpid())
    assert started is not None
    assert started <= time.time()
    assert still_alive(os.getpid(), started)
    assert still_alive(os.getpid(), None)


def test_a_later_process_of_the_same_number_is_another():
    started = process_start(os.getpid())
    assert not still_alive(os.getpid(), started - 3600)
    assert not still_alive(os.getpid(), started + 3600)


def test_a_process_that_ended_is_gone_also_before_it_is_reaped():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        started = process_start(child.pid)
        assert still_alive(child.pid, started)
        child.stdin.close()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, its remains not yet collected
        assert not still_alive(child.pid, started)
    assert not still_alive(child.pid, None)


@pytest.mark.parametrize("pid", [-1, 2**22 + 1, 2**40, 2**70])
def test_impossible_numbers_are_no_processes(pid):
    assert process_start(pid) is None
    assert not still_alive(pid, None)
