"""What the buffer costs: bytes written a reading, readings a gigabyte, memory of a backlog."""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from edge.buffer import Buffer
from edge.config import BufferSettings
from protocols.clock import SystemClock, real_monotonic
from protocols.words import Event, StreamKind
from tests.bench.backlog import build_backlog
from tests.bench.buffer_child import ORIGIN
from tests.bench.gateway_memory import vmrss_mb
from tests.bench.walk import POINTS

ROOT: Final = Path(__file__).resolve().parents[2]
PLACE: Final = ROOT / "var"
"""On a disk: what goes to memory (tmpfs) is not counted as written."""
WRITING: Final = 120
"""Seconds at 100 readings each, at least: several checkpoints of the journal."""
DENSITY: Final = 1_000_000
BACKLOG: Final = 10_000_000
SEGMENT: Final = 1 << 20


class Child:
    """A process with a buffer; `ready` waits for it, `go_on` lets it."""

    def __init__(self, what: str, folder: Path, *more: str) -> None:
        command = [sys.executable, "-m", "tests.bench.buffer_child", what, str(folder), *more]
        self.process = subprocess.Popen(
            command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def ready(self) -> None:
        """Wait until it stands where its figures count. Raises RuntimeError when it died."""
        assert self.process.stdout is not None
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError(f"the measured process ended with {self.process.wait()}")

    def go_on(self) -> None:
        """Let it go on."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def written(self) -> int:
        """Return the bytes it had written to a disk."""
        for line in Path(f"/proc/{self.process.pid}/io").read_text().splitlines():
            if line.startswith("write_bytes:"):
                return int(line.split()[1])
        raise RuntimeError("the system does not tell what a process wrote")

    def memory(self) -> float:
        """Return its resident megabytes."""
        return vmrss_mb(self.process.pid)

    def end(self) -> None:
        """See it end."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        self.process.terminate()
        self.process.wait()


@contextmanager
def child(what: str, folder: Path, *more: str) -> Iterator[Child]:
    """Start one, wait for it, end it."""
    made = Child(what, folder, *more)
    try:
        made.ready()
        yield made
    finally:
        made.end()


@contextmanager
def place() -> Iterator[Path]:
    """Give a folder on the disk."""
    PLACE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=PLACE) as folder:
        yield Path(folder)


def disk(seconds: int) -> dict[str, object]:
    """Measure what reaches the disk for each reading at 100 readings a second."""
    with place() as folder, child("write", folder, str(seconds)) as made:
        before = made.written()
        made.go_on()
        made.ready()
        written = made.written() - before
    readings = seconds * POINTS
    return {
        "name": "buffer.disk",
        "write_bytes_per_reading": round(written / readings, 1),
        "readings_per_second": POINTS,
        "seconds": seconds,
    }


def density(per_batch: int) -> dict[str, object]:
    """Measure how many readings a gigabyte of files holds."""
    with place() as folder:
        size = build_backlog(folder / "b", DENSITY, per_batch, POINTS, ORIGIN, SystemClock())
    return {
        "name": f"buffer.density.{per_batch}",
        "million_readings_per_gb": round(DENSITY / size * 1e9 / 1e6, 1),
        "bytes_per_reading": round(size / DENSITY, 2),
        "readings": DENSITY,
    }


def memory(readings: int) -> Iterator[dict[str, object]]:
    """Measure what a standing backlog adds to a process, and what reading through it does."""
    with place() as folder:
        with child("stand", folder / "empty") as made:
            empty = made.memory()
        build_backlog(folder / "full", readings, 100, POINTS, ORIGIN, SystemClock())
        with child("drain", folder / "full") as made:
            standing = made.memory()
            made.go_on()
            made.ready()
            drained = peak_mb(made.process.pid)
    yield {
        "name": "buffer.memory",
        "added_mb": round(standing - empty, 2),
        "empty_mb": round(empty, 1),
        "readings": readings,
    }
    yield {
        "name": "buffer.memory.drain",
        "peak_added_mb": round(drained - empty, 2),
        "readings": readings,
    }


async def alarms_beside_thinning(folder: Path, quota: int, readings: int) -> dict[str, object]:
    """Thin and drop a backlog down to half its size, and seal an alarm every 20 ms meanwhile."""
    settings = BufferSettings(folder=folder, quota_bytes=quota, segment_bytes=SEGMENT)
    buffer = await Buffer.open(settings, ORIGIN, SystemClock())
    relieving, waits = asyncio.create_task(buffer.relieve()), list[float]()
    started = real_monotonic()
    while not relieving.done():
        begun = real_monotonic()
        buffer.append(StreamKind.ALARM, [Event("DEVICE_RETURNED", "d", 0)])
        await buffer.seal(StreamKind.ALARM)
        waits.append(1000 * (real_monotonic() - begun))
        await asyncio.sleep(0.02)
    took = real_monotonic() - started
    await relieving
    drops = (await buffer.stats()).drops
    await buffer.close()
    return {
        "name": "buffer.alarm_beside_thinning",
        "seal_ms_p50": round(sorted(waits)[len(waits) // 2], 1),
        "seal_ms_p99": round(sorted(waits)[int(len(waits) * 0.99)], 1),
        "seal_ms_most": round(max(waits), 1),
        "alarms": len(waits),
        "seconds": round(took, 1),
        "drops": drops,
        "readings": readings,
    }


def thinning(readings: int) -> dict[str, object]:
    """Measure how long an alarm waits beside it."""
    with place() as folder:
        place_of, clock = folder / "b", SystemClock()
        size = build_backlog(place_of, readings, 100, POINTS, ORIGIN, clock, segment=SEGMENT)
        return asyncio.run(alarms_beside_thinning(place_of, size // 2, readings))


def peak_mb(pid: int) -> float:
    """Return the most a process was ever resident (VmHWM), in megabytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError(f"process {pid} has no VmHWM")


def measure(seconds: float) -> Iterator[dict[str, object]]:
    """Yield every figure; `seconds` of writing, 120 at least."""
    yield thinning(DENSITY)
    yield density(100)
    yield density(1000)
    yield from memory(BACKLOG)
    yield disk(max(WRITING, int(seconds)))
