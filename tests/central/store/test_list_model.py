"""Any sequence of appends, strays, seals, merges, kills and restarts reads as a plain list does."""

import asyncio
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from central.near import TooMuch
from central.store.interface import Row
from central.store.views.reading import END
from tests.central.builders import HandClock
from tests.central.store.asking import Asked
from tests.central.store.plant import POINTS, append, close_store, open_store
from tests.central.store.store_suite import NOW, SECOND

DAY = 86_400 * SECOND
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.integers(-50, 50),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-999, 999).map(lambda n: n / 100),
    st.text("a阀 ", max_size=3),
)
QUALITIES = st.sampled_from([0, 0, 0, 0x40000000, 0x80310000])


def cells(part):
    return zip(part.readings.values, part.readings.times.tolist(), strict=True)


class Machine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.model = []
        self.seqs = {}
        self.received = NOW

    def do(self, awaitable):
        return self.loop.run_until_complete(awaitable)

    @initialize()
    def start(self):
        self.db, self.store = self.do(open_store(Path(self.folder.name), HandClock()))

    @rule(
        stream=st.integers(1, 3),
        start=st.integers(-3 * 86_400, 3_600),
        scans=st.integers(1, 12),
        points=st.lists(st.sampled_from(sorted(POINTS)), min_size=1, max_size=34, unique=True),
        data=st.data(),
    )
    def scan(self, stream, start, scans, points, data):
        values = data.draw(st.lists(VALUES, min_size=3, max_size=9))
        quality = data.draw(QUALITIES)
        rows = []
        for nth in range(scans):
            for place, point in enumerate(points):
                value = values[(nth * 5 + place) % len(values)]
                rows.append((point, NOW + (start + 10 * nth) * SECOND, value, quality, 0))
        self.take(stream, rows)

    @rule(
        stream=st.integers(1, 4),
        strays=st.lists(
            st.tuples(
                st.sampled_from(sorted(POINTS)),
                st.integers(NOW - 3 * DAY, NOW + DAY),
                VALUES,
                QUALITIES,
                st.sampled_from([0, 1, 4]),
            ),
            min_size=1,
            max_size=5,
        ),
    )
    def stray(self, stream, strays):
        self.take(stream, strays)

    def take(self, stream, rows):
        self.received += 1_234_567
        first = self.seqs.get(stream, 0) + 1
        made = [
            Row(point, time, first + n, value, quality, flags)
            for n, (point, time, value, quality, flags) in enumerate(rows)
        ]
        self.seqs[stream] = first + len(rows) - 1
        self.do(append(self.db, self.store, made, stream, self.received))
        received = self.received // 1_000 * 1_000
        self.model += [(row, stream, received) for row in made]

    @rule()
    def seal(self):
        self.do(self.store.seal())

    @rule()
    def fail_to_seal(self):
        def dies(_):
            raise RuntimeError("killed")

        self.store.on_seal.append(dies)
        if self.store.unsealed.readings:
            with pytest.raises(RuntimeError, match="killed"):
                self.do(self.store.seal())
        self.store.on_seal.remove(dies)
        self.restart()

    @rule(rounds=st.integers(1, 6))
    def merge(self, rounds):
        for _ in range(rounds):
            self.do(self.store.merging.run_once())

    @rule()
    def rest(self):
        self.do(self.store.merging.rest())

    @rule()
    def restart(self):
        self.do(close_store(self.db, self.store))
        self.start()

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def a_range_is_the_models(self, data):
        point = data.draw(st.sampled_from([row.point for row, *_ in self.model]))
        times = sorted(row.time for row, *_ in self.model if row.point == point)
        start, end = data.draw(st.sampled_from(times)), data.draw(st.sampled_from(times)) + 1
        wanted = [row.value for row, *_ in self.listed(point) if start <= row.time < end]
        asked = Asked(self.db, self.store, HandClock(), POINTS)
        page = self.do(asked.readings(POINTS[point], start, end, 50_000))
        assert list(map(repr, page.values)) == list(map(repr, wanted))
        assert self.do(asked.count(POINTS[point], start, end)) == len(wanted)
        with suppress(TooMuch):
            parts = self.store.near(lambda view: view.parts(point, start, end))
            found = [(repr(value), time) for part in parts for value, time in cells(part)]
            assert found == list(zip(map(repr, wanted), page.times, strict=True))

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def many_at_once_are_the_models_and_each_alone(self, data):
        times = st.sampled_from(sorted({row.time for row, *_ in self.model}))
        start, end = data.draw(times), data.draw(times) + 1
        came = data.draw(st.sampled_from(sorted({received for *_, received in self.model})))
        asked = data.draw(st.sets(st.sampled_from([*POINTS, 1_000]), min_size=1))
        numbers = np.array(data.draw(st.permutations(sorted(asked))), np.int64)
        found = self.do(self.store.ask(lambda view: at_once(view, numbers, start, end, came)))
        held = {number: self.listed(number) for number in asked}
        assert found["counts"] == [
            sum(start <= row.time < end for row, *_ in held[number]) for number in numbers.tolist()
        ]
        for name, fits in (
            ("state", lambda row, received: row.time <= start),
            ("arrived", lambda row, received: received <= came),
            ("both", lambda row, received: row.time <= start and received <= came),
        ):
            last = {n: [each for each in held[n] if fits(each[0], each[2])][-1:] for n in asked}
            wanted = [
                (row.point, row.time, stream, row.seq, received, repr(row.value), row.quality)
                for number in sorted(asked)
                for row, stream, received in last[number]
            ]
            assert found[name] == wanted

    def listed(self, point):
        own = (each for each in self.model if each[0].point == point)
        return sorted(own, key=lambda each: (each[0].time, each[1], each[0].seq))

    @invariant()
    def every_reading_is_there_once(self):
        found = self.do(self.store.ask(everything))
        wanted = {}
        for point in {row.point for row, *_ in self.model}:
            wanted[point] = [
                (row.time, stream, row.seq, received, repr(row.value), row.quality, row.flags)
                for row, stream, received in self.listed(point)
            ]
        assert found == wanted

    @invariant()
    def heads_are_the_newest(self):
        newest = {}
        for row, *_ in self.model:  # of one moment the last to arrive
            if row.point not in newest or row.time >= newest[row.point].time:
                newest[row.point] = row
        heads = {number: self.store.head(number) for number in POINTS}
        found = {n: (h.source_time, repr(h.value)) for n, h in heads.items() if h is not None}
        assert found == {n: (row.time, repr(row.value)) for n, row in newest.items()}

    def teardown(self):
        self.do(close_store(self.db, self.store))
        self.loop.close()
        self.folder.cleanup()


def at_once(view, numbers, start, end, came):
    found = {"counts": view.counts(numbers, start, end, lambda: None).tolist()}
    asked = {"state": (start, END), "arrived": (END - 1, came), "both": (start, came)}
    for name, (at, arrived) in asked.items():
        points, each = view.newest_of(numbers, at, lambda: None, arrived)
        columns = (each.times, each.streams, each.seqs, each.received)
        found[name] = list(
            zip(
                points.tolist(),
                *(column.tolist() for column in columns),
                map(repr, each.values),
                each.qualities.tolist(),
                strict=True,
            )
        )
        for number in numbers.tolist():
            alone = view.newest(number, at, arrived)
            place = np.flatnonzero(points == number)
            assert alone.seqs.tolist() == each.seqs[place].tolist()
    return found


def everything(view):
    found = {}
    for number in POINTS:
        each = view.read(number, 0, 2 * NOW)
        columns = (each.times, each.streams, each.seqs, each.received)
        if len(each):
            found[number] = list(
                zip(
                    *(column.tolist() for column in columns),
                    map(repr, each.values),
                    each.qualities.tolist(),
                    each.flags.tolist(),
                    strict=True,
                )
            )
    return found


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=10,
    stateful_step_count=14,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
