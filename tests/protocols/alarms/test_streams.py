"""What backfill may never do, held against the same readings heard in order by one stream."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from protocols.alarms import steps, streams
from protocols.alarms.definition import Definition
from protocols.alarms.kinds.window import Aggregate, Counted, Window
from protocols.alarms.machine import CALLS, Sample, begin
from protocols.alarms.past import Telling
from protocols.alarms.rule import Colour, Level, Rule
from protocols.alarms.word import Word
from protocols.clock import SECOND

SCAN = 10
AFTER = 12
"""Scans in which only the clock goes on."""


def ladder(deadband=0.0, on_delay=0.0):
    return Definition(
        rule=Rule(
            id="r",
            subject="s",
            levels=tuple(
                Level(
                    name=name,
                    colour=Colour.RED,
                    op=">=",
                    limit=limit,
                    deadband=deadband,
                    on_delay=on_delay,
                )
                for name, limit in (("H", 80.0), ("HH", 90.0))
            ),
        )
    )


@dataclass(frozen=True)
class Outage:
    """Readings (value, good) a scan apart; those of `gaps` (from, to) come after their gap.

    `turns` are how many scans after its gap each is delivered, at once.
    """

    ladder: tuple
    readings: tuple
    gaps: tuple
    turns: tuple

    @property
    def definition(self):
        return ladder(*self.ladder)

    def stream_of(self, scan):
        return 1 + sum(scan >= to for _, to in self.gaps)

    def missing(self, scan):
        return any(since <= scan < to for since, to in self.gaps)

    def linked(self, scan):
        """Return the next scan at which something can be delivered."""
        return next(each for each in range(scan, scan + 99) if not self.missing(each))

    def sample(self, scan, arrival=None):
        value, good = self.readings[scan]
        at = scan * SCAN * SECOND
        return Sample(at, value, at if arrival is None else arrival, good)

    @property
    def end(self):
        return (len(self.readings) + AFTER) * SCAN * SECOND


VALUES = st.sampled_from([70.0, 70.0, 77.0, 82.0, 87.0, 95.0])


@st.composite
def outages(draw, ladders, *, bad=True):
    count = draw(st.integers(4, 24))
    qualities = st.sampled_from([True, True, True, False]) if bad else st.just(True)
    readings = draw(st.lists(st.tuples(VALUES, qualities), min_size=count, max_size=count))
    cuts = draw(st.lists(st.integers(1, count - 1), max_size=4, unique=True).map(sorted))
    gaps = tuple(zip(cuts[::2], cuts[1::2], strict=False))
    if gaps and draw(st.booleans()):
        # After the last gap nothing raises by itself, and little clears what the gap raised.
        to = gaps[-1][1]
        kept = st.tuples(st.sampled_from([77.0, 77.0, 87.0, 70.0]), qualities)
        readings[to:] = [draw(kept) for _ in readings[to:]]
    turns = tuple(draw(st.integers(0, 6)) for _ in gaps)
    return Outage(draw(ladders), tuple(readings), gaps, turns)


RESTING = st.sampled_from([70.0, 70.0, 77.0])
GOING = st.sampled_from([70.0, 77.0, 82.0, 87.0, 95.0])
AFTERWARDS = st.sampled_from([77.0, 77.0, 87.0, 87.0, 70.0, 82.0])


@st.composite
def cuts(draw, ladders, *, bad=False):
    """Return outages most of which have something to tell."""
    good = st.sampled_from([True, True, True, not bad])
    readings, spans = [], []
    for _ in range(draw(st.integers(1, 2))):
        before = draw(st.lists(RESTING | GOING, min_size=1, max_size=3))
        gap = draw(st.lists(GOING, min_size=1, max_size=6))
        spans.append((len(readings) + len(before), len(readings) + len(before) + len(gap)))
        readings += before + gap
    readings += draw(st.lists(AFTERWARDS, min_size=1, max_size=8))
    made = tuple((value, draw(good)) for value in readings)
    turns = tuple(draw(st.integers(0, 6)) for _ in spans)
    return Outage(draw(ladders), made, tuple(spans), turns)


def undisturbed(outage, known=None):
    """Return the level after each scan as one stream in order has it, of readings at `known`."""
    machine, levels = begin(outage.definition), []
    for scan in range(len(outage.readings) + AFTER):
        if scan < len(outage.readings) and (known is None or scan in known):
            machine, _ = steps.feed(outage.definition, machine, outage.sample(scan))
        at = (scan + 1) * SCAN * SECOND - 1
        machine, _ = steps.advance(outage.definition, machine, at)
        levels.append(machine.condition.level)
    return levels


def delivered(outage, *, backfill=True):
    """Yield what every step of the real order says: (scan, what is known of a past, outcome)."""
    known = set()
    definition, line = outage.definition, streams.start(outage.definition)
    waiting = [
        (outage.linked(to + turn), nth, since, to)
        for nth, ((since, to), turn) in enumerate(zip(outage.gaps, outage.turns, strict=True))
    ]
    for scan in range(len(outage.readings) + AFTER):
        if scan < len(outage.readings) and not outage.missing(scan):
            stream, sample = outage.stream_of(scan), outage.sample(scan)
            outcome = streams.feed(definition, line, stream, sample)
            line = outcome[0]
            known.add(scan)
            yield scan, None, outcome
        at = scan * SCAN * SECOND + 1
        for due, nth, since, to in waiting:
            if due != scan or not backfill:
                continue
            for each in range(since, to):
                outcome = streams.feed(definition, line, nth + 1, outage.sample(each, at))
                line = outcome[0]
                known.add(each)
                yield scan, known, outcome
            outcome = streams.settle(definition, line, nth + 1, at)
            line = outcome[0]
            yield scan, known, outcome
        outcome = streams.advance(definition, line, (scan + 1) * SCAN * SECOND - 1)
        line = outcome[0]
        yield scan, None, outcome


def check_live_is_untouched(outage):
    """Where live readings alone say what stands, backfill changes nothing of the live alarm."""
    alone = [entry for _, _, (_, said, _) in delivered(outage, backfill=False) for entry in said]
    last, both = None, []
    for _, _, (line, said, _) in delivered(outage):
        last, both = line, both + said
    assert both == alone
    *_, (_, _, (line, _, _)) = delivered(outage, backfill=False)
    assert (last.machine.alarm, last.machine.condition) == (
        line.machine.alarm,
        line.machine.condition,
    )


def check_nothing_sounds_that_is_over(outage):
    """A past calls only for what stands when it is heard, as far as was heard."""
    for scan, known, (_, said, _) in delivered(outage):
        if known is not None and any(entry.word in CALLS for entry in said):
            assert undisturbed(outage, known)[scan], f"{said} at {scan}"


def check_no_delay_is_cut_short(outage):
    """Whatever calls after a gap was delivered stands by all that was heard until then."""
    known = set()
    for scan, past, (_, said, _) in delivered(outage):
        known |= {scan} if past is None and not outage.missing(scan) else past or set()
        known = {each for each in known if each < len(outage.readings)}
        if any(entry.word in CALLS for entry in said):
            assert undisturbed(outage, known)[scan], f"{said} at {scan}"


def check_nothing_that_stands_is_hidden(outage):
    """When all was delivered, what stands stands live, at its level."""
    truth = undisturbed(outage)
    *_, (_, _, (line, _, _)) = delivered(outage)
    if truth[-1]:
        # More than that where a delay went on over the gap, as far as live readings tell.
        assert line.machine.condition.level >= truth[-1]
        assert line.machine.alarm.state.abnormal


def episodes(outage):
    """Return the late episodes and the live ones, as (raised, returned) each."""
    told, live = [], []
    for _, _, (_, said, tellings) in delivered(outage):
        for each in tellings:
            if each.what in (Telling.WHOLE, Telling.LASTED):
                told.append((each.path[0][0], each.time))
            if each.what is Telling.BACKDATED:
                live[-1] = (each.time, live[-1][1])
        for entry in said:
            live = lived(live, entry, outage.end)
    return told, live


def lived(live, entry, end):
    """Return the live episodes after an entry."""
    match entry.word:
        case Word.RAISE:
            return [*live, (entry.time, end)]
        case Word.RERAISE:
            return [*live[:-1], (live[-1][0], end)]
        case Word.RTN:
            return [*live[:-1], (live[-1][0], entry.time)]
    return live


def check_each_past_is_told(outage):
    """Every moment at which it stood lies in an episode, and no late one where it never stood."""
    truth, (told, live) = undisturbed(outage), episodes(outage)
    for scan, level in enumerate(truth):
        at = scan * SCAN * SECOND
        covered = any(since <= at < to for since, to in told + live)
        assert covered or not level, f"scan {scan} is in no episode"
    for since, to in told:
        within = truth[since // (SCAN * SECOND) : to // (SCAN * SECOND)]
        assert within
        assert all(within)


PLAIN = st.just((0.0, 0.0))
HELD = st.sampled_from([(0.0, 0.0), (5.0, 0.0)])
DELAYED = st.just((0.0, 25.0))
ANY = outages(HELD) | outages(DELAYED, bad=False) | cuts(HELD, bad=True) | cuts(DELAYED)
# Not looked for: a delay that began in a gap and ran out after it, where what followed was bad, or
# had fallen into the deadband before the gap was delivered.


@given(outages(PLAIN, bad=False) | cuts(PLAIN))
def test_what_is_live_is_untouched_by_backfill(outage):
    check_live_is_untouched(outage)


@given(ANY)
def test_backfill_never_sounds_for_what_is_over(outage):
    check_nothing_sounds_that_is_over(outage)


@given(cuts(DELAYED))
def test_no_delay_is_cut_short_by_a_gap(outage):
    check_no_delay_is_cut_short(outage)


@given(ANY)
def test_backfill_never_hides_what_is_not(outage):
    check_nothing_that_stands_is_hidden(outage)


@given(outages(PLAIN, bad=False) | cuts(PLAIN))
def test_every_past_is_told(outage):
    check_each_past_is_told(outage)


WINDOWS = st.builds(
    Window,
    aggregate=st.sampled_from(Aggregate),
    seconds=st.sampled_from([40.0, 95.0, 1000.0]),
    counter=st.booleans(),
    counted=st.none() | st.just(Counted(">=", 80.0)),
)


@dataclass(frozen=True)
class Sums(Outage):
    """An outage under a rule that adds readings up."""

    @property
    def definition(self):
        kind, limit = self.ladder
        level = Level(name="H", colour=Colour.RED, op=">=", limit=limit, deadband=0.0)
        return Definition(rule=Rule(id="r", subject="s", levels=(level,)), kind=kind)


@given(
    outages(st.tuples(WINDOWS, st.sampled_from([2.0, 100.0, 400.0])))
    | cuts(st.tuples(WINDOWS, st.sampled_from([2.0, 100.0, 400.0])), bad=True)
)
def test_a_window_knows_in_the_end_what_the_gap_brought(outage):
    outage = Sums(**vars(outage))
    heard = begin(outage.definition)
    for scan in range(len(outage.readings)):
        heard, _ = steps.feed(outage.definition, heard, outage.sample(scan))
    *_, (_, _, (line, _, _)) = delivered(outage)
    assert line.machine.memory == heard.memory
    assert line.machine.values == heard.values
