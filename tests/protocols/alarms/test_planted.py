"""Each property of the core finds the fault it is there for: it is planted, and has to be found."""

from dataclasses import replace

import pytest
from hypothesis import Phase, find, settings
from hypothesis import strategies as st

from protocols.alarms import condition as conditions
from protocols.alarms import past, quick, steps, streams
from protocols.alarms.lifecycle import Run
from protocols.alarms.past import Telling
from protocols.alarms.state import NORMAL
from tests.protocols.alarms import test_machine as machines
from tests.protocols.alarms import test_streams as backfill

LOOKED = settings(
    max_examples=500, deadline=None, database=None, phases=[Phase.generate], derandomize=True
)


def found(strategy, check):
    """Return an example that does not pass; raises NoSuchExample where all do."""

    def fails(example):
        try:
            check(*example)
        except AssertionError:
            return True
        return False

    return find(strategy, fails, settings=LOOKED)


def the_short_way_is_closed(monkeypatch):
    monkeypatch.setattr(quick, "feed", lambda *_: None)


def a_return_is_not_followed(monkeypatch):
    the_short_way_is_closed(monkeypatch)
    follow = Run.follow
    monkeypatch.setattr(
        Run, "follow", lambda run, change, at: change.level and follow(run, change, at)
    )


def a_shelf_is_renewed_when_it_ends(monkeypatch):
    monkeypatch.setattr(
        Run,
        "_shelf_over",
        lambda run, at: setattr(
            run,
            "overlay",
            replace(run.overlay, shelf=replace(run.overlay.shelf, until=at + 60_000_000)),
        ),
    )


def bad_quality_counts_as_normal(monkeypatch):
    lose = steps._lose

    def lost(run, sample):
        lose(run, sample)
        run.hold(
            run.definition.kind.take(
                run.memory, steps.Reading(sample.time, 0.0, sample.time), run.definition.rule.levels
            ),
            sample.time,
        )

    monkeypatch.setattr(steps, "_lose", lost)


def silence_ends_it(monkeypatch):
    the_short_way_is_closed(monkeypatch)
    monkeypatch.setattr(
        steps,
        "_interrupt",
        lambda run, time: (
            setattr(run, "condition", conditions.start(run.definition.rule)),
            setattr(run, "alarm", NORMAL),
        ),
    )


def what_is_late_steps_the_live_alarm(monkeypatch):
    real = streams.feed

    def fed(definition, line, stream, sample):
        if sample.arrival != sample.time:
            newer = max((time for _, time in line.machine.newest), default=0) + 1
            sample = sample._replace(time=newer, arrival=newer)
            stream = line.stream
        return real(definition, line, stream, sample)

    monkeypatch.setattr(streams, "feed", fed)


def every_past_that_did_not_return_sounds(monkeypatch):
    monkeypatch.setattr(past, "_over", lambda branch: None)


def what_stands_is_told_as_over(monkeypatch):
    real = past._over
    monkeypatch.setattr(past, "_over", lambda branch: real(branch) or branch.until)


def what_returned_is_not_told(monkeypatch):
    real = past.take

    def took(definition, branch, sample):
        branch, told = real(definition, branch, sample)
        return branch, [each for each in told if each.what is not Telling.WHOLE]

    monkeypatch.setattr(past, "take", took)


MACHINE = st.tuples(machines.definitions(), machines.STEPS)
SILENT = st.tuples(machines.definitions(), machines.STEPS, machines.SILENCE)
PLAIN = st.tuples(backfill.outages(backfill.PLAIN, bad=False))
HELD = st.tuples(backfill.outages(backfill.HELD))


@pytest.mark.parametrize(
    ("plant", "strategy", "check"),
    [
        (a_return_is_not_followed, MACHINE, machines.check_nothing_is_active_without_a_condition),
        (a_shelf_is_renewed_when_it_ends, MACHINE, machines.check_a_shelf_always_ends),
        (
            bad_quality_counts_as_normal,
            SILENT,
            machines.check_missing_and_bad_data_never_end_an_alarm,
        ),
        (silence_ends_it, SILENT, machines.check_missing_and_bad_data_never_end_an_alarm),
        (what_is_late_steps_the_live_alarm, PLAIN, backfill.check_live_is_untouched),
        (every_past_that_did_not_return_sounds, HELD, backfill.check_nothing_sounds_that_is_over),
        (what_stands_is_told_as_over, HELD, backfill.check_nothing_that_stands_is_hidden),
        (what_returned_is_not_told, PLAIN, backfill.check_each_past_is_told),
    ],
)
def test_a_planted_fault_is_found(monkeypatch, plant, strategy, check):
    plant(monkeypatch)
    assert found(strategy, check)
