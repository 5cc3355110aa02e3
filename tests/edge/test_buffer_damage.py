"""A medium that lies, loses and refuses: the buffer starts, goes on, and says what was lost."""

import asyncio
import random
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from edge.buffer import Buffer, Pending
from edge.config import BufferSettings
from protocols.errors import BufferDamaged
from protocols.wire.batch import SkipReason
from protocols.words import Lane
from tests.edge.buffer_suite import ALARM, DATA, ORIGIN, put, readings
from tests.edge.test_buffer import abandon
from tests.edge.test_buffer_files import drain, many, told
from tests.fakes import FakeClock, settle

Open = Callable[..., Awaitable[Buffer]]


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


def spoil(file: Path, dice: random.Random) -> None:
    """Do to a file what a dying card does."""
    data = bytearray(file.read_bytes())
    page = dice.randrange(len(data) // 1024) * 1024
    match dice.choice(("zeros", "noise", "bits", "cut")):
        case "zeros":
            data[page : page + 1024] = bytes(1024)
        case "noise":
            data[page : page + 1024] = dice.randbytes(1024)
        case "bits":
            for _ in range(40):
                data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        case _:
            del data[page + 100 :]
    file.write_bytes(data)


async def test_whatever_is_spoilt_the_buffer_starts_stores_and_drains(
    opened: Open, tmp_path: Path
) -> None:
    sound, spoilt = tmp_path / "sound", tmp_path / "spoilt"
    buffer = await opened(sound)
    await many(buffer, 40)
    await put(buffer, 1.0, kind=ALARM)
    await buffer.close()
    for seed in range(24):
        shutil.rmtree(spoilt, ignore_errors=True)
        shutil.copytree(sound, spoilt)
        dice = random.Random(seed)
        spoil(dice.choice(sorted(spoilt.glob("*.db"))), dice)
        again = await opened(spoilt)
        await stored(again, 7.0)
        await all_of(again)
        stats = await again.stats()
        assert (stats.data.readings, stats.alarm.readings) == (0, 0), seed
        await again.close()


async def stored(buffer: Buffer, value: float) -> None:
    """Store in both lanes; damage is met at most once, and then is out of the way."""
    for kind in (DATA, ALARM):
        done = buffer.append(kind, readings(value))
        try:
            await buffer.seal(kind)
        except BufferDamaged:
            await buffer.seal(kind)
        await done


async def drained(buffer: Buffer, lane: Lane) -> list[Pending]:
    try:
        return await drain(buffer, lane)
    except BufferDamaged:
        return await drain(buffer, lane)


async def all_of(buffer: Buffer) -> list[Pending]:
    """Drain every lane, salvage what was damaged (reading may show more of it), drain the rest."""
    found: list[Pending] = []
    for _ in range(4):
        for lane in Lane:
            found += await drained(buffer, lane)
        await buffer.salvage()
        await settle()
        await buffer.seal(ALARM)
    return found


def unlink_all(folder: Path) -> None:
    for file in folder.glob("*.db*"):
        file.unlink()


async def test_deleted_files_are_noticed_and_accounted_for(opened: Open, tmp_path: Path) -> None:
    buffer = await opened()
    await put(buffer, 1.0)
    await put(buffer, 2.0, kind=ALARM)
    unlink_all(tmp_path)
    await stored(buffer, 3.0)
    await abandon(buffer)
    again = await opened()
    values, skips, _ = told(await drain(again, Lane.BACKFILL))
    alarms, lost, codes = told(await drain(again, Lane.ALARM))
    assert (values, alarms) == ([3.0], [3.0])
    assert [(s.reason, s.header.n) for s in skips + lost] == [(SkipReason.CORRUPT, 1)] * 2
    await again.close()
    assert set(codes) == {"BUFFER_GONE"}


async def test_a_deleted_folder_is_made_again(opened: Open, tmp_path: Path) -> None:
    folder = tmp_path / "buffer"
    buffer = await opened(folder)
    await stored(buffer, 1.0)
    shutil.rmtree(folder)
    await stored(buffer, 2.0)
    assert (folder / "alarm.db").exists()
    rest = [found for lane in (Lane.LIVE, Lane.BACKFILL) for found in await drain(buffer, lane)]
    values, skips, _ = told(rest)
    assert values == [2.0]
    assert sum(skip.header.n for skip in skips) == 1


async def test_an_error_of_the_system_is_the_buffers_own(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    buffer = await opened()

    def refuse() -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(buffer._store.holdings.folder, "total", refuse)
    stats = await buffer.stats()
    assert (stats.failing, stats.medium) == ("BUFFER_IO", "memory")
    monkeypatch.undo()
    assert await buffer.recover()
    assert (await buffer.stats()).failing is None


async def test_two_who_relieve_at_once_count_a_loss_once(opened: Open) -> None:
    buffer = await opened(quota=256 * 1024)
    await many(buffer, 400)
    await asyncio.gather(*(buffer.relieve() for _ in range(3)))
    stats = await buffer.stats()
    _, skips, _ = told(await drain(buffer, Lane.LIVE))
    numbers = Counter(
        seq for skip in skips for seq in range(skip.header.seq0, skip.header.last + 1)
    )
    assert stats.drops["thinned"] + stats.drops.get("quota", 0) == len(numbers)
    assert max(numbers.values()) == 1
