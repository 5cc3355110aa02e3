"""The engine on its own, random stories: arrays, forgetting and sealing change nothing told."""

import sqlite3
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlite_utils import Database as Tables

from central.alarms import judging
from central.alarms.arrays import quiet
from central.alarms.engine import Engine, Evaluation
from central.alarms.rules.wanted import Wanted, source_of
from central.database_file import open_file
from central.store.arrivals import Arrivals
from central.store.columns import Columns
from central.store.heads.good_numbers import GoodNumber, good
from central.store.interface import FLAG_ESTIMATED, FLAG_SOURCE, Row
from central.store.measured import Measured
from central.store.points import GOOD_BELOW
from protocols.alarms.definition import Definition
from protocols.alarms.ladder import ladders
from protocols.alarms.rule import Colour
from protocols.quality import Quality
from protocols.words import Purpose
from tests.central.builders import SECOND, START, level

LADDERS = (
    (
        level("H", 80.0, deadband=2.0, on_delay=3.0, off_delay=4.0),
        level("HH", 90.0, colour=Colour.RED),
        level("L", 20.0, "<=", on_delay=2.0),
    ),
    (level("H", 78.0), level("L", 30.0, "<", off_delay=4.0)),
    (level("on", 50.0, "="), level("H", 85.0, valid_from="07-01")),
    (level("off", 50.0, "!=", on_delay=2.0),),
    (),
)
VALUES = st.sampled_from(
    [50.0] * 8 + [50, 79.9, 80.0, 89.0, 95.0, 19.0, True, 2**53 + 1, 2**64 - 1]
)
READINGS = st.tuples(
    st.sampled_from([1, 1, 1, 1, 2, 2, 3, 5_000]),
    st.one_of(VALUES, VALUES, VALUES, VALUES, st.sampled_from([None, "开"])),
    st.sampled_from([Quality.GOOD] * 12 + [Quality.BAD, Quality.UNCERTAIN]),
    st.sampled_from([0, 0, 0, FLAG_SOURCE, FLAG_SOURCE, FLAG_ESTIMATED]),
    st.sampled_from([1, 1, 1, 1, 1, 2, 5, 30, 0, -1, -3, -70, 80]),
)


def scan(stream, wait, *points, onwards=1):
    """Return a delivery in which points say twice that nothing is the matter."""
    rows = [
        (point, 50.0, Quality.GOOD, FLAG_SOURCE, 0 if place else onwards)
        for _ in range(2)
        for place, point in enumerate(points or (1, 2, 3))
    ]
    return stream, wait, rows


DELIVERY = st.tuples(
    st.sampled_from([1, 1, 1, 2, 3, 3, 4]),
    st.sampled_from([0, 1, 1, 5, 90]),
    st.lists(READINGS, min_size=1, max_size=10),
)
SCANS = st.builds(
    lambda stream, wait, points: scan(stream, wait, *points),
    st.sampled_from([1, 1, 2, 2, 3, 4]),
    st.sampled_from([0, 1, 90]),
    st.sampled_from([(), (), (), (1,), (2, 3)]),
)
CELLS = st.tuples(
    st.sampled_from([50.0] * 12 + [79.9, 80.0, 95.0, 2**53 + 1, "开"]),
    st.sampled_from([Quality.GOOD] * 12 + [Quality.BAD]),
    st.sampled_from([FLAG_SOURCE] * 20 + [FLAG_ESTIMATED]),
    st.sampled_from([0] * 6 + [1, 1, 2, -1, -2, -70]),
)


@st.composite
def grids(draw):
    """Return a delivery of several scans of the same points, some of whose times fall back."""
    points = draw(st.sampled_from([(1, 2, 3), (1, 2, 3), (3, 1), (2, 5_000), (2,)]))
    rows, astray = [], 0
    for _ in range(draw(st.integers(1, 5))):
        for place, point in enumerate(points):
            value, quality, flags, stray = draw(CELLS)
            # A stray is one for itself: the next is where it would have been.
            rows.append((point, value, quality, flags, (not place) + stray - astray))
            astray = stray
    return draw(st.sampled_from([1, 1, 2, 3])), draw(st.sampled_from([0, 1, 90])), rows


STEPS = st.lists(
    st.one_of(
        DELIVERY,
        DELIVERY,
        SCANS,
        SCANS,
        grids(),
        grids(),
        st.sampled_from(["again", "seal", "seal again", "again seal again", "tick"]),
        st.tuples(st.integers(1, 3), st.integers(0, len(LADDERS) - 1)),
    ),
    min_size=6,
    max_size=24,
)
CONNECTED = st.sampled_from([(), (2, 3), (1, 3, 2, 2, 1, 1), (1, 2, 3, 4), (3, 4, 2, 2)])
"""Streams that say a little of nothing before the story begins: some after newer ones."""
BEGINS = {1: 0, 2: 1_800, 3: 3_500, 4: 3_590}
TABLES = (
    "SELECT * FROM episode ORDER BY number",
    "SELECT * FROM alarm_journal ORDER BY id",
)


@cache
def empty():
    """Return today's empty tables, with the points the stories tell of."""
    with tempfile.TemporaryDirectory() as folder:
        tables, _ = open_file(Path(folder) / "collector.db", START)
        tables.execute("INSERT INTO gateway(name, label, created) VALUES ('gw', '{}', 0)")
        for number in (1, 2, 3, 5_000):
            id_ = f"site/gw/tank/p{number}"
            tables.execute("INSERT INTO point VALUES (?, ?, 'gw')", (number, id_))
        kept = sqlite3.connect(":memory:")
        tables.conn.backup(kept)
        tables.conn.close()
    return kept


class Shelf:
    """Everything that was stored, in order; what is sealed is not told by stream any more."""

    def __init__(self):
        self.commits = []
        self.sealed = 0

    def _good(self, above=0):
        for position, (stream, arrival, rows) in enumerate(self.commits[above:], above + 1):
            _, places = good(rows)
            yield position, stream, arrival, rows.take(places)

    def newest_good_all(self, conn, numbers):
        found = {}
        for _, stream, arrival, rows in self._good():
            for row in rows:
                known = found.get(row.point)
                if row.point in numbers and (known is None or row.time > known.time):
                    value = float(row.value) if row.value >= 2**63 else row.value
                    found[row.point] = GoodNumber(row.time, value, stream, arrival)
        return found

    def position(self, conn, stream):
        return len(self.commits)

    def readings(self, conn, numbers, start, end):
        found = [
            Measured(
                row.time,
                row.point,
                float(row.value) if row.quality < GOOD_BELOW else None,
                stream,
                arrival,
            )
            for stream, arrival, rows in self.commits
            for row in rows.rows(np.arange(len(rows)))
            if row.point in numbers
            and start <= row.time < end
            and not row.flags & FLAG_ESTIMATED
            and (row.quality >= GOOD_BELOW or isinstance(row.value, int | float))
        ]
        return sorted(found, key=lambda each: (each.time, each.received))

    def arrivals(self, conn, above):
        found = {}
        for position, stream, _, rows in self._good(self.sealed):
            for point, time in zip(rows.points.tolist(), rows.times.tolist(), strict=True):
                if position > above.get(stream, {}).get(point, 2**60):
                    found.setdefault(stream, []).append((point, time, position))
        return {stream: Arrivals(*np.array(rows).T) for stream, rows in found.items()}


class Played:
    """One engine, told the steps of a story."""

    def __init__(self):
        conn = sqlite3.connect(":memory:", isolation_level=None)
        empty().backup(conn)
        self.tables = Tables(conn)
        self.shelf = Shelf()
        self.engine = Engine(self.shelf)
        self.now = START + 3_600 * SECOND
        self.times = {stream: START + begin * SECOND for stream, begin in BEGINS.items()}
        self.good = []
        self.wanted = {}
        for point in (1, 2, 3):
            self.rules(point, point % 2)

    def close(self):
        self.tables.conn.close()

    def rules(self, point, which):
        subject = f"site/gw/tank/p{point}"
        self.wanted[point] = [
            Wanted(Definition(rule=rule), ((point, ""),), source_of("gw"))
            for rule in ladders(subject, LADDERS[which])
        ]
        every = {each.definition.rule.id for some in self.wanted.values() for each in some}
        self.engine.take_rules(self.tables, self.wanted[point], self.now)
        self.engine.retire_rules(self.tables, source_of("gw"), every, self.now)

    def deliver(self, stream, wait, readings):
        self.now += wait * SECOND
        rows = []
        for seq, (point, value, quality, flags, onwards) in enumerate(readings):
            self.times[stream] += onwards * SECOND
            rows.append(Row(point, self.times[stream], seq, value, quality, flags))
        columns = Columns.of(rows)
        judged = self.engine.evaluate(
            self.tables,
            Evaluation(stream=stream, purpose=Purpose.PRODUCTION, arrival=self.now, rows=columns),
        )
        assert judged.due == self.engine.due()
        samples = {}
        for each in judged.good:
            for point, time, value in zip(*(column.tolist() for column in each), strict=True):
                samples.setdefault(point, []).append((time, value))
        self.good.append(samples)
        self.shelf.commits.append((stream, self.now, columns))
        self.tick()

    def tick(self):
        self.engine.tick(self.tables, self.now)

    def again(self):
        self.engine.forget()

    def seal(self):
        self.engine.flush(self.tables.conn)
        self.shelf.sealed = len(self.shelf.commits)

    def told(self):
        """Return what the tables hold, what is known of the rules, and the samples told."""
        found = {}
        rules = self.tables.execute("SELECT id, active FROM rule").fetchall()
        for rule, active in rules:
            t = self.engine.tracked(self.tables.conn, rule)
            if active:
                found[rule] = known(t)
            elif t is not None and t.episode is not None:
                found[rule] = t.alarm, t.episode
        rows = [self.tables.execute(sql).fetchall() for sql in TABLES]
        return rows, found, self.good, self.engine.due()


def known(t):
    pasts = {
        stream: (b.condition, b.newest, b.until, b.path, b.claim)
        for stream, b in t.branches.items()
    }
    return (t.newest, t.value, t.stream, t.since, t.lagging), t.condition, t.alarm, t.episode, pasts


def one_by_one(live, coming):
    """Leave everything to the machine."""
    return quiet.Sifted(np.arange(len(coming.rows)), quiet.NO_SAMPLES)


def by_the_machine(live, rows, stream, arrival):
    """Let nothing be done as it was done before."""
    return np.zeros(len(rows), np.bool_)


def play(steps, *, undisturbed):
    played = Played()
    for step in steps:
        if isinstance(step, str):
            for word in step.split():
                if not undisturbed or word == "tick":
                    getattr(played, word)()
        elif len(step) == 2:
            played.rules(*step)
        else:
            played.deliver(*step)
    told = played.told()
    played.close()
    return told


STRAYS = scan(2, 1, onwards=-9)
TAKEN_OVER = (
    # The row of a stream is to be shortened after it was read again.
    [scan(3, 1), "again", scan(4, 1, 1), "seal again"],
    # What an older reading brought up to date is in no row of many any more.
    [scan(3, 1), scan(3, 1, 2, onwards=-9), scan(4, 1, 1, 3), "seal again"],
    # No row is left to tell the turn but those of the rules.
    [
        scan(2, 1),
        STRAYS,
        scan(3, 1, 1),
        scan(3, 1, 1, onwards=-9),
        "seal again",
        scan(4, 1),
        "again",
    ],
)


@pytest.mark.parametrize("steps", TAKEN_OVER)
def test_since_when_a_stream_is_the_live_one_is_not_lost(steps):
    """It is in one row for many points, until something happens to one of them."""
    told = play(steps, undisturbed=False)
    assert told == play(steps, undisturbed=True)
    assert all(since for (_, _, _, since, _), *_ in told[1].values())


def rises(second, value):
    """Return one reading of point 3 an hour late."""
    return 1, 0, [(3, value, Quality.GOOD, FLAG_SOURCE, second)]


LATE_CHATTER = [*(rises(1, value) for value in (79.9, 50.0) * 3), "again"]
"""What began often an hour ago is no chatter, and is none after a restart."""


@settings(max_examples=60, deadline=None)
@given(CONNECTED, STEPS)
@example((), LATE_CHATTER)
def test_arrays_tell_what_single_readings_tell(connected, steps):
    steps = [scan(stream, 1) for stream in connected] + steps
    told = play(steps, undisturbed=False)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(quiet, "sift", one_by_one)
        patched.setattr(judging, "usual", by_the_machine)
        plain = play(steps, undisturbed=True)
    assert told == plain


def scans(stream, *strays, value=50.0):
    """Return three scans of three points a minute apart; `strays` by place: how far one is off."""
    strays, rows, astray = dict(strays), [], 0
    for at in range(9):
        stray = strays.get(at, 0)
        rows.append(
            (at % 3 + 1, value, Quality.GOOD, FLAG_SOURCE, 60 * (at % 3 == 0) + stray - astray)
        )
        astray = stray
    return stream, 200, rows


# By place: the second reading of point 1 is 3, of point 2 is 4. Of one moment with one before it is
# told only if it says something else.
LEFT = (
    (scans(1), 0),
    (scans(1, (3, -70)), 0),
    (scans(1, (3, -400), (4, -70), (8, -1_000)), 0),
    (scans(1, (3, -60)), 3),
    (scans(1, (3, -60), (5, -60)), 6),
    (scans(1, (3, -70), value=79.5), 3),
    (scans(1, (3, -70), value=85.0), 9),
)


@pytest.mark.parametrize(("delivery", "expected"), LEFT)
def test_what_only_strays_in_time_is_not_left_to_the_machine(monkeypatch, delivery, expected):
    sift, left = quiet.sift, []

    def counted(live, coming):
        sifted = sift(live, coming)
        left.append(len(sifted.left))
        return sifted

    monkeypatch.setattr(quiet, "sift", counted)
    played = Played()
    played.deliver(*scans(1))
    played.rules(1, 0)
    played.deliver(*delivery)
    played.close()
    assert left[-1] == expected


STANDING = (
    [scans(1, value=85.0), scans(1, (3, -70), value=86.0)],
    [scans(1, value=85.0), "again", scans(1, (4, -70), (8, -400), value=86.0), "seal"],
    [scans(1, value=85.0), scans(1, (6, -60), value=86.0)],
)


def pair(value, quality=Quality.GOOD, onwards=1):
    """Return two scans of three points, one after the other."""
    cells = [(value, quality, FLAG_SOURCE, 0 if at % 3 else onwards) for at in range(6)]
    return 1, 1, [(at % 3 + 1, *cell) for at, cell in enumerate(cells)]


CALLED_OFF = (scans(1, value=85.0), pair(50.0), pair(50.0, Quality.BAD), pair(50.0, onwards=9))
"""A device that dies before its return was seen has not returned."""
AT_ONCE = (4, 1, [(at % 3 + 1, 85.0, Quality.GOOD, FLAG_SOURCE, at == 0) for at in range(3)])
ASTRAY = (4, 1, [(1, 86.0, Quality.GOOD, FLAG_SOURCE, onwards) for onwards in (3, -5, 6)])
STANDING += (CALLED_OFF, [AT_ONCE, ASTRAY])


@pytest.mark.parametrize("steps", STANDING)
def test_what_strays_where_an_alarm_stands_is_told(monkeypatch, steps):
    told = play(steps, undisturbed=False)
    monkeypatch.setattr(quiet, "sift", one_by_one)
    assert told == play(steps, undisturbed=True)
