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


@pytest.mark.slow
def test_a_killed_collector_tells_the_same(tmp_path):
    undisturbed = folder_of(tmp_path, "undisturbed")
    assert run(undisturbed) == 0
    steps = len(script.Script().steps)
    chance = random.Random(6)
    left = MOMENTS
    while left:
        killed = folder_of(tmp_path, f"killed-{left}")
        several = min(left, 10)
        for until in sorted(chance.sample(range(1, steps - 5), several)):
            run(killed, until)
        assert run(killed) == 0
        assert script.journal(killed) == script.journal(undisturbed)
        left -= several


def test_the_undisturbed_run_says_what_the_vectors_expect(tmp_path):
    assert run(tmp_path) == 0
    said, _ = script.journal(tmp_path)
    for told in script.Script().told:
        assert told.said(said) == told.case["expected_events"], told.id
