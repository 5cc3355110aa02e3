"""Room that others take: a small disk of our own, filled by somebody else.

Needs root, for a tmpfs of its own; skipped by name otherwise.
"""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from edge.buffer import Buffer
from edge.buffer.ballast import BALLAST, Ballast, ballast_size
from edge.config import BufferSettings
from protocols.wire.batch import SkipReason
from protocols.words import Event, Lane, Reading, StreamKind
from tests.edge.buffer_suite import ALARM, DATA, ORIGIN
from tests.edge.test_buffer_files import drain, told
from tests.fakes import FakeClock
from tests.small_disk import small_disk

DISK = 12 * 1024 * 1024
KIB = 1024


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", DISK) as place:
        yield place


@pytest.fixture
async def buffer(disk: Path) -> AsyncIterator[Buffer]:
    settings = BufferSettings(folder=disk / "buffer", segment_bytes=256 * KIB)
    made = await Buffer.open(settings, ORIGIN, FakeClock())
    await made.relieve()
    yield made
    await made.close()


def free(disk: Path) -> int:
    found = os.statvfs(disk)
    return found.f_bavail * found.f_frsize


def fill(disk: Path, leave: int) -> None:
    """Somebody else takes all but `leave` bytes."""
    with (disk / "theirs").open("ab") as file:
        os.posix_fallocate(file.fileno(), file.seek(0, 2), max(0, free(disk) - leave))


async def readings(buffer: Buffer, batches: int, start: int = 0) -> int:
    for i in range(start, start + batches):
        buffer.append(DATA, [Reading(n % 2, i + n / 7, 0, n) for n in range(400)])
        await buffer.seal(DATA)
    return batches * 400


def alarm(number: int) -> list[Event]:
    return [Event("DEVICE_RETURNED", "x" * 900, number)]


def test_the_ballast_is_really_there(tmp_path: Path) -> None:
    ballast = Ballast(tmp_path)
    assert ballast.make(300_000)
    found = (tmp_path / BALLAST).stat()
    assert (found.st_size, found.st_blocks * 512 >= 300_000) == (300_000, True)
    assert Ballast(tmp_path).bytes == 300_000, "found again by the next process"
    assert ballast.release()
    assert not (tmp_path / BALLAST).exists()
    assert not ballast.release()


def test_half_a_ballast_counts_as_none(tmp_path: Path) -> None:
    with (tmp_path / BALLAST).open("wb") as file:
        file.truncate(1 << 20)  # a hole
    ballast = Ballast(tmp_path)
    assert ballast.bytes == 0
    assert ballast.make(4096)
    assert (tmp_path / BALLAST).stat().st_size == 4096


def test_a_small_quota_has_a_small_ballast() -> None:
    assert ballast_size(1 << 40) == 16 * 1024 * 1024
    assert ballast_size(1 << 20) == 1 << 16


async def test_the_quota_follows_what_others_leave(buffer: Buffer, disk: Path) -> None:
    before = (await buffer.stats()).quota_bytes
    assert DISK * 0.7 < before < DISK * 0.8
    fill(disk, leave=free(disk) // 2)
    await buffer.relieve()
    after = (await buffer.stats()).quota_bytes
    assert after == pytest.approx(before / 2, rel=0.2)


async def test_a_disk_that_others_fill_keeps_every_alarm(buffer: Buffer, disk: Path) -> None:
    """Routine data gives way first, and is accounted for; alarms go on into the last bytes."""
    total = await readings(buffer, 300)
    fill(disk, leave=0)
    stored = 0
    for number in range(200):
        done = buffer.append(ALARM, alarm(number))
        await buffer.seal(ALARM)
        assert done.done()
        stored += 1
    values, skips, _ = told([*await drain(buffer, Lane.LIVE), *await drain(buffer, Lane.BACKFILL)])
    lost = sum(skip.header.n for skip in skips)
    assert len(values) + lost == total
    assert {skip.reason for skip in skips} <= {SkipReason.QUOTA}
    _, alarm_skips, codes = told(await drain(buffer, Lane.ALARM))
    assert codes.count("DEVICE_RETURNED") == stored
    assert not alarm_skips


async def test_the_reserve_is_for_alarms(buffer: Buffer, disk: Path) -> None:
    await readings(buffer, 3)
    quota = buffer._store.quota
    fill(disk, leave=await buffer._run(quota.reserve) // 2)
    assert not await buffer._run(quota.has_room, DATA)
    assert await buffer._run(quota.has_room, ALARM)
    assert (await buffer.stats()).room.short


async def test_the_ballast_is_made_again_when_there_is_room(buffer: Buffer, disk: Path) -> None:
    quota = buffer._store.quota
    held = quota.ballast.bytes
    assert held > 0
    fill(disk, leave=0)
    assert await buffer._run(quota.make_room_at_once)
    assert quota.ballast.bytes == 0
    await buffer.relieve()
    assert quota.ballast.bytes == 0, "not while there is no room"
    (disk / "theirs").unlink()
    await buffer.relieve()
    assert quota.ballast.bytes == pytest.approx(held, rel=0.2)


async def test_routine_data_goes_on_when_others_leave_again(buffer: Buffer, disk: Path) -> None:
    await readings(buffer, 100)
    fill(disk, leave=0)
    await buffer.relieve()
    (disk / "theirs").unlink()
    await buffer.relieve()
    assert await buffer._run(buffer._store.quota.has_room, DATA)
    done = buffer.append(StreamKind.DATA, [Reading(0, 1.0, 0, 0)])
    await buffer.seal(DATA)
    await done
