"""What the machine's wall clock is worth: by the kernel, by the floor, by whether it jumps."""

import pytest

from protocols.clock import SECOND, ClockState, Pace, StoryClock, SystemClock, standing_of
from protocols.clock_trust import BELIEVED, BUILT, STEP, Trust
from protocols.kernel_clock import Discipline, awake, judged, read_discipline, since_boot

HELD = Discipline(synchronised=True, maximum_error=1_000, estimated_error=10)
LOOSE = Discipline(synchronised=False, reason="not_disciplined")
NOW = BUILT + 86_400 * SECOND
HOUR = 3600 * SECOND
YEARS = 10 * 365 * 24 * HOUR


@pytest.mark.parametrize(
    ("state", "status", "maximum", "reason"),
    [
        (0, 0x0001, 500_000, ""),
        (0, 0x2001, 2_000_000, ""),
        (1, 0x0011, 500_000, ""),
        (5, 0x0040, 16_000_000, "not_disciplined"),
        (0, 0x0041, 1_000, "not_disciplined"),
        (5, 0x1001, 1_000, "not_disciplined"),
        (5, 0x0001, 1_000, "not_disciplined"),
        (0, 0x0001, 2_000_001, "error_too_large"),
    ],
)
def test_what_an_answer_of_the_kernel_means(state, status, maximum, reason):
    assert judged(state, status, maximum, 7) == (not reason, reason, maximum, 7)


def test_the_kernel_here_can_be_asked_without_any_right():
    said = read_discipline()
    assert said.synchronised is (said.reason == "")
    assert said.reason in ("", "not_disciplined", "error_too_large", "not_told")


def test_a_clock_from_before_the_program_was_written_is_never_synchronised():
    trust = Trust()
    assert trust.judge(HELD, 30 * SECOND, 30 * SECOND).reason == "before_build"
    assert trust.judge(HELD, BUILT - 1, 31 * SECOND).reason == "before_build"
    assert trust.judge(HELD, NOW, 32 * SECOND) == HELD


@pytest.mark.parametrize("step", [-HOUR, YEARS, STEP + SECOND, -STEP - SECOND])
def test_a_synchronised_clock_that_jumps_is_not_believed_for_long(step):
    trust = Trust()
    assert trust.judge(HELD, NOW, 0).synchronised
    for at in range(SECOND, BELIEVED, 100 * SECOND):
        found = trust.judge(HELD, NOW + at + step, at)
        assert (found.synchronised, found.reason) == (False, "stepped")
    assert trust.judge(HELD, NOW + BELIEVED + step + SECOND, BELIEVED + SECOND).synchronised


def test_one_that_comes_back_is_believed_at_once():
    trust = Trust()
    assert trust.judge(HELD, NOW, 0).synchronised
    assert not trust.judge(HELD, NOW - HOUR, SECOND).synchronised
    assert trust.judge(HELD, NOW + 2 * SECOND, 2 * SECOND).synchronised


def test_one_that_jumps_again_waits_again():
    trust = Trust()
    trust.judge(HELD, NOW, 0)
    trust.judge(HELD, NOW + HOUR, SECOND)
    assert not trust.judge(HELD, NOW + 2 * HOUR, BELIEVED).synchronised
    assert not trust.judge(HELD, NOW + 2 * HOUR + BELIEVED - 1, 2 * BELIEVED - 1).synchronised
    assert trust.judge(HELD, NOW + 2 * HOUR + BELIEVED, 2 * BELIEVED).synchronised


def test_being_set_while_nothing_holds_it_is_what_a_daemon_does_first():
    trust = Trust()
    assert trust.judge(LOOSE, NOW - HOUR, 0).reason == "not_disciplined"
    assert trust.judge(HELD, NOW + SECOND, SECOND).synchronised
    assert trust.judge(LOOSE, NOW + HOUR, 2 * SECOND).reason == "not_disciplined"
    assert trust.judge(HELD, NOW + 2 * HOUR, 3 * SECOND).synchronised


def test_the_machine_is_asked_once_a_second():
    asked = []

    def ask():
        asked.append(1)
        return HELD

    clock = SystemClock(ask)
    assert {clock.state for _ in range(50)} == {ClockState.SYNCHRONISED}
    assert len(asked) <= 2


def test_monotonic_time_is_that_since_boot_sleep_included():
    before, at, after = since_boot(), SystemClock().mono(), since_boot()
    assert before <= at <= after
    assert since_boot() >= awake() - SECOND


def test_a_storys_clock_is_its_own():
    clock = StoryClock([Pace(0, 0, 1.0)])
    assert standing_of(clock) == (ClockState.STORY, "", None, None)
