"""What the machine itself gives meanwhile: its disk, its interpreter, what others take of it.

Times of a run mean nothing without these: no acknowledgement is sooner than the disk's own. The
last three are how another machine's figures are known beside (decision 030).
"""

import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

SYNCS: Final = 400
BLOCK: Final = 8 << 10
STEPS: Final = 2_000_000
DIGESTED: Final = 16 << 20
CALLS: Final = 100_000
STEAL: Final = 7
"""Which figure of the first line of /proc/stat is what the host gave to others."""


class Machine:
    """Measures at its making and at `figure`; what was stolen is of the time between."""

    def __init__(self) -> None:
        self._before = _ticks()

    def figure(self, when: str) -> dict[str, Any]:
        """Return ms of fdatasync and of two million additions, percent stolen, and the rest."""
        now = _ticks()
        passed = [after - before for before, after in zip(self._before, now, strict=True)]
        self._before = now
        syncs = _syncs()
        return {
            "name": f"central.machine.{when}",
            "fdatasync_p50_ms": syncs[SYNCS // 2],
            "fdatasync_p99_ms": syncs[SYNCS * 99 // 100],
            "stolen_percent": round(100 * passed[STEAL] / max(1, sum(passed)), 1),
            "loop_ms": round(_least(_loop) * 1e3, 1),
            "sha256_gb_per_s": round(DIGESTED / _least(_digest) / 1e9, 2),
            "syscall_us": round(_least(_call) / CALLS * 1e6, 3),
        }


def _ticks() -> list[int]:
    return list(map(int, Path("/proc/stat").read_text().splitlines()[0].split()[1:]))


def _syncs() -> list[float]:
    taken = []
    with tempfile.TemporaryFile() as file:
        for nth in range(SYNCS):
            os.pwrite(file.fileno(), bytes(BLOCK), nth * BLOCK)
            begun = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append(round((time.perf_counter() - begun) * 1e3, 3))
    return sorted(taken)


def _least(work: Callable[[], None]) -> float:
    """Return the CPU seconds of the shortest of three."""
    taken = []
    for _ in range(3):
        begun = time.process_time()
        work()
        taken.append(time.process_time() - begun)
    return min(taken)


def _loop() -> None:
    total = 0
    for step in range(STEPS):
        total += step


def _digest() -> None:
    hashlib.sha256(bytes(DIGESTED)).digest()


def _call() -> None:
    for _ in range(CALLS):
        os.getppid()
