"""A process with nothing but a buffer in it, for measuring: writes, stands still, or is drained.

python -m tests.bench.buffer_child write|stand|drain FOLDER [SECONDS]

Says `ready` on its output when it stands where its figures count, and waits for a line in between.
"""

import asyncio
import sys
from pathlib import Path

from edge.buffer import Budget, Buffer, Origin
from edge.config import BufferSettings
from edge.pace import MOST, RAW_BYTES
from protocols.clock import SystemClock
from protocols.words import Lane, Purpose, Reading, StreamKind
from tests.bench.walk import CYCLE, POINTS, scans

BUDGET = Budget(batches=MOST, bytes=RAW_BYTES)
"""The most that one request of the uplink carries."""
QUOTA = 1 << 40

ORIGIN = Origin(
    gateway="gw-bench",
    boot="ab" * 16,
    purpose=Purpose.TEST,
    manifest=b"{}",
    manifest_digest="44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    decimals=(2,) * POINTS,
)


def stop_here() -> None:
    """Say that the figures count now, and wait to be told to go on."""
    print("ready", flush=True)
    sys.stdin.readline()


async def write(buffer: Buffer, seconds: int) -> None:
    """Append a scan of all points each second, as a poller does."""
    clock, table = SystemClock(), scans(POINTS, 7)
    stop_here()
    loop = asyncio.get_running_loop()
    start = loop.time()
    for second in range(seconds):
        await asyncio.sleep(max(0.0, start + second - loop.time()))
        values, now = table[second % CYCLE], clock.mono()
        items = [Reading(point, value, 0, now) for point, value in enumerate(values)]
        await asyncio.shield(buffer.append(StreamKind.DATA, items))
    await buffer.persist()
    stop_here()


async def drain(buffer: Buffer) -> None:
    """Read through everything as an uplink does, with each answer applied."""
    while (pending := await buffer.pending(Lane.BACKFILL, BUDGET)) is not None:
        await buffer.committed(pending.stream, pending.last, pending.last)
    stop_here()


async def main() -> None:
    what, folder, *rest = sys.argv[1:]
    settings = BufferSettings(folder=Path(folder), quota_bytes=QUOTA)
    buffer = await Buffer.open(settings, ORIGIN, SystemClock())
    running = asyncio.create_task(buffer.run())
    if what == "write":
        await write(buffer, int(rest[0]))
    else:
        await buffer.stats()
        stop_here()
        if what == "drain":
            await drain(buffer)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await buffer.close()


if __name__ == "__main__":
    asyncio.run(main())
