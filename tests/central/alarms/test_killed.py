"""kill -9 at any moment: the same alarms and journal as of a run nobody disturbed."""

import contextlib
import math
import multiprocessing
import os
import random
import signal

import pytest

from tests.central.alarms import script

MOMENTS = int(os.environ.get("FENGSUI_MOMENTS", "10"))
"""How often it is killed; more in the long runs."""


PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.central.alarms.script"])
"""Every run has a process of its own; what they import is imported once."""
LONGEST = 300
"""Real seconds of a run."""


def run(folder, until=None):
    """Play on; killed once so many steps are done, at whatever it does then. Return its end."""
    told, tells = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=script.played, args=(folder, tells))
    process.start()
    tells.close()
    with contextlib.suppress(EOFError):
        while told.poll(LONGEST):
            if told.recv() >= (until or math.inf):
                process.kill()
                break
    process.join(LONGEST)
    return process.exitcode


def folder_of(tmp_path, name):
    (tmp_path / name).mkdir()
    return tmp_path / name


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What is said when nobody disturbs it."""
    folder = tmp_path_factory.mktemp("undisturbed")
    assert run(folder) == 0
    return script.journal(folder)


@pytest.mark.slow
def test_a_killed_collector_tells_the_same(tmp_path, undisturbed):
    steps = len(script.Script().steps)
    chance = random.Random(6)
    left = MOMENTS
    while left:
        killed = folder_of(tmp_path, f"killed-{left}")
        several = min(left, 10)
        for until in sorted(chance.sample(range(1, steps - 5), several)):
            assert run(killed, until) == -signal.SIGKILL
        assert run(killed) == 0
        assert script.journal(killed) == undisturbed
        left -= several


def test_the_undisturbed_run_says_what_the_vectors_expect(undisturbed):
    said, _ = undisturbed
    for told in script.Script().told:
        assert told.said(said) == told.case["expected_events"], told.id
