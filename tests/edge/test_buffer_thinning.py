"""Thinning: what stays, what stands for the rest, and that nothing goes wrong on the way."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise
from pathlib import Path

import pytest

from edge.buffer import Budget, Buffer, dropping, rewriting
from edge.buffer.file import Row
from edge.buffer.rewriting import Rewriting
from edge.buffer.thinning import Thinner
from edge.config import BufferSettings
from protocols.clock import MINUTE, SECOND, ClockState
from protocols.errors import BufferDamaged
from protocols.wire.batch import (
    ReadingsBatch,
    SkipBatch,
    SkipReason,
    Stamp,
    decode_batch,
    encode_events,
    encode_readings,
)
from protocols.wire.chain import chain_next, chain_start
from protocols.words import Event, Lane, Reading, StreamKind
from tests.edge.buffer_suite import ORIGIN, PLENTY
from tests.edge.test_buffer import abandon
from tests.fakes import FakeClock

DATA = StreamKind.DATA
WALL = 1_700_000_040_000_000
"""A full minute."""


def sealed(seq0: int, second: int, count: int = 4, points: int = 2) -> Row:
    stamp = Stamp(clock_state=ClockState.SYNCHRONISED, number=1, seq0=seq0,
                  mono0=second * SECOND, wall0=WALL + second * SECOND)  # fmt: skip
    items = [Reading(n % points, 20.0 + seq0 + n / 7, 0, second * SECOND) for n in range(count)]
    return Row(seq0, count, encode_readings(stamp, items, [2] * points))


def thinned(rows: list[Row], guard: int = 0) -> list[Row]:
    thinner = Thinner(guard=guard, next=rows[0].seq0)
    out = [each for row in rows for each in thinner.take(row)]
    return [*out, *thinner.end()]


def of_a_minute_each(batches: int = 180, count: int = 4) -> list[Row]:
    return [sealed(1 + i * count, i, count) for i in range(batches)]


def skip(row: Row) -> SkipBatch:
    batch = decode_batch(row.bytes)
    assert isinstance(batch, SkipBatch)
    return batch


def test_one_batch_a_minute_stays_and_the_numbers_go_on() -> None:
    rows = of_a_minute_each()
    out = thinned(rows)
    assert [row.seq0 for row in out] == [1, 5, 241, 245, 481, 485]
    assert [row for row in out if row in rows] == [rows[0], rows[60], rows[120]]
    assert all(a.last + 1 == b.seq0 for a, b in pairwise(out))
    assert out[-1].last == rows[-1].last


def test_the_ledger_says_by_point_what_went_and_when() -> None:
    rows = of_a_minute_each()
    gone = skip(thinned(rows)[1])
    assert gone.reason is SkipReason.QUOTA
    assert [(line.point, line.count) for line in gone.ledger] == [(0, 118), (1, 118)]
    assert {line.start for line in gone.ledger} == {WALL + 1 * SECOND}
    assert {line.end for line in gone.ledger} == {WALL + 59 * SECOND}
    assert (gone.header.seq0, gone.header.n, gone.header.wall0) == (5, 236, WALL + SECOND)


def test_a_ledger_longer_than_a_quarter_of_what_went_is_one_line() -> None:
    rows = [sealed(1 + i * 50, i, 50, points=50) for i in range(6)]
    gone = skip(thinned(rows)[1])
    (line,) = gone.ledger
    assert (line.point, line.count) == (None, 250)
    assert (line.start, line.end) == (WALL + SECOND, WALL + 5 * SECOND)


def test_what_may_have_been_sent_stays_as_it_is() -> None:
    rows = of_a_minute_each()
    assert thinned(rows, guard=400)[:100] == rows[:100]
    assert len(thinned(rows, guard=400)) < 110
    assert thinned(rows, guard=rows[-1].last) == rows


def test_damage_events_and_skips_stay_and_part_the_runs() -> None:
    rows = of_a_minute_each(60)
    rows[20] = rows[20]._replace(intact=False)
    stamp = Stamp(clock_state=ClockState.STORY, number=1, seq0=rows[40].seq0, mono0=0, wall0=WALL)
    events = [Event("DEVICE_RETURNED", f"d{n}", 0) for n in range(4)]
    rows[40] = Row(rows[40].seq0, 4, encode_events(stamp, events))
    out = thinned(rows)
    assert [row.seq0 for row in out] == [1, 5, 81, 85, 161, 165]
    assert out[2] == rows[20]
    assert out[4] == rows[40]
    again = thinned(out)
    assert again == out, "thinning twice changes nothing"


def test_too_little_to_be_worth_a_skip_stays() -> None:
    rows = of_a_minute_each(3)
    assert thinned(rows) == rows


# --- in a buffer ------------------------------------------------------------------------------

Open = Callable[..., Awaitable[Buffer]]


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Open]:
    made: list[Buffer] = []

    async def open_(*, quota: int = 1 << 30, segment: int = 1 << 26) -> Buffer:
        settings = BufferSettings(folder=tmp_path, quota_bytes=quota, segment_bytes=segment)
        clock = FakeClock(WALL if not made else made[-1]._clock.now())
        made.append(await Buffer.open(settings, ORIGIN, clock))
        return made[-1]

    yield open_
    for buffer in made:
        await buffer.close()


async def scan(buffer: Buffer, seconds: int, count: int = 40) -> int:
    """A batch a second; returns how many readings."""
    clock = buffer._clock
    assert isinstance(clock, FakeClock)
    for _ in range(seconds):
        now = clock.mono()
        buffer.append(DATA, [Reading(n % 2, now / 7 + n / 3, 0, now) for n in range(count)])
        await buffer.seal(DATA)
        clock.time += SECOND
    return seconds * count


async def work_of(buffer: Buffer, file: str = "data-00000001.db") -> Rewriting:
    """Begin to thin the (sealed) first segment."""
    store = buffer._store
    await buffer._run(store.holdings.folder.retire)
    return Rewriting(store.holdings, store.housekeeping, file)


def leftovers(folder: Path) -> list[Path]:
    return list(folder.glob("*.new"))


async def through(buffer: Buffer, work: Rewriting) -> None:
    while await buffer._run(work.step):
        pass
    await buffer._run(work.finish)


class Counting:
    """A collector that keeps the commit rule and counts what is there, and how."""

    def __init__(self) -> None:
        self.readings: Counter[str] = Counter()
        self.cursor: dict[str, int] = {}
        self.head: dict[str, bytes] = {}
        self.lines: Counter[int | None] = Counter()

    async def drain(self, buffer: Buffer, *lanes: Lane) -> None:
        for lane in lanes or (Lane.LIVE, Lane.BACKFILL):
            for _ in range(10_000):
                pending = await buffer.pending(lane, Budget(batches=7, bytes=1 << 20))
                if pending is None:
                    break
                cursor = self.cursor.setdefault(pending.stream, 0)
                head = self.head.setdefault(pending.stream, chain_start(pending.opening))
                new = [d for d in pending.batches if decode_batch(d).header.last > cursor]
                for data in new:
                    head = chain_next(head, data)
                right = not new or decode_batch(new[0]).header.seq0 == cursor + 1
                if not right or (new and head != pending.head):
                    await buffer.rewind(pending.stream, cursor + 1, self.head[pending.stream])
                    continue
                for data in new:
                    self.take(data)
                self.head[pending.stream] = head
                self.cursor[pending.stream] = max(cursor, pending.last)
                await buffer.committed(pending.stream, self.cursor[pending.stream], 0)

    def take(self, data: bytes) -> None:
        batch = decode_batch(data)
        if isinstance(batch, ReadingsBatch):
            self.readings["stored"] += batch.header.n
        elif isinstance(batch, SkipBatch):
            self.readings[batch.reason.name.lower()] += batch.header.n
            for line in batch.ledger:
                self.lines[line.point] += line.count


async def test_a_thinned_segment_is_smaller_and_accounts_for_everything(opened: Open) -> None:
    buffer = await opened()
    total = await scan(buffer, 180)
    before = (await buffer.stats()).bytes
    await through(buffer, await work_of(buffer))
    stats = await buffer.stats()
    assert stats.bytes < before / 3
    assert stats.drops == {"thinned": 177 * 40}
    assert stats.data.batches == 6
    there = Counting()
    await there.drain(buffer)
    assert there.readings == {"stored": 3 * 40, "quota": 177 * 40}
    assert there.lines == {0: 177 * 20, 1: 177 * 20}
    assert sum(there.readings.values()) == total


async def test_a_restart_finds_the_thinned_segment_and_thins_it_no_more(opened: Open) -> None:
    buffer = await opened()
    await scan(buffer, 120)
    await through(buffer, await work_of(buffer))
    await abandon(buffer)
    again = await opened()
    assert (await again.stats()).data.batches == 4
    assert not await again._run(again._store.quota._can_thin, "data-00000001.db")
    there = Counting()
    await there.drain(again)
    assert there.readings == {"stored": 2 * 40, "quota": 118 * 40}


@pytest.mark.parametrize("steps", [0, 1, 3, 7, 1000])
async def test_a_kill_on_the_way_leaves_the_old_segment(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    monkeypatch.setattr(rewriting, "PIECE", 1)
    buffer = await opened()
    total = await scan(buffer, 120)
    work = await work_of(buffer)
    for _ in range(steps):
        if not await buffer._run(work.step):
            break
    await abandon(buffer)
    again = await opened()
    assert not leftovers(tmp_path)
    there = Counting()
    await there.drain(again)
    assert there.readings == {"stored": total}


async def test_an_answer_to_a_request_under_way_is_taken_as_it_was(opened: Open) -> None:
    buffer = await opened()
    total = await scan(buffer, 120)
    flying = await buffer.pending(Lane.LIVE, Budget(batches=30, bytes=1 << 20))
    assert flying is not None
    await through(buffer, await work_of(buffer))
    there = Counting()
    for data in flying.batches:
        there.take(data)
    there.cursor[flying.stream], there.head[flying.stream] = flying.last, flying.head or b""
    await buffer.committed(flying.stream, flying.last, 0)
    await there.drain(buffer)
    assert there.readings["stored"] >= 30 * 40
    assert sum(there.readings.values()) == total


async def test_delivery_that_gets_into_what_is_thinned_wins(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewriting, "PIECE", 1)
    buffer = await opened()
    total = await scan(buffer, 120)
    work = await work_of(buffer)
    for _ in range(4):
        await buffer._run(work.step)
    flying = await buffer.pending(Lane.LIVE, Budget(batches=30, bytes=1 << 20))
    await through(buffer, work)
    assert not work.done
    assert flying == await buffer.pending(Lane.LIVE, Budget(batches=30, bytes=1 << 20))
    there = Counting()
    await there.drain(buffer)
    assert there.readings == {"stored": total}


async def test_an_answer_lost_with_the_process_before_thinning_doubles_nothing(
    opened: Open,
) -> None:
    buffer = await opened()
    total = await scan(buffer, 120)
    flying = await buffer.pending(Lane.LIVE, Budget(batches=30, bytes=1 << 20))
    assert flying is not None
    there = Counting()
    for data in flying.batches:
        there.take(data)
    there.cursor[flying.stream], there.head[flying.stream] = flying.last, flying.head or b""
    await abandon(buffer)
    again = await opened()
    await through(again, await work_of(again))
    given_up = (await again.stats()).drops["thinned"]
    await there.drain(again)
    assert sum(there.readings.values()) == total
    assert (await again.stats()).drops == {"thinned": given_up}, "what is left of a skip is no news"


async def test_a_thinned_segment_that_goes_later_counts_what_it_still_held(opened: Open) -> None:
    buffer = await opened()
    total = await scan(buffer, 120)
    await through(buffer, await work_of(buffer))
    store = buffer._store
    work = await buffer._run(store.quota._dropping, "data-00000001.db")
    assert isinstance(work, dropping.Dropping)
    while await buffer._run(work.step):
        pass
    await buffer._run(work.finish)
    assert (await buffer.stats()).drops == {"thinned": 118 * 40, "quota": 2 * 40}
    there = Counting()
    await there.drain(buffer)
    assert there.readings == {"quota": total}
    assert there.lines == {0: total // 2, 1: total // 2}, "each reading is in the ledger once"


async def test_what_thinning_gave_up_is_not_counted_again_when_an_alarm_needs_the_room(
    opened: Open,
) -> None:
    buffer = await opened()
    total = await scan(buffer, 120)
    await through(buffer, await work_of(buffer))
    assert await buffer._run(buffer._store.quota.make_room_at_once)
    assert (await buffer.stats()).drops == {"thinned": 118 * 40, "quota": 2 * 40}
    there = Counting()
    await there.drain(buffer)
    assert there.readings == {"quota": total}


async def test_what_arrived_while_a_thinned_segment_goes_is_neither_counted_nor_credited(
    opened: Open,
) -> None:
    """The first minute, one batch and its skip, gets through; the second is given up."""
    buffer = await opened()
    await scan(buffer, 120)
    await through(buffer, await work_of(buffer))
    store = buffer._store
    work = await buffer._run(store.quota._dropping, "data-00000001.db")
    while await buffer._run(work.step):
        pass
    sent = await buffer.pending(Lane.LIVE, Budget(batches=2, bytes=1 << 20))
    assert sent is not None
    assert sent.last == 60 * 40
    await buffer.committed(sent.stream, sent.last, sent.last)
    await buffer._run(work.finish)
    assert (await buffer.stats()).drops == {"thinned": 118 * 40, "quota": 1 * 40}


async def test_what_is_committed_but_not_safe_goes_before_anything_is_thinned(
    opened: Open,
) -> None:
    buffer = await opened()
    await scan(buffer, 120)
    first = await buffer.pending(Lane.LIVE, Budget(batches=50, bytes=1 << 20))
    assert first is not None
    await buffer.committed(first.stream, first.last, 10 * 40)
    await through(buffer, await work_of(buffer))
    stats = await buffer.stats()
    assert stats.drops["not_yet_backed_up"] == 40 * 40
    rest = await buffer.pending(Lane.LIVE, PLENTY)
    assert rest is not None
    assert rest.first == first.last + 1
    head = first.head
    for data in rest.batches:
        head = chain_next(head or b"", data)
    assert rest.head == head


async def test_an_alarm_that_finds_no_room_waits_for_no_ledger(opened: Open) -> None:
    buffer = await opened()
    total = await scan(buffer, 60)
    quota = buffer._store.quota
    await buffer._run(buffer._store.holdings.folder.retire)
    under_way = await buffer._run(quota.next)
    assert isinstance(under_way, Rewriting)
    assert await buffer._run(quota.make_room_at_once)
    assert under_way.void
    await through(buffer, under_way)
    there = Counting()
    await there.drain(buffer)
    assert there.readings == {"quota": total}
    assert there.lines == {None: total}


async def test_a_segment_put_aside_while_it_goes_is_not_given_up(opened: Open) -> None:
    buffer = await opened()
    total = await scan(buffer, 60)
    await buffer.rotate(DATA)
    total += await scan(buffer, 60)
    store, name = buffer._store, "data-00000001.db"
    await buffer._run(store.holdings.folder.retire)
    work = await buffer._run(store.quota._dropping, name)
    while await buffer._run(work.step):
        pass
    damage = BufferDamaged(file=name, reason="test")
    await buffer._run(store.holdings.damage, name, damage)
    await buffer.salvage()
    await buffer._run(work.finish)
    assert (await buffer.stats()).drops == {}
    collector = Counting()
    await collector.drain(buffer, Lane.BACKFILL, Lane.LIVE)
    assert collector.readings == {"stored": total}


def test_the_minute_is_the_wall_clocks() -> None:
    late = sealed(1, 59), sealed(5, 60), sealed(9, 61)
    out = thinned([late[0], late[1], late[2], *(sealed(13 + i * 4, 62 + i) for i in range(10))])
    assert out[:2] == [late[0], late[1]]
    assert WALL % MINUTE == 0
