"""A damaged folder: the buffer starts, goes on, finds again what is whole, and owns up to the rest.

Every case ends with the same account: what was delivered and what skips stand for, together, is
each number once.
"""

import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from edge.buffer import Buffer, Pending
from edge.buffer.file import wal
from edge.buffer.rewriting import Rewriting
from edge.config import BufferSettings
from protocols.clock import SECOND
from protocols.wire.batch import SkipBatch, SkipReason, decode_batch
from protocols.words import Lane, Reading
from tests.edge.buffer_suite import ALARM, DATA, ORIGIN, PLENTY, put
from tests.edge.test_buffer import abandon
from tests.edge.test_buffer_damage import all_of, stored
from tests.edge.test_buffer_files import drain, told
from tests.fakes import FakeClock, settle

Open = Callable[..., Awaitable[Buffer]]
BATCHES = 60
PERSISTED = 59
"""So many batches were there when the cursors were last made durable."""


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Open]:
    made: list[Buffer] = []

    async def open_(folder: Path = tmp_path, quota: int = 1 << 30) -> Buffer:
        settings = BufferSettings(folder=folder, quota_bytes=quota, segment_bytes=1 << 16)
        made.append(await Buffer.open(settings, ORIGIN, FakeClock()))
        return made[-1]

    yield open_
    for buffer in made:
        await buffer.close()


@pytest.fixture
async def killed(opened: Open, tmp_path: Path) -> Path:
    """Return what a killed process left: full segments, one with a journal, alarms, cursors."""
    work, copy = tmp_path / "work", tmp_path / "killed"
    buffer = await opened(work)
    for number in range(BATCHES):
        buffer.append(DATA, [Reading(0, number + i / 1000 + 0.5, 0, i) for i in range(200)])
        await buffer.seal(DATA)
        if number % 10 == 0:
            await put(buffer, 1e6 + number, kind=ALARM)
        if number == PERSISTED - 1:
            await buffer.persist()
    shutil.copytree(work, copy)
    return copy


def account(found: list[Pending]) -> dict[str, tuple[list[int], int]]:
    """Return, by stream, every number delivered or skipped, in order, and how many are skipped."""
    told_of: dict[str, tuple[list[int], int]] = {}
    for pending in found:
        numbers, lost = told_of.get(pending.stream, ([], 0))
        for data in pending.batches:
            batch = decode_batch(data)
            header = batch.header
            numbers += range(header.seq0, header.last + 1)
            lost += header.n if isinstance(batch, SkipBatch) else 0
        told_of[pending.stream] = (numbers, lost)
    return told_of


def verify_account(found: list[Pending]) -> int:
    """Check that each number of each stream came once and in order; return how many were lost."""
    told_of = account(found)
    for numbers, _ in told_of.values():
        assert numbers == list(range(1, len(numbers) + 1))
    return sum(lost for _, lost in told_of.values())


def overwrite(path: Path, at: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


def header(path: Path) -> None:
    overwrite(path, 0, b"\xff" * 100)


def page(path: Path) -> None:
    overwrite(path, path.stat().st_size // 2048 * 1024, bytes(1024))


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 + 100])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def journal_torn(path: Path) -> None:
    overwrite(wal(path), wal(path).stat().st_size // 2, b"\x55" * 40)


def journal_header(path: Path) -> None:
    overwrite(wal(path), 0, bytes(32))


def journal_missing(path: Path) -> None:
    wal(path).unlink()


def shared_memory(path: Path) -> None:
    path.with_name(path.name + "-shm").write_bytes(b"\x01" * 32768)


SEGMENT = "data-00000001.db"
DAMAGES = (header, page, truncated, empty, journal_torn, journal_header, journal_missing,
           shared_memory)  # fmt: skip


def newest(folder: Path) -> Path:
    return max(folder.glob("data-*.db"))


def with_journal(folder: Path, name: str) -> Path:
    """Return a file of the folder that has a journal (the segment last written, for data)."""
    if name == "alarm.db":
        return folder / name
    return max(path for path in folder.glob("data-*.db") if wal(path).exists())


@pytest.mark.parametrize("name", ["alarm.db", "data"])
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda each: each.__name__)
async def test_every_named_damage_costs_at_most_what_is_gone(
    opened: Open, killed: Path, name: str, damage: Callable[[Path], None]
) -> None:
    journal = damage.__name__.startswith(("journal", "shared")) or name == "alarm.db"
    path = with_journal(killed, name) if journal else killed / SEGMENT
    damage(path)
    buffer = await opened(killed)
    await stored(buffer, 7.0)  # before anything was looked at
    found = await all_of(buffer)
    lost = verify_account(found)
    values, skips, codes = told(found)
    assert values.count(7.0) == 2
    assert {skip.reason for skip in skips} <= {SkipReason.CORRUPT}
    stats = await buffer.stats()
    assert (stats.data.readings, stats.alarm.readings) == (0, 0)
    if damage is shared_memory:
        assert (lost, codes) == (0, [])
    elif damage in (header, journal_torn, journal_header) and name == "data":
        assert lost <= 3 * 200, "a header or a tear costs the batches beside it, no more"
    if damage not in (journal_missing, shared_memory) and "BUFFER_SALVAGED" in codes:
        assert "BUFFER_QUARANTINED" in codes
        assert all(kept.found is not None for kept in stats.kept)


async def test_a_header_alone_costs_nothing(opened: Open, killed: Path) -> None:
    header(killed / SEGMENT)
    header(killed / "alarm.db")
    buffer = await opened(killed)
    found = await all_of(buffer)
    assert verify_account(found) == 0
    values, _, codes = told(found)
    assert len([v for v in values if v < 1e6]) == BATCHES * 200
    assert len([v for v in values if v >= 1e6]) == BATCHES // 10
    assert sorted(codes) == ["BUFFER_QUARANTINED"] * 2 + ["BUFFER_SALVAGED"] * 2


async def test_nothing_is_given_up_while_it_may_be_found(opened: Open, killed: Path) -> None:
    header(killed / "data-00000002.db")
    buffer = await opened(killed)
    await stored(buffer, 7.0)
    before = await drain(buffer, Lane.BACKFILL)
    assert told(before)[1] == [], "no skip yet"
    assert await drain(buffer, Lane.LIVE), "others go on"
    assert await drain(buffer, Lane.ALARM)
    await buffer.salvage()
    after = await drain(buffer, Lane.BACKFILL)
    assert told(after)[1] == []
    assert len(told(before + after)[0]) == BATCHES * 200
    assert verify_account(before + after) == 0


async def test_damage_met_while_running_is_salvaged_too(opened: Open, tmp_path: Path) -> None:
    buffer = await opened()
    for number in range(BATCHES):
        buffer.append(DATA, [Reading(0, number + i / 1000, 0, i) for i in range(200)])
        await buffer.seal(DATA)
    for at in (4, 9, 15):
        overwrite(tmp_path / SEGMENT, at * 1024, b"\xee" * 1024)
    found = await all_of(buffer)
    lost = verify_account(found)
    assert 0 < lost <= 20 * 200
    assert await sums_up(buffer) == lost
    assert (tmp_path / "quarantine").is_dir()


async def sums_up(buffer: Buffer) -> int:
    stats = await buffer.stats()
    return stats.drops["corrupt"]


async def test_an_interrupted_salvage_begins_anew_and_doubles_nothing(
    opened: Open, killed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header(killed / SEGMENT)
    header(killed / "alarm.db")
    for steps in (1, 3, 5, 9):
        buffer = await opened(killed)
        await die_after(buffer, steps, monkeypatch)
        monkeypatch.undo()
    buffer = await opened(killed)
    found = await all_of(buffer)
    assert verify_account(found) == 0
    values = [value for value in told(found)[0] if value != 7.0]
    assert len(values) == len(set(values)) == BATCHES * 200 + BATCHES // 10


async def die_after(buffer: Buffer, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Salvage a little, then end as a killed process does."""
    real, left = buffer._salvager._run, [steps]

    async def run(call: Callable[..., object]) -> object:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return await real(call)

    monkeypatch.setattr(buffer._salvager, "_run", run)
    with pytest.raises(KeyboardInterrupt):
        await buffer.salvage()
    await abandon(buffer)


async def test_an_original_is_sent_after_its_skip(opened: Open, tmp_path: Path) -> None:
    buffer = await opened()
    for value in (1.0, 2.0, 3.0):
        await put(buffer, value)
    await buffer.close()
    aside = tmp_path / "elsewhere"
    aside.mkdir()
    (tmp_path / SEGMENT).rename(aside / SEGMENT)
    again = await opened()
    lost = await drain(again, Lane.BACKFILL)
    assert [(s.header.seq0, s.header.n) for s in told(lost)[1]] == [(1, 3)]
    await again.persist()
    await again.close()
    (tmp_path / "quarantine").mkdir()
    (aside / SEGMENT).rename(tmp_path / "quarantine" / f"{SEGMENT}.1")
    third = await opened()
    await third.salvage()
    pending = await third.pending(Lane.BACKFILL, PLENTY)
    assert pending is not None
    assert told([pending])[0] == [1.0, 2.0, 3.0]
    assert pending.stream == lost[0].stream
    assert await third.pending(Lane.BACKFILL, PLENTY) == pending, "until it is answered"
    await abandon(third)
    fourth = await opened()
    pending = await fourth.pending(Lane.BACKFILL, PLENTY)
    assert pending is not None, "a restart has not forgotten"
    await fourth.committed(pending.stream, 3, 3)
    assert await fourth.pending(Lane.BACKFILL, PLENTY) is None
    await fourth.persist()
    assert not (tmp_path / SEGMENT).exists()


async def test_numbers_go_on_when_the_alarm_file_is_lost(opened: Open, killed: Path) -> None:
    numbers: set[int] = set()
    for damage in (header, empty, Path.unlink, header):
        buffer = await opened(killed)
        await stored(buffer, 7.0)
        for stream in (await buffer.stats()).streams:
            if stream.live:
                assert stream.number not in numbers
            numbers.add(stream.number)
        await buffer.close()
        damage(killed / "alarm.db")
        wal(killed / "alarm.db").unlink(missing_ok=True)
    (killed / "highest-stream").unlink()
    buffer = await opened(killed)
    await stored(buffer, 7.0)
    live = [s.number for s in (await buffer.stats()).streams if s.live]
    assert min(live) > 10_000 > max(numbers)


async def test_what_a_lost_journal_had_is_missed(opened: Open, killed: Path) -> None:
    journal_missing(with_journal(killed, "data"))
    buffer = await opened(killed)
    found = await all_of(buffer)
    lost = verify_account(found)
    kept = len([value for value in told(found)[0] if value < 1e6])
    assert lost > 0
    assert kept + lost == PERSISTED * 200, "all that was known when cursors were last persisted"


def made_newer(path: Path, version: int = 99) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version={version}")
    connection.close()


async def test_files_of_a_later_format_are_kept_and_taken_back(
    opened: Open, killed: Path, tmp_path: Path
) -> None:
    for name in ("alarm.db", SEGMENT):
        made_newer(killed / name)
    before = (killed / SEGMENT).read_bytes()
    older = await opened(killed)
    await stored(older, 7.0)
    found = []
    for lane in Lane:
        found += await drain(older, lane)
    codes = told(found)[2]
    assert codes == ["BUFFER_NEWER"] * 2
    assert (killed / "newer" / f"{SEGMENT}.1").read_bytes() == before
    stats = await older.stats()
    assert sorted(kept.file for kept in stats.kept) == ["alarm.db.1", f"{SEGMENT}.1"]
    given = {stream.number for stream in stats.streams} | {stats.streams[-1].number}
    await older.close()
    for path in (killed / "newer").glob("*.1"):
        made_newer(path, 2)  # what a program that knows the format finds
    newer = await opened(killed)
    await stored(newer, 8.0)
    found += await all_of(newer)
    assert not list((killed / "newer").glob("*.db*"))
    values = told(found)[0]
    assert len([v for v in values if v < 1e6 and v not in (7.0, 8.0)]) >= BATCHES * 200
    assert sorted(v for v in values if v >= 1e6) == [1e6 + n for n in range(0, BATCHES, 10)]
    assert not given & {s.number for s in (await newer.stats()).streams if s.live}


async def test_few_damaged_files_are_kept(opened: Open, tmp_path: Path) -> None:
    codes: list[str] = []
    for _ in range(11):
        buffer = await opened()
        await put(buffer, 1.0)
        await buffer.close()
        header(newest(tmp_path))
        buffer = await opened()
        codes += told(await all_of(buffer))[2]
        await buffer.close()
    assert codes.count("BUFFER_QUARANTINE_TRIMMED") == 3
    assert len(list((tmp_path / "quarantine").glob("*.db.*[0-9]"))) == 8
    await settle()


async def test_a_segment_of_another_card_is_not_mixed_with_ours(
    opened: Open, tmp_path: Path
) -> None:
    """Both cards have a stream of the same number."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder, value in ((ours, 1.0), (theirs, 100.0)):
        buffer = await opened(folder)
        for n in range(3):
            await put(buffer, value + n)
        await buffer.close()
    shutil.copy(theirs / "data-00000001.db", ours / "data-00000002.db")
    buffer = await opened(ours)
    await buffer.salvage()
    values, skips, _ = told(await drain(buffer, Lane.BACKFILL))
    assert (values, skips) == ([1.0, 2.0, 3.0], [])
    await settle()
    await buffer.seal(ALARM)
    codes = told(await drain(buffer, Lane.ALARM))[2]
    assert codes == ["BUFFER_QUARANTINED", "BUFFER_SALVAGED"]
    assert (ours / "quarantine" / "data-00000002.db.1").exists()


async def test_a_thinned_segment_that_was_salvaged_is_still_known_as_thinned(
    opened: Open, tmp_path: Path
) -> None:
    folder = tmp_path / "thin"
    buffer = await opened(folder)
    clock = buffer._clock
    assert isinstance(clock, FakeClock)
    for second in range(10):
        buffer.append(DATA, [Reading(0, second + n / 7, 0, clock.mono()) for n in range(200)])
        await buffer.seal(DATA)
        clock.time += SECOND
    store = buffer._store
    await buffer._run(store.holdings.folder.retire)
    thin = Rewriting(store.holdings, store.housekeeping, "data-00000001.db")
    while await buffer._run(thin.step):
        pass
    await buffer._run(thin.finish)
    thinned = (await buffer.stats()).drops["thinned"]
    assert 0 < thinned < 10 * 200
    await buffer.close()
    path = folder / "data-00000001.db"
    path.write_bytes(b"\0" * 100 + path.read_bytes()[100:])
    again = await opened(folder)
    await again.salvage()
    assert await again._run(again._store.quota.make_room_at_once)
    assert (await again.stats()).drops == {"quota": 10 * 200 - thinned}, "the rest was told before"
