"""Whole scans become the chunks that their readings one by one become, byte for byte."""

import random
import sqlite3

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from central.ingest.placement import ALWAYS, Anchor, Placement
from central.store import as_sent, journal
from central.store.as_sent import Sent
from central.store.chunks import DAY
from central.store.codec.chunk import encoded
from central.store.families import Families
from central.store.packing import Part, joined, pack
from central.store.scans import sealing
from central.store.sealer.child import answered
from central.store.sealer.messages import Made, Seal, Strays, rows_of
from protocols.clock import HOUR, SECOND, ClockState
from protocols.wire.batch import Stamp, encode_readings
from protocols.words import Reading, TimeMark

NOW = 20_000 * DAY + 5 * HOUR
POINTS = 40
FAMILY, MEMBER = np.arange(POINTS) // 7 + 1, np.arange(POINTS) % 7
PLACEMENTS = (
    Placement.by(NOW),
    Placement.by(NOW),
    Placement.by(NOW - 300 * SECOND),
    Placement.by(NOW - 5 * HOUR - 30 * SECOND),
    None,
    Placement((Anchor(ALWAYS, ALWAYS, NOW), Anchor(SECOND, 2 * SECOND, NOW + SECOND))),
)
BAD = 0x80050000


class Gateway:
    """Makes journal rows; what it reads when is up to a seed."""

    def __init__(self, seed, *, odd):
        self.chance = random.Random(seed)
        self.odd = odd
        self.layouts = [self._layout() for _ in range(self.chance.choice([1, 1, 1, 3]))]
        self.walks = [self.chance.randrange(-9_999, 9_999) for _ in range(POINTS)]
        self.every = self.chance.choice([1_000, 100_000, 10 * SECOND, 200 * SECOND])
        self.jitter = self.chance.choice([0, 1, 4_000])
        self.scale = self.chance.choice([0, 2, 2, 9])
        self.placement = self.chance.choice(PLACEMENTS)

    def _layout(self):
        first = self.chance.choice([0, 0, 7, self.chance.randrange(POINTS)])
        last = self.chance.choice([POINTS, POINTS, self.chance.randrange(first + 1, POINTS + 1)])
        scans = self.chance.choice([1, 1, 1, 2, 5])
        size = self.chance.choice([7, 7, 14, 5, 40])
        return range(first, last), scans, size

    def rows(self, count):
        """Return (stream, received, body) of journal rows."""
        at, seq, rows = self.chance.randrange(10**9), 1, []
        placement = self.placement
        for _ in range(count):
            batches = []
            for _ in range(self.chance.choice([1, 1, 1, 2])):
                readings, at = self._readings(at)
                stamp = Stamp(
                    clock_state=ClockState.SYNCHRONISED,
                    number=1,
                    seq0=seq,
                    mono0=at,
                    wall0=NOW + at,
                )
                seq += len(readings)
                decimals = [self.scale] * POINTS
                if self._oddly():
                    placement = self.chance.choice(PLACEMENTS)
                batches.append(Sent(encode_readings(stamp, readings, decimals), placement))
            received = NOW + at + 80_000 + self.chance.randrange(9_000)
            body = as_sent.pack(batches, POINTS, ((0, 0),), received)
            if self._oddly():
                body = journal.pack(journal.unpack(body))
            stream = self.chance.choice([1, 9]) if self.odd else 1
            rows.append((stream, received // 1_000 * 1_000, body))
        return rows

    def _oddly(self):
        return self.odd and self.chance.random() < 0.03

    def _readings(self, at):
        points, scans, size = self.chance.choice(self.layouts)
        mark = TimeMark.SOURCE if self._oddly() else TimeMark.GATEWAY
        found = []
        for _ in range(scans):
            at += self.every
            times = [at + self.chance.randrange(self.jitter + 1) for _ in range(POINTS)]
            shift = NOW if mark == TimeMark.SOURCE else 0
            for place, point in enumerate(points):
                time = times[place // size] + shift
                found.append(Reading(point, self._value(point), self._quality(), time, mark))
        if self._oddly():
            del found[self.chance.randrange(len(found))]
        return found or [Reading(0, 1.0, 0, at, mark)], at

    def _value(self, point):
        if self._oddly():
            return self.chance.choice([None, "x", True, 7, 2**60, -0.0, 0.1234567, 1e300])
        self.walks[point] += self.chance.choice([0, 0, 1, -1, 10, 300, -70_000])
        return self.walks[point] / 10**self.scale

    def _quality(self):
        return BAD if self.chance.random() < 0.02 else 0


def one_by_one(rows):
    """Return (family, day, what is written) by packing each reading."""
    parts = [Part(journal.unpack(body), *row) for *row, body in rows]
    packed = pack(joined(parts, FAMILY, MEMBER))
    found = []
    for kind, some in (("chunk", packed.groups), ("stray", packed.strays)):
        chunks = encoded([cells for *_, cells in some])
        made = rows_of([(family, day) for family, day, _ in some], chunks)
        found += [(kind, *row) for row in made]
    return sorted(each if each[0] == "chunk" else (*each[:3], each[-1]) for each in found)


def tables(rows):
    """Return a connection to journal and families, as the process that packs finds them."""
    conn = sqlite3.connect(":memory:")
    conn.execute("CREATE TABLE journal(id INTEGER PRIMARY KEY, stream, received, body)")
    conn.execute("CREATE TABLE family_member(point, family, place)")
    conn.executemany("INSERT INTO journal(stream, received, body) VALUES (?, ?, ?)", rows)
    places = zip(range(POINTS), FAMILY.tolist(), MEMBER.tolist(), strict=True)
    conn.executemany("INSERT INTO family_member VALUES (?, ?, ?)", places)
    return conn


def sealed(rows, parts=1):
    """Return the same of what the process that packs says."""
    conn, found = tables(rows), []
    for part in range(parts):
        job = Seal(tuple(range(1, len(rows) + 1)), part, parts)
        for answer in answered(conn, Families(), job):
            assert isinstance(answer, Made | Strays), answer
            kind = "chunk" if isinstance(answer, Made) else "stray"
            found += [(kind, *row) for row in answer.rows]
    return sorted(found)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 30), st.booleans(), st.sampled_from([1, 1, 3]))
def test_scans_become_what_their_readings_become(seed, count, odd, parts):
    rows = Gateway(seed, odd=odd).rows(count)
    assert sealed(rows, parts) == one_by_one(rows)


def taken(rows):
    return sealing.taken(rows, lambda columns: (FAMILY, MEMBER))


def steady(seed=1, **more):
    """A gateway that reads the same two devices again and again."""
    gateway = Gateway(seed, odd=False)
    gateway.layouts = [(range(14), 1, 7)]
    gateway.scale, gateway.every, gateway.jitter = 2, SECOND, 4_000
    gateway.placement = Placement.by(NOW)
    for name, value in more.items():
        setattr(gateway, name, value)
    return gateway


def test_what_is_read_again_and_again_is_a_table():
    found = taken(steady().rows(30))
    assert not found.rest
    (fit,) = found.fits
    assert fit.families.tolist() == [1, 2]
    assert len(fit.table.times) >= 30


def test_devices_that_share_a_moment_now_and_then_are_a_table_still():
    found = taken(steady(jitter=2).rows(30))
    assert not found.rest
    assert len(found.fits) == 1


def test_a_family_that_is_not_alone_is_packed_as_any():
    rows = steady().rows(30)
    other = steady(seed=2, layouts=[(range(6, 8), 1, 7)]).rows(1)
    found = taken([*rows, *other])
    assert not found.fits
    found = taken([*rows, *steady(seed=2, layouts=[(range(3, 5), 1, 7)]).rows(1)])
    (fit,) = found.fits
    assert fit.families.tolist() == [2]
    assert {int(each) for part in found.rest for each in FAMILY[part.rows.points]} == {1}


def test_what_is_never_read_again_is_no_table():
    rows = [
        steady(layouts=[(range(first, 40), 1, 7)], placement=Placement.by(NOW)).rows(1)[0]
        for first in range(30)
    ]
    assert not taken(rows).fits


class Failing(Gateway):
    """The second device does not answer at every third scan."""

    def _readings(self, at):
        found, at = super()._readings(at)
        if at // self.every % 3 == 0:
            found = [
                Reading(each.point, None, BAD, each.time, each.mark) if each.point > 6 else each
                for each in found
            ]
        return found, at


def test_a_device_that_fails_now_and_then_takes_no_other_along():
    gateway = Failing(5, odd=False)
    gateway.__dict__ |= {
        name: value for name, value in vars(steady()).items() if name not in ("chance", "walks")
    }
    rows = gateway.rows(30)
    found = taken(rows)
    (fit,) = found.fits
    assert fit.families.tolist() == [1]
    assert {int(each) for part in found.rest for each in FAMILY[part.rows.points]} == {2}
    assert sealed(rows) == one_by_one(rows)


def test_a_midnight_is_where_a_table_is_cut():
    gateway = steady(every=HOUR, jitter=0)
    rows = gateway.rows(30)
    assert not taken(rows).rest
    assert sealed(rows) == one_by_one(rows)
    assert len({row[2] for row in sealed(rows)}) > 1


def test_more_than_one_chunk_holds_is_cut_in_even_parts():
    rows = steady(every=100_000).rows(1_800)
    made = sealed(rows)
    assert made == one_by_one(rows)
    assert len(made) > 2


def test_where_a_point_has_no_place_it_says_so():
    conn = tables(steady().rows(3))
    conn.execute("DELETE FROM family_member WHERE point = 3")
    (answer,) = answered(conn, Families(), Seal((1, 2, 3), 0, 1))
    assert answer.reason == "ValueError: a point without a family"
