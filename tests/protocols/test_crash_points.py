"""A process dies exactly where it is told to, and nowhere unless it is."""

import signal
import subprocess
import sys

import pytest

from protocols.crash_points import CENTRAL, EDGE, VARIABLE, CrashPoints
from protocols.errors import FengsuiError

COUNTING = """
import os
from protocols.crash_points import CrashPoints
points = CrashPoints(os.environ)
for number in range(1, 6):
    points.reach("edge.sealing")
    points.reach("edge.sealed")
    print(number, flush=True)
"""


def counted(value: str) -> tuple[int, list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", COUNTING],
        env={VARIABLE: value},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.split()


def test_it_dies_at_the_nth_time() -> None:
    assert counted("edge.sealed:3") == (-signal.SIGKILL, ["1", "2"])


def test_a_phase_that_is_not_reached_kills_nobody() -> None:
    assert counted("edge.sealed:6") == (0, ["1", "2", "3", "4", "5"])


def test_nothing_happens_unasked() -> None:
    points = CrashPoints({})
    for phase in (*EDGE, *CENTRAL):
        points.reach(phase)
    assert counted("") == (0, ["1", "2", "3", "4", "5"])


@pytest.mark.parametrize("value", ["edge.sealing", "edge.sealing:0", "edge.lunch:1", "central:x"])
def test_what_it_does_not_know_is_said(value: str) -> None:
    with pytest.raises(FengsuiError) as caught:
        CrashPoints({VARIABLE: value})
    assert caught.value.code == "CRASH_POINT_UNKNOWN"
    assert caught.value.params["found"] == value
