"""kill -9 at any moment: the same alarms and journal as of a run nobody disturbed."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.central.alarms import script

ROOT = Path(__file__).parents[3]
MOMENTS = int(os.environ.get("FENGSUI_MOMENTS", "10"))
"""How often it is killed; more in the long runs."""


def begin(folder):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.central.alarms.script", folder],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def run(folder, until=None):
    """Play on; killed once so many steps are done, at whatever it does then."""
    with begin(folder) as process:
        for line in process.stdout:
            if until is not None and int(line) >= until:
                process.send_signal(signal.SIGKILL)
                break
        process.stdout.close()
        return process.wait(timeout=120)


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
            run(killed, until)
        assert run(killed) == 0
        assert script.journal(killed) == undisturbed
        left -= several


def test_the_undisturbed_run_says_what_the_vectors_expect(undisturbed):
    said, _ = undisturbed
    for told in script.Script().told:
        assert told.said(said) == told.case["expected_events"], told.id
