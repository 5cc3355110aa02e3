"""What only files can show: pragmas, damage, segments, the quota, a second process."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

import edge.buffer
from edge.buffer import Backlog, Budget, Buffer, Pending
from edge.buffer.backlog import Backlogs
from edge.buffer.file import BufferFile
from edge.buffer.format import PRAGMAS
from edge.config import BufferSettings
from protocols.errors import BufferFault, BufferNewer
from protocols.wire.batch import EventsBatch, ReadingsBatch, SkipBatch, SkipReason, decode_batch
from protocols.words import Lane, Reading, StreamKind
from tests.edge.buffer_suite import ALARM, DATA, ORIGIN, PLENTY, put, readings
from tests.edge.test_buffer import abandon
from tests.fakes import FakeClock

Open = Callable[..., Awaitable[Buffer]]


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Open]:
    made: list[Buffer] = []

    async def open_(*, quota: int = 1 << 30, segment: int = 1 << 26) -> Buffer:
        settings = BufferSettings(folder=tmp_path, quota_bytes=quota, segment_bytes=segment)
        made.append(await Buffer.open(settings, ORIGIN, FakeClock()))
        return made[-1]

    yield open_
    for buffer in made:
        await buffer.close()


async def drain(buffer: Buffer, lane: Lane) -> list[Pending]:
    found = []
    while (pending := await buffer.pending(lane, PLENTY)) is not None:
        found.append(pending)
        await buffer.committed(pending.stream, pending.last, pending.last)
    return found


def told(pendings: list[Pending]) -> tuple[list[float], list[SkipBatch], list[str]]:
    """Return the values, the skips and the event codes in what was handed out."""
    values: list[float] = []
    skips: list[SkipBatch] = []
    codes: list[str] = []
    for data in (data for pending in pendings for data in pending.batches):
        batch = decode_batch(data)
        if isinstance(batch, ReadingsBatch):
            values += [float(value) for value in batch.values if value is not None]
        elif isinstance(batch, SkipBatch):
            skips.append(batch)
        else:
            assert isinstance(batch, EventsBatch)
            codes += [event.code for event in batch.events]
    return values, skips, codes


def test_every_module_has_its_place_in_the_overview() -> None:
    here = Path(edge.buffer.__file__).parent
    modules = {file.stem for file in here.glob("*.py")} - {"__init__"}
    assert modules == set(re.findall(r"`([a-z_]+)`", edge.buffer.__doc__ or "")) - {"append"}


def test_the_pragmas_took_effect(tmp_path: Path) -> None:
    file = BufferFile(tmp_path / "x.db")
    for name, _, expected in PRAGMAS:
        if expected is not None:
            assert file._pragma(name) == expected, name
    assert file._pragma("page_size") == 1024
    file.close()


async def test_a_second_process_is_refused(opened: Open, tmp_path: Path) -> None:
    await opened()
    with pytest.raises(BufferFault) as caught:
        await opened()
    assert caught.value.code == "BUFFER_LOCKED"


def test_a_newer_format_is_not_touched(tmp_path: Path) -> None:
    BufferFile(tmp_path / "x.db").close()
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    before = (tmp_path / "x.db").read_bytes()
    with pytest.raises(BufferNewer) as caught:
        BufferFile(tmp_path / "x.db")
    assert caught.value.params["found"] == 99
    assert (tmp_path / "x.db").read_bytes() == before


@pytest.mark.parametrize("name", ["alarm.db", "data-00000001.db"])
@pytest.mark.parametrize(
    "damage", [b"", b"\0" * 100, b"not a database" * 100, b"SQLite format 3\0" + b"\xff" * 5000]
)
async def test_a_damaged_file_never_stops_the_start(
    opened: Open, tmp_path: Path, name: str, damage: bytes
) -> None:
    buffer = await opened()
    await put(buffer, 1.0)
    await put(buffer, 2.0, kind=ALARM)
    await buffer.close()
    (tmp_path / name).write_bytes(damage)
    again = await opened()
    await put(again, 3.0)
    await put(again, 4.0, kind=ALARM)
    live, _, _ = told(await drain(again, Lane.LIVE))
    old, _, _ = told(await drain(again, Lane.BACKFILL))
    alarms, _, codes = told(await drain(again, Lane.ALARM))
    assert live == [3.0]
    assert 4.0 in alarms
    if damage:  # an empty file is simply a new one
        assert codes == ["BUFFER_QUARANTINED"]
        assert [file.name for file in (tmp_path / "quarantine").iterdir()] == [f"{name}.1"]
    assert old == ([1.0] if name == "alarm.db" else [])


async def test_a_flipped_byte_costs_one_batch_and_says_so(opened: Open, tmp_path: Path) -> None:
    buffer = await opened()
    for value in (1.0, 2.0, 3.0):
        await put(buffer, value)
    await buffer.close()
    with sqlite3.connect(tmp_path / "data-00000001.db") as connection:
        rows = connection.execute("SELECT key, bytes FROM batch ORDER BY key").fetchall()
        spoilt = bytes([rows[1][1][0] ^ 1]) + rows[1][1][1:]
        connection.execute("UPDATE batch SET bytes=? WHERE key=?", (spoilt, rows[1][0]))
    connection.close()
    again = await opened()
    values, skips, _ = told(await drain(again, Lane.BACKFILL))
    assert values == [1.0, 3.0]
    assert [(s.reason, s.header.seq0, s.header.n) for s in skips] == [(SkipReason.CORRUPT, 2, 1)]


async def test_a_lost_segment_in_the_middle_becomes_a_skip(opened: Open, tmp_path: Path) -> None:
    buffer = await opened(segment=1)  # every batch fills a segment
    for value in (1.0, 2.0, 3.0):
        await put(buffer, value)
    await buffer.close()
    (tmp_path / "data-00000002.db").unlink()
    again = await opened()
    values, skips, _ = told(await drain(again, Lane.BACKFILL))
    assert values == [1.0, 3.0]
    assert [(s.reason, s.header.seq0, s.header.n) for s in skips] == [(SkipReason.CORRUPT, 2, 1)]


async def test_segments_go_when_all_in_them_is_safe(opened: Open, tmp_path: Path) -> None:
    buffer = await opened(segment=1)
    for value in (1.0, 2.0, 3.0):
        await put(buffer, value)
    pending = await buffer.pending(Lane.LIVE, Budget(batches=1, bytes=1))
    assert pending is not None
    await buffer.committed(pending.stream, 1, 1)
    await buffer.persist()
    assert not (tmp_path / "data-00000001.db").exists()
    assert (tmp_path / "data-00000002.db").exists()
    await abandon(buffer)
    again = await opened()
    rest = await again.pending(Lane.BACKFILL, Budget(batches=1, bytes=1))
    assert rest is not None
    assert rest.first == 2


async def test_losing_the_alarm_file_keeps_the_chain_of_the_rest(
    opened: Open, tmp_path: Path
) -> None:
    buffer = await opened(segment=1)
    for value in (1.0, 2.0, 3.0):
        await put(buffer, value)
    pending = await buffer.pending(Lane.LIVE, Budget(batches=2, bytes=1 << 20))
    assert pending is not None
    await buffer.committed(pending.stream, 1, 1)
    await buffer.persist()
    expected = await buffer.pending(Lane.LIVE, Budget(batches=1, bytes=1))
    await buffer.close()
    (tmp_path / "alarm.db").unlink()
    again = await opened()
    rest = await again.pending(Lane.BACKFILL, Budget(batches=1, bytes=1))
    assert rest is not None
    assert expected is not None
    assert (rest.first, rest.head) == (2, expected.head)


async def many(buffer: Buffer, batches: int, size: int = 200, start: int = 0) -> None:
    for i in range(batches):
        base = start + i * size
        items = [Reading(n % 2, base + n + 0.123456789 * n, 0, n) for n in range(size)]
        buffer.append(DATA, items)
        await buffer.seal(DATA)


async def test_the_quota_is_kept_and_the_ledger_adds_up(opened: Open, tmp_path: Path) -> None:
    quota = 512 * 1024
    buffer = await opened(quota=quota)
    await put(buffer, 9.0, kind=ALARM)
    total = 0
    for _ in range(12):
        await many(buffer, 60, start=total)
        total += 60 * 200
        await buffer.relieve()
    stats = await buffer.stats()
    assert stats.bytes <= quota
    assert stats.drops["thinned"] > 0
    values, skips, _ = told(await drain(buffer, Lane.LIVE))
    lost = sum(skip.header.n for skip in skips)
    assert lost == stats.drops["thinned"] + stats.drops.get("quota", 0)
    assert len(values) + lost == total
    assert {skip.reason for skip in skips} == {SkipReason.QUOTA}
    lines = [line for skip in skips for line in skip.ledger]
    assert {line.point for line in lines} == {0, 1}, "the ledger names points, not only sums"
    assert told(await drain(buffer, Lane.ALARM))[0] == [9.0], "alarms go last"


async def test_what_is_committed_goes_before_anything_is_lost(opened: Open) -> None:
    quota = 512 * 1024
    buffer = await opened(quota=quota)
    for i in range(10):
        await many(buffer, 60, start=i * 12_000)
        while (pending := await buffer.pending(Lane.LIVE, PLENTY)) is not None:
            await buffer.committed(pending.stream, pending.last, 0)
        await buffer.relieve()
    stats = await buffer.stats()
    assert stats.bytes <= quota
    assert "quota" not in stats.drops
    assert stats.drops["not_yet_backed_up"] > 0


async def test_what_was_forgotten_whole_is_told_to_a_restored_collector_after_a_kill(
    opened: Open,
) -> None:
    """The collector had it, no backup did, the quota took it: whoever starts next must know."""
    quota = 256 * 1024
    buffer = await opened(quota=quota)
    assert not await buffer.meet("aa" * 16)
    await many(buffer, 60, start=0)
    first = await buffer.pending(Lane.LIVE, PLENTY)
    assert first is not None
    stream, total = first.stream, 0
    while (pending := await buffer.pending(Lane.LIVE, PLENTY)) is not None:
        await buffer.committed(pending.stream, pending.last, 0)
        total = pending.last
    await buffer.rotate(DATA)
    for i in range(1, 10):
        await many(buffer, 60, start=i * 12_000)
        await buffer.relieve()
    held = {each.stream for each in (await buffer.stats()).streams}
    assert stream in held
    await abandon(buffer)
    again = await opened(quota=quota)
    assert await again.meet("bb" * 16), "a database restored from before all that"
    skips = told([p for p in await drain(again, Lane.BACKFILL) if p.stream == stream])[1]
    assert [skip.reason for skip in skips] == [SkipReason.GONE_AT_COLLECTOR]
    assert sum(skip.header.n for skip in skips) == total


async def test_a_middle_that_no_backup_covered_is_gone_not_damaged(
    opened: Open, tmp_path: Path
) -> None:
    """The collector had all of it; the middle was forgotten for room; then the collector goes."""
    buffer = await opened(segment=24 * 1024)
    assert not await buffer.meet("aa" * 16)
    await many(buffer, 62, start=0)
    total = 0
    while (pending := await buffer.pending(Lane.LIVE, PLENTY)) is not None:
        await buffer.committed(pending.stream, pending.last, 0)
        total = pending.last
    work = await buffer._run(buffer._store.quota._dropping, "data-00000002.db")
    await buffer._run(work.finish)
    middle = (await buffer.stats()).drops["not_yet_backed_up"]
    assert 0 < middle < total
    await many(buffer, 5, start=total)
    assert await buffer.meet("bb" * 16), "restored from before all that"
    await buffer.persist()
    await abandon(buffer)
    sorted(tmp_path.glob("data-*.db"))[-2].unlink()  # noqa: ASYNC240
    again = await opened(segment=24 * 1024)
    values, skips, _ = told(await drain(again, Lane.BACKFILL))
    damaged = [skip for skip in skips if skip.reason is SkipReason.CORRUPT]
    assert [skip.header.seq0 for skip in damaged] == [total + 1], "what it never had"
    gone = [skip for skip in skips if skip not in damaged]
    assert {skip.reason for skip in gone} == {SkipReason.GONE_AT_COLLECTOR}
    assert gone[0].header.n == middle
    assert len(values) + sum(skip.header.n for skip in skips) == total + 5 * 200


@pytest.mark.parametrize("restart", [False, True])
async def test_a_skip_of_which_the_collector_had_the_beginning_is_told_whole_when_it_loses_that(
    opened: Open, restart: bool
) -> None:
    buffer = await opened(segment=24 * 1024)
    assert not await buffer.meet("aa" * 16)
    await many(buffer, 20)
    await buffer.rotate(DATA)
    work = await buffer._run(buffer._store.quota._dropping, "data-00000001.db")
    while await buffer._run(work.step):
        pass
    await buffer._run(work.finish)
    whole = await buffer.pending(Lane.BACKFILL, PLENTY)
    assert whole is not None
    count = (await buffer.stats()).drops["quota"]
    assert (whole.first, whole.last) == (1, count)
    # The data had arrived, and only the answer was lost: up to there nothing is missing.
    assert await buffer.rewind(whole.stream, 201, b"\1" * 32) is None
    rest = await buffer.pending(Lane.BACKFILL, PLENTY)
    assert rest is not None
    assert (rest.first, rest.last) == (201, count)
    await buffer.committed(rest.stream, rest.last, 0)
    if restart:
        await buffer.close()
        buffer = await opened(segment=24 * 1024)
    assert await buffer.meet("bb" * 16), "restored from before all that"
    values, skips, _ = told(await drain(buffer, Lane.BACKFILL))
    assert [(each.reason, each.header.n) for each in skips] == [(SkipReason.QUOTA, count)]
    assert {line.point for line in skips[0].ledger} != {None}, "by point, as it was given up"
    assert len(values) == 20 * 200 - count
    given_up = (await buffer.stats()).drops
    assert given_up == ({} if restart else {"quota": count}), "counted once"


async def test_skips_that_follow_each_other_go_out_together(opened: Open) -> None:
    buffer = await opened()
    await many(buffer, 10)
    (stream,) = buffer._store.holdings.streams.values()
    put_skip = buffer._store.holdings.put_skip
    for first in range(1, 1401, 200):
        await buffer._run(put_skip, stream, first, first + 199, SkipReason.QUOTA)
    few = await buffer.pending(Lane.LIVE, Budget(batches=9, bytes=1))
    assert few is not None
    assert len(few.batches) == 1
    three = await buffer.pending(Lane.LIVE, Budget(batches=3, bytes=1 << 20))
    assert three is not None
    assert (three.first, three.last, len(three.batches)) == (1, 600, 3)
    await buffer.committed(three.stream, 400, 0)
    rest = await drain(buffer, Lane.LIVE)
    assert [(each.first, each.last) for each in rest] == [(401, 1400), (1401, 2000)]
    assert rest[-1].head is not None


async def test_what_is_known_of_the_backlog_is_what_looking_again_tells(opened: Open) -> None:
    buffer = await opened(segment=24 * 1024)

    async def look() -> Backlog:
        store = buffer._store
        data = [s for s in store.holdings.streams.values() if s.kind is DATA]
        fresh = await buffer._run(Backlogs(store.holdings).count, data)
        assert (await buffer.stats()).data == fresh
        return fresh

    for turn in range(4):
        await many(buffer, 6, start=turn * 1200)
        await look()
        pending = await buffer.pending(Lane.LIVE, Budget(batches=2 + turn, bytes=1 << 20))
        assert pending is not None
        await buffer.committed(pending.stream, pending.last - turn % 2 * 200, 0)
        await look()
    await buffer.rewind(pending.stream, 1)
    assert (await look()).readings == 4800
    work = await buffer._run(buffer._store.quota._dropping, "data-00000001.db")
    await buffer._run(work.finish)
    assert (await look()).batches == 24 - 4 + 1
    await buffer.committed(pending.stream, 100, 0)
    assert (await look()).readings > 4600
    await drain(buffer, Lane.LIVE)
    assert await look() == Backlog(readings=0, batches=0, oldest=None)


async def test_alarms_fill_the_quota_only_when_nothing_else_is_left(opened: Open) -> None:
    buffer = await opened(quota=256 * 1024)
    for _ in range(40):
        text = [Reading(1, "x" * 4000, 0, 0) for _ in range(4)]
        buffer.append(ALARM, text)
        await buffer.seal(ALARM)
    await buffer.relieve()
    stats = await buffer.stats()
    assert stats.bytes <= 256 * 1024
    _, skips, _ = told(await drain(buffer, Lane.ALARM))
    assert sum(skip.header.n for skip in skips) == stats.drops["quota"] > 0


async def test_an_answer_that_comes_while_its_data_is_given_up_loses_no_stream(
    opened: Open,
) -> None:
    buffer = await opened(quota=256 * 1024)
    await many(buffer, 40)
    flying = await buffer.pending(Lane.LIVE, Budget(batches=3, bytes=1 << 20))
    assert flying is not None
    await many(buffer, 400, start=10_000)
    await buffer.relieve()
    await buffer.committed(flying.stream, flying.last, flying.last)
    rest = await drain(buffer, Lane.LIVE)
    seq = flying.last
    for pending in rest:
        assert pending.first == seq + 1, "no gap and no overlap"
        seq = pending.last


async def test_a_poisoned_reading_costs_its_value_only(opened: Open) -> None:
    buffer = await opened()
    done = buffer.append(DATA, [*readings(1.0), Reading(0, float("nan"), 0, 0), *readings(2.0)])
    await buffer.seal(DATA)
    await done
    values, _, _ = told(await drain(buffer, Lane.LIVE))
    assert values == [1.0, 2.0]


async def test_what_cannot_be_stored_is_kept_and_stored_later(opened: Open, tmp_path: Path) -> None:
    buffer = await opened()
    await put(buffer, 1.0)
    writer = buffer._store.writer

    def refuse(kind: StreamKind, groups: object) -> None:
        raise BufferFault("BUFFER_IO", file="x", reason="test")

    writer.write = refuse  # type: ignore[method-assign]
    done = buffer.append(DATA, readings(2.0))
    await buffer.seal(DATA)
    assert not done.done()
    stats = await buffer.stats()
    assert (stats.failing, stats.medium, stats.unsealed) == ("BUFFER_IO", "memory", 2)
    assert await buffer.recover()
    await done
    assert told(await drain(buffer, Lane.BACKFILL))[0] == [1.0, 2.0]


async def test_sealing_happens_by_itself_alarms_at_once(opened: Open) -> None:
    buffer = await opened()
    task = asyncio.create_task(buffer.run())
    started = asyncio.get_running_loop().time()
    await asyncio.wait_for(buffer.append(ALARM, readings(1.0)), 60)
    first = asyncio.get_running_loop().time() - started
    await asyncio.wait_for(buffer.append(DATA, readings(2.0)), 60)
    second = asyncio.get_running_loop().time() - started - first
    assert second > 0.5 > first
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
