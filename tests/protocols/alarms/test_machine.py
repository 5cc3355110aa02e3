"""What holds of every machine, whatever readings, acts and clocks come in whatever order."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.alarms import acting, steps
from protocols.alarms.acting import Asked
from protocols.alarms.definition import Clocks, Definition, Watch
from protocols.alarms.machine import Entry, Machine, Sample, begin, due
from protocols.alarms.overlay import Act
from protocols.alarms.rule import Colour, Level, Rule
from protocols.alarms.state import State, Word
from protocols.clock import SECOND
from protocols.errors import IllegalTransition

HOUR = 3600


def definition(**more):
    return tuple(
        Level(name=name, colour=Colour.RED, op=">=", limit=limit, deadband=2.0, status="V", **more)
        for name, limit in (("H", 80.0), ("HH", 90.0))
    )


LATCHES = st.booleans()
DELAYS = st.sampled_from([0.0, 5.0, 30.0])


@st.composite
def definitions(draw):
    levels = definition(on_delay=draw(DELAYS), off_delay=draw(DELAYS))
    return Definition(
        rule=Rule(id="r", subject="s", levels=levels, latching=draw(LATCHES)),
        watch=Watch(
            stale_after=draw(st.sampled_from([None, 20.0])),
            bad_after=draw(st.sampled_from([None, 0.0, 10.0])),
            frozen_after=draw(st.sampled_from([None, 60.0])),
        ),
        clocks=Clocks(
            realarm_after=draw(st.sampled_from([None, 40.0])),
            escalate=draw(st.sampled_from([(), (10.0, 50.0)])),
            chatter=draw(st.sampled_from([None, (3, 60.0)])),
            longest_shelf=float(HOUR),
        ),
    )


SAMPLES = st.tuples(
    st.just("sample"),
    st.sampled_from([10.0, 79.0, 80.0, 89.0, 95.0]),
    st.sampled_from([True, True, True, False]),
    st.sampled_from([0, 0, 0, 1, 100]),  # seconds its arrival was behind it
)
ACTS = st.tuples(
    st.sampled_from(["ack", "reset", "shelve", "once", *(each.value for each in Act)]),
    st.just(0.0),
    st.just(0),
    st.just(0),
)
STEPS = st.lists(st.tuples(st.integers(0, 40), SAMPLES | ACTS), max_size=40)


@dataclass
class Line:
    """A machine on a line of time, in seconds."""

    rule: Definition
    machine: Machine
    now: int
    said: list[Entry]

    @classmethod
    def of(cls, rule):
        return cls(rule, begin(rule), 1000, [])

    def clock(self, seconds):
        """Let time pass, each timer at its time."""
        end = self.now + seconds
        while (at := due(self.rule, self.machine)) is not None and at <= end * SECOND:
            before = self.machine
            self.take(steps.advance(self.rule, self.machine, at))
            assert self.machine != before, "a timer that does nothing fires for ever"
        self.now = end

    def take(self, outcome):
        self.machine, entries = outcome
        self.said += entries

    def do(self, what):
        kind, value, good, behind = what
        now = self.now * SECOND
        if kind == "sample":
            sample = Sample((self.now - behind) * SECOND, value, now, bool(good))
            self.take(steps.feed(self.rule, self.machine, sample))
        elif kind in ("ack", "reset"):
            act = acting.acknowledge if kind == "ack" else acting.reset
            self.take(act(self.rule, self.machine, now, "张三"))
        else:
            before = self.machine, len(self.said)
            asked = Asked(Act.SHELVE, seconds=60.0, one_shot=kind == "once")
            try:
                if kind in ("shelve", "once"):
                    self.take(acting.shelve(self.rule, self.machine, now, asked))
                else:
                    self.take(acting.put(self.rule, self.machine, now, Asked(Act(kind))))
            except IllegalTransition:
                assert (self.machine, len(self.said)) == before


def check_nothing_is_active_without_a_condition(rule, path):
    """The alarm is active exactly while its condition stands, at its level."""
    line = Line.of(rule)
    for seconds, what in path:
        line.clock(seconds)
        line.do(what)
        machine = line.machine
        assert machine.alarm.state.abnormal == (machine.condition.level > 0)
        if machine.alarm.state.abnormal:
            assert machine.alarm.level == machine.condition.level
        if machine.overlay.resting:
            assert machine.alarm.state is State.NORMAL


def check_a_shelf_always_ends(rule, path):
    """Whatever was done, within the cap nothing is shelved any more."""
    line = Line.of(rule)
    for seconds, what in path:
        line.clock(seconds)
        line.do(what)
    resting = line.machine.overlay.resting
    line.clock(HOUR + 1)
    assert line.machine.overlay.shelf is None
    assert line.machine.overlay.resting == resting, "only whoever put it to rest wakes it"


def check_missing_and_bad_data_never_end_an_alarm(rule, path, silence):
    """A standing alarm outlasts silence and bad quality, however long."""
    line = Line.of(rule)
    for seconds, what in path:
        line.clock(seconds)
        line.do(what)
    line.do(("unshelve", 0.0, 0, 0))
    if line.machine.overlay.resting:
        return
    line.clock(1)
    line.do(("sample", 95.0, True, 0))
    line.clock(40)
    assert line.machine.alarm.state.abnormal
    began = len(line.said)
    for seconds, bad in silence:
        line.clock(seconds)
        if bad:
            line.do(("sample", 10.0, False, 0))
    assert line.machine.alarm.state.abnormal
    assert Word.RTN not in [entry.word for entry in line.said[began:]]


SILENCE = st.lists(st.tuples(st.integers(0, 100), st.booleans()), max_size=20)


@given(definitions(), STEPS)
def test_nothing_is_active_without_a_condition_that_stands(rule, path):
    check_nothing_is_active_without_a_condition(rule, path)


@given(definitions(), STEPS)
def test_a_shelf_always_ends(rule, path):
    check_a_shelf_always_ends(rule, path)


@given(definitions(), STEPS, SILENCE)
def test_missing_and_bad_data_never_end_an_alarm(rule, path, silence):
    check_missing_and_bad_data_never_end_an_alarm(rule, path, silence)


@given(definitions(), STEPS)
def test_the_same_path_gives_the_same_journal(rule, path):
    lines = [Line.of(rule), Line.of(rule)]
    for line in lines:
        for seconds, what in path:
            line.clock(seconds)
            line.do(what)
    assert lines[0] == lines[1]


@given(definitions(), STEPS)
def test_what_calls_has_an_end_in_the_journal(rule, path):
    """Every episode that began is open, or its journal says how it ended."""
    line = Line.of(rule)
    for seconds, what in path:
        line.clock(seconds)
        line.do(what)
    words = [entry.word for entry in line.said]
    begun = words.count(Word.RAISE) + words.count(Word.SHADOW_RAISE)
    if line.machine.alarm.state is not State.NORMAL:
        assert begun or Word.UNSUPPRESS in words or Word.OOS_OFF in words


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), HOUR + 0.5])
def test_a_shelf_needs_a_time_within_the_cap(seconds):
    rule = Definition(
        rule=Rule(id="r", subject="s", levels=definition()),
        clocks=Clocks(longest_shelf=float(HOUR)),
    )
    with pytest.raises(IllegalTransition) as refused:
        acting.shelve(rule, begin(rule), 0, Asked(Act.SHELVE, seconds=seconds))
    assert refused.value.params["reason"] in ("NO_TIME", "TOO_LONG")


def test_a_latch_survives_being_put_to_rest():
    line = Line.of(Definition(rule=Rule(id="r", subject="s", levels=definition(), latching=True)))
    line.do(("sample", 95.0, True, 0))
    line.clock(1)
    line.do(("sample", 10.0, True, 0))
    line.do(("suppress", 0.0, 0, 0))
    assert line.machine.alarm.state is State.NORMAL
    line.clock(10)
    line.do(("unsuppress", 0.0, 0, 0))
    assert line.machine.alarm.state is State.LATCHED_UNACK


def ladder(*levels):
    made = (
        Level(name=name, colour=colour, op=">=", limit=limit, status="V")
        for name, colour, limit in levels
    )
    return Definition(rule=Rule(id="r", subject="s", levels=tuple(made)))


YELLOW, RED = Colour.YELLOW, Colour.RED


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        # A graver level in the place of the other, and the other way round.
        ([("H", YELLOW, 80)], [("HH", RED, 60)], [Word.LEVEL, Word.REALARM]),
        ([("HH", RED, 80)], [("H", YELLOW, 60)], [Word.LEVEL]),
        # The same name means something graver, or less grave.
        ([("H", YELLOW, 80)], [("H", RED, 80)], [Word.LEVEL, Word.REALARM]),
        ([("H", RED, 80)], [("H", YELLOW, 80)], [Word.LEVEL]),
        # The same one with others below it, which stand too.
        ([("HH", RED, 80)], [("H", YELLOW, 60), ("HH", RED, 80)], []),
        ([("H", YELLOW, 60), ("HH", RED, 80)], [("HH", RED, 80)], []),
        # A new first place counts for less than the second was, whatever the numbers say.
        (
            [("H", YELLOW, 70), ("HH", RED, 90)],
            [("A", Colour.BLUE, 50), ("H", YELLOW, 70), ("HH", RED, 80)],
            [Word.LEVEL, Word.REALARM],
        ),
        (
            [("H", YELLOW, 60), ("HH", RED, 80)],
            [("A", Colour.BLUE, 50), ("H", YELLOW, 60), ("HH", RED, 90)],
            [Word.LEVEL],
        ),
    ],
)
def test_a_changed_ladder_tells_what_the_alarm_is_at_now(before, after, words):
    line = Line.of(ladder(*before))
    line.do(("sample", 85.0, True, 0))
    line.do(("ack", 0.0, 0, 0))
    new = ladder(*after)
    machine, said = steps.change(line.rule, line.machine, new, line.now * SECOND)
    assert [entry.word for entry in said] == [Word.RULE_CHANGED, *words]
    assert machine.alarm.level == machine.condition.level
    unseen = Word.REALARM in words
    assert machine.alarm.state is (State.UNACK if unseen else State.ACKED)


@pytest.mark.parametrize(
    ("after", "level"),
    [
        ([("H", YELLOW, 80)], 1),
        ([("A", Colour.BLUE, 50), ("H", YELLOW, 80), ("HH", RED, 90)], 3),
        ([("HH", RED, 90)], 1),
        ([("HHH", RED, 120)], 1),
    ],
)
@pytest.mark.parametrize("latching", [False, True])
def test_what_has_returned_can_be_seen_whatever_became_of_its_level(after, level, latching):
    line = Line.of(ladder(("H", YELLOW, 80), ("HH", RED, 90)))
    line.rule = replace(line.rule, rule=replace(line.rule.rule, latching=latching))
    line.do(("sample", 95.0, True, 0))
    line.clock(1)
    line.do(("sample", 10.0, True, 0))
    new = ladder(*after)
    machine, said = steps.change(line.rule, line.machine, new, line.now * SECOND)
    assert [entry.word for entry in said] == [Word.RULE_CHANGED]
    _, (entry,) = acting.acknowledge(new, machine, line.now * SECOND, "ann")
    assert (entry.word, entry.level) == (Word.ACK, level)
