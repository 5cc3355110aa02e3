"""Many points at once answer as each of them alone, wherever their readings are."""

import itertools
import random

import numpy as np
import pytest

from central.calendar.intervals import NOTHING
from central.reader import QueryTooLong
from central.store.damage import ChunkUnreadable
from central.store.interface import Row
from central.store.queries.aggregate import aggregate
from central.store.queries.counts import Asked
from central.store.queries.counts import count as count_of
from central.store.queries.source import Deadline
from central.store.views import together
from central.store.views.reading import END
from tests.central.store.plant import POINTS, append, close_store, open_store
from tests.central.store.store_suite import NOW, SECOND

DAY = 86_400 * SECOND
NUMBERS = np.array([*POINTS, 777], np.int64)
SOME = np.array([30, 4, 12], np.int64)


@pytest.fixture
async def opened(tmp_path, clock):
    db, store = await open_store(tmp_path, clock)
    yield db, store
    await close_store(db, store)


def scans(chance, *, points, seconds, seq):
    """Return two to nine scans of some points, some of their moments shared with other streams."""
    rows = []
    start = NOW + chance.choice(seconds) * SECOND
    for nth in range(chance.randrange(2, 10)):
        for point in points:
            rows.append(Row(point, start + nth * 10 * SECOND, seq + len(rows), point / 8, 0, 0))
    return rows


async def filled(db, store, chance, rounds=2):
    """Bring chunks, strays, runs and loose blocks; yield after each."""
    seqs = dict.fromkeys((1, 2), 1)
    for nth in range(rounds):
        for _ in range(40 if nth == rounds - 1 else 12):
            stream = chance.choice((1, 2))
            points = chance.sample(sorted(POINTS), chance.choice((1, 3, 20)))
            days = [-2 * 86_400, -86_400, -3_600, 0]
            rows = scans(chance, points=points, seconds=days, seq=seqs[stream])
            seqs[stream] += len(rows)
            await append(db, store, rows, stream, NOW + chance.randrange(100) * SECOND)
        yield
        await store.ask(lambda view: view.newest(4, END - 1))  # has the blocks put together
        await append(db, store, [Row(5, NOW, seqs[1], None, 0, 0)], 1, NOW)
        seqs[1] += 1
        yield
        await store.seal()
        yield
        await store.merging.run_once()
    yield


def alike(view, chance):
    """Compare some answers about many with those about each."""
    edges = [0, NOW - DAY, NOW - DAY + 35 * SECOND, NOW + 1, NOW + 40 * SECOND, 2 * NOW]
    spans = list(itertools.combinations(edges, 2))
    upto = list(itertools.product([*edges[1:], END - 1], [NOW + 50 * SECOND, END]))
    for numbers in (NUMBERS, SOME):
        for start, end in chance.sample(spans, 4):
            each = [len(view.read(number, start, end)) for number in numbers.tolist()]
            assert view.counts(numbers, start, end, lambda: None).tolist() == each
        for at, arrived in chance.sample(upto, 4):
            points, found = view.newest_of(numbers, at, lambda: None, arrived)
            rows = dict(zip(points.tolist(), range(len(points)), strict=True))
            for number in numbers.tolist():
                alone = view.newest(number, at, arrived)
                assert len(alone) == (number in rows)
                if len(alone):
                    one = found.take(slice(rows[number], rows[number] + 1))
                    assert one.values == alone.values
                    for name in ("times", "streams", "seqs", "received", "qualities", "flags"):
                        assert getattr(one, name).tolist() == getattr(alone, name).tolist()


async def test_many_are_each(opened):
    db, store = opened
    chance = random.Random(5)
    async for _ in filled(db, store, chance):
        await store.ask(lambda view: alike(view, chance))
    rows = await db.read(lambda conn: conn.execute("SELECT count(*) FROM late").fetchone()[0])
    assert rows


def delivered(view, chance):
    """Compare what each of some points delivered, asked together and alone."""
    asked = chance.sample(sorted(POINTS), 30)
    held = view.together(np.array([*asked, 777]), lambda: None)
    start = NOW - chance.choice([3 * DAY, DAY, 3_600 * SECOND, 0])
    for number in [*asked, 777]:
        one = Asked(
            number=number,
            start=start,
            end=NOW + 100 * SECOND,
            now=NOW + 200 * SECOND,
            gap=chance.choice([25, 3_600]) * SECOND,
            every=10 * SECOND,
            within=60 * SECOND,
        )
        assert count_of(held, one, Deadline()) == count_of(view, one, Deadline())
        assert reckoned(held, number) == reckoned(view, number)
        for start, end in ((0, 2 * NOW), (NOW - DAY, NOW + 1)):
            assert held.read(number, start, end).seqs.tolist() == (
                view.read(number, start, end).seqs.tolist()
            )


def reckoned(source, number):
    edges = np.array([NOW - 3 * DAY, NOW - DAY + 5, NOW, NOW + 20 * SECOND, NOW + DAY])
    pieces = source.pieces(number, int(edges[0]), int(edges[-1]))
    found = aggregate(pieces, edges, NOTHING, Deadline())
    columns = (found.count, found.good, found.sum, found.worst, found.first_times, found.last_times)
    return [found.first, found.last, *(np.nan_to_num(column).tolist() for column in columns)]


@pytest.mark.parametrize("cells", [1_000_000, 400])
async def test_what_many_delivered_is_what_each_did(opened, monkeypatch, cells):
    monkeypatch.setattr(together, "MOST", cells)
    db, store = opened
    chance = random.Random(cells)
    async for _ in filled(db, store, chance, rounds=2):
        await store.ask(lambda view: delivered(view, chance))


async def test_nothing_of_nothing(opened):
    _, store = opened
    none = np.zeros(0, np.int64)

    def work(view):
        counts = view.counts(none, 0, END, lambda: None), view.counts(SOME, 0, END, lambda: None)
        newest = view.newest_of(none, 0, lambda: None), view.newest_of(SOME, 0, lambda: None)
        return [*map(len, newest), *(each.tolist() for each in counts)]

    assert await store.ask(work) == [0, 0, [], [0, 0, 0]]


async def test_a_damaged_chunk_is_told_and_time_is_looked_at(opened):
    db, store = opened
    rows = scans(random.Random(1), points=sorted(POINTS), seconds=[0], seq=1)
    await append(db, store, rows)
    await store.seal()

    def late():
        raise QueryTooLong(seconds=1)

    for ask in (
        lambda view, check: view.counts(NUMBERS, 0, NOW + 1, check),
        lambda view, check: view.newest_of(NUMBERS, NOW, check),
    ):
        with pytest.raises(QueryTooLong):
            await store.ask(lambda view, ask=ask: ask(view, late))
    await db.write(lambda tables: tables.conn.execute("UPDATE chunk SET body = x'0102030405'"))
    for ask in (
        lambda view: view.counts(NUMBERS, 0, NOW + 1, lambda: None),
        lambda view: view.newest_of(NUMBERS, NOW, lambda: None),
        lambda view: view.newest_of(SOME[:1], NOW, lambda: None),
    ):
        with pytest.raises(ChunkUnreadable):
            await store.ask(ask)
    assert store.damage.chunks
    whole = await store.ask(lambda view: view.counts(NUMBERS, 0, 2 * NOW, lambda: None))
    assert whole.sum() == len(rows)
