"""What ten minutes in memory cost, and what a slow card costs alarms and sampling.

The second needs root (nbdkit delays every write of a real file system); else a reason is printed.
"""

import asyncio
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from edge.buffer import Budget, Buffer
from edge.config import BufferSettings
from protocols.clock import SystemClock, real_monotonic
from protocols.words import Lane, Reading, StreamKind
from tests.bench.buffer_child import ORIGIN
from tests.bench.gateway_memory import vmrss_mb
from tests.bench.walk import CYCLE, POINTS, scans
from tests.fakes import FakeClock
from tests.faults.block_medium import BlockMedium, impossible, run

MINUTES: Final = 10
RATE: Final = 1000
DELAYS_MS: Final = (0, 20, 100)
SLOW_SECONDS: Final = 20.0
TICK: Final = 0.02


def measure() -> Iterator[dict[str, object]]:
    """Yield the memory of ten minutes, then what delays of each length do."""
    child = [sys.executable, "-m", "tests.bench.lifeboat"]
    for samples in (1, 50, RATE):
        said = subprocess.run([*child, str(samples)], check=True, capture_output=True, text=True)
        held, more = said.stdout.split()[-2:]
        yield {
            "name": f"lifeboat.memory.{samples}_samples_a_second",
            "readings": MINUTES * 60 * RATE,
            "lifeboat_mb": round(int(held) / 1e6, 2),
            "vmrss_delta_mb": float(more),
        }
    reason = impossible()
    if reason:
        yield {"name": "lifeboat.slow", "skipped": reason}
        return
    for delay in DELAYS_MS:
        with tempfile.TemporaryDirectory(prefix="bench-") as work, SlowMedium(Path(work)) as slow:
            slow.delay(delay)
            yield {"name": f"lifeboat.slow.write_{delay}ms"} | asyncio.run(live_on(slow.folder))


class SlowMedium(BlockMedium):
    """Every write of the file system takes so much longer, from `delay` on."""

    def delay(self, milliseconds: int) -> None:
        """Take the disk away and bring it back slow."""
        run("umount", self.folder)
        self.close()
        self._socket.unlink(missing_ok=True)
        self._server = self._start(
            "nbdkit", "-f", "-U", self._socket, "--filter=delay", "file", self._image,
            f"wdelay={milliseconds}ms",
        )  # fmt: skip
        self._until(self._socket.exists, "nbdkit listens")
        disk = self._export / "disk"
        self._bridge = self._start("nbdfuse", disk, "--unix", self._socket)
        self._until(disk.exists, "nbdfuse shows the disk")
        self._loop = run("losetup", "-f", "--show", disk).strip()
        run("mount", "-o", "noatime", self._loop, self.folder)


class Plant:
    """A hundred points, each sampled ten times a second; `take` gives the next readings."""

    def __init__(self) -> None:
        self._table = scans(POINTS, 7)
        self._next = 0

    def take(self, count: int, now: int) -> list[Reading]:
        """Return the next `count` readings, sampled at `now`."""
        numbers = range(self._next, self._next + count)
        self._next += count
        table = self._table
        return [
            Reading(n % POINTS, table[n // POINTS % CYCLE][n % POINTS], 0, now) for n in numbers
        ]


async def live_on(folder: Path) -> Mapping[str, object]:
    """Take in readings and alarms as a gateway does; return how long alarms and the loop waited."""
    settings = BufferSettings(folder=folder / "buffer", quota_bytes=64 << 20)
    buffer = await Buffer.open(settings, ORIGIN, SystemClock())
    keeping = asyncio.create_task(buffer.run())
    waits: list[float] = []
    lags: list[float] = []
    alarms: set[asyncio.Task[None]] = set()

    async def alarm() -> None:
        began = real_monotonic()
        await asyncio.shield(buffer.append(StreamKind.ALARM, [Reading(0, 1.0, 0, 0)]))
        waits.append(real_monotonic() - began)

    plant, clock = Plant(), SystemClock()
    end, turn = real_monotonic() + SLOW_SECONDS, 0
    while real_monotonic() < end:
        began = real_monotonic()
        buffer.append(StreamKind.DATA, plant.take(int(RATE * TICK), clock.mono()))
        if turn % 25 == 0:
            alarms.add(asyncio.create_task(alarm()))
        await asyncio.sleep(TICK)
        lags.append(real_monotonic() - began - TICK)
        turn += 1
    await asyncio.gather(*alarms)
    stats = await buffer.stats()
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    await buffer.close()
    ordered = sorted(waits)
    return {
        "alarms": len(ordered),
        "alarm_p50_ms": round(1000 * statistics.median(ordered), 1),
        "alarm_p99_ms": round(1000 * ordered[int(len(ordered) * 0.99) - 1], 1),
        "alarm_max_ms": round(1000 * ordered[-1], 1),
        "loop_lag_max_ms": round(1000 * max(lags), 1),
        "readings_a_commit": round(stats.data.readings / max(1, stats.data.batches)),
        "given_up": sum(stats.drops.values()),
    }


async def fill(samples: int) -> None:
    """Hold ten minutes in a lifeboat, in so many samples a second; print what that takes."""
    with tempfile.TemporaryDirectory(prefix="bench-") as work:
        blocked = Path(work) / "buffer"
        blocked.write_text("in the way")
        clock, plant = FakeClock(), Plant()
        buffer = await Buffer.open(BufferSettings(folder=blocked), ORIGIN, clock)
        await buffer.seal(StreamKind.ALARM)
        before = vmrss_mb("self")
        for _ in range(MINUTES * 60):
            for _ in range(samples):
                clock.time += 1_000_000 // samples
                buffer.append(StreamKind.DATA, plant.take(RATE // samples, clock.time))
            await buffer.seal(StreamKind.DATA)
        stats = await buffer.stats()
        print(stats.memory_bytes, round(vmrss_mb("self") - before, 2))
        assert stats.data.readings == MINUTES * 60 * RATE
        assert await buffer.pending(Lane.LIVE, Budget(batches=1, bytes=1))


if __name__ == "__main__":
    asyncio.run(fill(int(sys.argv[1])))
