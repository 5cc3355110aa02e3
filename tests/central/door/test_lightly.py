"""A request written on the event loop, with others or given up, is what it is in the thread."""

import asyncio
import json

import pytest
from hypothesis import given, settings

from central.database_queue import Heavy
from central.door import quick
from central.door.judging import judge, judge_scan
from tests.central.builders import START
from tests.central.door.plant import COUNT, FLOW, LEVEL, NOTE, SMOKE, at
from tests.central.door.test_columns import POINTS, body_of, rows_of
from tests.central.stored import with_readings

ALL = [LEVEL, COUNT, SMOKE, NOTE, FLOW]


async def rows(collector, sql):
    return await collector.db.read(lambda conn: with_readings(conn).execute(sql).fetchall())


async def scan(enterprise, second, key=None):
    values = [50 + second % 10, second, True, "on", second / 4]
    told = await enterprise.columns(key or f"k{second}", ALL, [at(second)] * 5, values)
    return told["accepted"], told["known"], told["duplicate"]


async def test_requests_of_one_transaction_are_each_a_stream(enterprise, collector, clock):
    assert await scan(enterprise, 0) == (5, 0, False)
    clock.move(10)
    told = await asyncio.gather(*(scan(enterprise, second) for second in (1, 2, 3)))
    assert told == [(5, 0, False)] * 3
    streams = await rows(
        collector,
        "SELECT s.number, s.ordinal, s.cursor, s.line, (SELECT count(*) FROM evidence_head h "
        "WHERE h.stream = s.number), d.answer IS NOT NULL FROM stream s "
        "LEFT JOIN door_request d ON d.stream = s.number ORDER BY s.number",
    )
    described, first, *others = streams
    assert described[2:] == (0, None, 1, 0)
    assert first[2:] == (5, None, 2, 1)
    assert [each[2:] for each in others] == [(5, first[0], 2, 1)] * 3
    assert [each[1] for each in streams] == [1, 2, 3, 4, 5]
    newest = await rows(collector, "SELECT stream_number FROM gateway")
    assert newest == [(5,)]
    assert await rows(collector, "SELECT count(*), max(newest) FROM door_line") == [(1, at(3))]
    assert await rows(collector, "SELECT count(*) FROM reading") == [(20,)]


async def test_the_same_key_at_once_is_taken_once(enterprise, collector, clock):
    await scan(enterprise, 0)
    clock.move(10)
    told = await asyncio.gather(*(scan(enterprise, 1, "same") for _ in range(3)))
    assert sorted(told) == [(5, 0, False), (5, 0, True), (5, 0, True)]
    assert await rows(collector, "SELECT count(*) FROM reading") == [(10,)]


@pytest.mark.parametrize("harmless", [True, False])
async def test_what_was_too_much_is_done_in_the_thread(
    enterprise, collector, clock, monkeypatch, harmless
):
    await scan(enterprise, 0)
    clock.move(10)
    engine, asked = collector._engine, []
    evaluate = engine.evaluate

    def heavy(tables, batch):
        asked.append(batch.most)
        if batch.most is not None:
            if not harmless:
                collector.db.gathered.write_out(tables.conn)
            raise Heavy
        return evaluate(tables, batch)

    monkeypatch.setattr(engine, "evaluate", heavy)
    told = await asyncio.gather(*(scan(enterprise, second) for second in (1, 2)))
    assert told == [(5, 0, False)] * 2
    assert asked[0] is not None
    assert asked.count(None) >= 2
    assert (await scan(enterprise, 1))[2], "the key is known"
    assert await rows(collector, "SELECT count(*) FROM reading") == [(15,)]
    assert await rows(collector, "SELECT count(*) FROM stream WHERE cursor = 5") == [(3,)]
    assert collector.store.latest([COUNT])[0].value == 2


@settings(max_examples=40, deadline=None)
@given(rows_of)
def test_a_scan_is_judged_as_the_same_by_time(said):
    table = table_of(said)
    plain, scanned = judge(table, POINTS, START), judge_scan(table, POINTS, START)
    assert scanned.aside == plain.aside
    assert scanned.repeated == plain.repeated
    assert sorted(map(repr, scanned.accepted.readings())) == sorted(
        map(repr, plain.accepted.readings())
    )
    for point in range(len(POINTS)):
        each = [
            [repr(reading) for reading in judged.accepted.readings() if reading[0] == point]
            for judged in (scanned, plain)
        ]
        assert each[0] == each[1]


def table_of(said):
    return quick.read(json.dumps(body_of(said, "rows", "time_us")).encode())
