"""Makes the files a released version leaves behind, with what must come out of them.

`python -m tests.edge.buffer_fixture tests/testcases/buffer/v2` writes a folder of real files as a
killed process leaves them (journals not folded in) and `expected.json` with every batch that is
still to be delivered. Run it once for each version of the files, with the code of that version,
and never again: later versions must go on reading what stands there.
"""

import asyncio
import hashlib
import json
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge.buffer import Budget, Buffer
from edge.config import BufferSettings
from protocols.wire.batch import EventsBatch, ReadingsBatch, decode_batch
from protocols.words import Event, Lane, Reading, StreamKind
from tests.edge.buffer_suite import ALARM, DATA, ORIGIN, PLENTY
from tests.fakes import FakeClock

SEGMENT = 40_000
SECOND_BOOT = replace(ORIGIN, boot="cd" * 16)
DRAIN = (Lane.ALARM, Lane.LIVE, Lane.BACKFILL)


def settings(folder: Path) -> BufferSettings:
    return BufferSettings(folder=folder, quota_bytes=1 << 30, segment_bytes=SEGMENT)


async def store(buffer: Buffer, kind: StreamKind, items: Sequence[Reading]) -> None:
    done = buffer.append(kind, items)
    await buffer.seal(kind)
    await done


async def store_events(buffer: Buffer, *items: Event) -> None:
    done = buffer.append(ALARM, items)
    await buffer.seal(ALARM)
    await done


def batch(number: int) -> list[Reading]:
    """Return readings of all sorts: scaled, whole, truth, text, none; in quality and without."""
    made = [Reading(0, round(number + i / 100, 2), 0, i * 1000) for i in range(90)]
    made += [Reading(1, number * 1000 + i, 0, i * 1000) for i in range(30)]
    made += [Reading(2, f"{number}: 液位正常", 0, 5), Reading(2, f"tank {number}", 0, 6)]
    made += [Reading(0, None, 0x808A0000, 95_000), Reading(1, number % 2 == 0, 0, 96_000)]
    return made


async def first_process(folder: Path) -> None:
    """Fill two segments; the collector has some of it, part of that safely."""
    buffer = await Buffer.open(settings(folder), ORIGIN, FakeClock())
    for number in range(12):
        await store(buffer, DATA, batch(number))
    await store(buffer, ALARM, [Reading(0, 99.5, 0, 0)])
    await store_events(buffer, Event("DEVICE_RETURNED", "tk-101", 7, (("device", "tk-101"),)))
    pending = await buffer.pending(Lane.LIVE, Budget(batches=3, bytes=1 << 20))
    assert pending is not None
    await buffer.committed(pending.stream, pending.last, 124)
    await buffer.close()


def spoil(folder: Path) -> None:
    """Flip a byte of the sixth batch, so that a skip must stand for it."""
    with sqlite3.connect(sorted(folder.glob("data-*.db"))[0]) as connection:
        at, data = connection.execute("SELECT key, bytes FROM batch ORDER BY key").fetchall()[5]
        data = bytes([data[0] ^ 1]) + data[1:]
        connection.execute("UPDATE batch SET bytes=? WHERE key=?", (data, at))
    connection.close()


async def second_process(folder: Path, copy: Path) -> None:
    """Go on in another stream, meet the spoilt batch, and be killed."""
    buffer = await Buffer.open(settings(folder), SECOND_BOOT, FakeClock(1_700_000_600_000_000))
    await buffer.meet("incarnation-1")
    for _ in range(2):
        pending = await buffer.pending(Lane.BACKFILL, Budget(batches=1, bytes=1))
        assert pending is not None
        await buffer.committed(pending.stream, pending.last, 124)
    await buffer.pending(Lane.BACKFILL, PLENTY)
    await store(buffer, DATA, batch(100))
    await store(buffer, ALARM, [Reading(1, True, 0, 0)])
    await buffer.rotate(DATA)
    await store(buffer, DATA, batch(101))
    await buffer.persist()
    shutil.copytree(folder, copy)
    await buffer.close()


def shown(data: bytes) -> dict[str, Any]:
    """Return what a batch says, so that the expectation can be read by people too."""
    found = decode_batch(data)
    header = found.header
    told: dict[str, Any] = {
        "number": header.number,
        "seq0": header.seq0,
        "n": header.n,
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    if isinstance(found, ReadingsBatch):
        points, values = list(found.points), list(found.values)
        return told | {"first": [points[0], values[0]], "last": [points[-1], values[-1]]}
    if isinstance(found, EventsBatch):
        return told | {"events": [event.code for event in found.events]}
    return told | {"skip": found.reason.name}


async def contents(folder: Path) -> list[dict[str, Any]]:
    """Drain the folder to the end; return what came out, stream by stream."""
    buffer = await Buffer.open(settings(folder), ORIGIN, FakeClock(1_700_001_000_000_000))
    found = []
    for lane in DRAIN:
        while (pending := await buffer.pending(lane, PLENTY)) is not None:
            head = None if pending.head is None else pending.head.hex()
            found.append(
                {
                    "stream": pending.stream,
                    "lane": lane.name,
                    "head": head,
                    "manifest": (await buffer.manifest(pending.manifest) or b"").decode(),
                    "batches": [shown(data) for data in pending.batches],
                }
            )
            await buffer.committed(pending.stream, pending.last, pending.last)
    await buffer.close()
    return found


async def make(target: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        work, copy = Path(scratch) / "work", Path(scratch) / "copy"
        await first_process(work)
        spoil(work)
        await second_process(work, target)
        shutil.copytree(target, copy)
        expected = await contents(copy)
    text = json.dumps(expected, ensure_ascii=False, indent=1)
    (target / "expected.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(make(Path(sys.argv[1])))
