"""Serves the truth of one gateway over Modbus TCP, and writes down every read it answered.

`python -m tests.gauntlet.plant GATEWAY LOG` prints the port it listens on. The log is what was
measured: the judge asks for each of its lines in the store.
"""

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import numpy as np

from protocols.clock import SystemClock
from protocols.modbus.simulator import Simulator
from tests.gauntlet.layout import DEVICES, PER_DEVICE, PER_GATEWAY
from tests.gauntlet.truth import value_at

READ = np.dtype([("time", "<i8"), ("point", "<i4"), ("count", "<i4")])
"""A block that was answered: when (µs UTC), its first point, how many."""
READ_HOLDING = 3
ILLEGAL = b"\x83\x02"
FLUSH_EVERY = 64


class CountedPlant(Simulator):
    """Devices 1 to DEVICES, each with PER_DEVICE unsigned 32-bit values from address 0."""

    def __init__(self, gateway: int, log: Path) -> None:
        super().__init__([], lambda *_: None, SystemClock())
        self._first = gateway * PER_GATEWAY
        self._now = SystemClock().now
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._reads: list[tuple[int, int, int]] = []

    def answer(self, body: bytes) -> tuple[bytes, float] | None:
        """Answer a read of whole values with what they are at this moment."""
        device, start, cells = body[0], *np.frombuffer(body, ">u2", 2, 2).tolist()
        if not 1 <= device <= DEVICES or body[1] != READ_HOLDING:
            return None
        if start % 2 or cells % 2 or start + cells > 2 * PER_DEVICE:
            return body[:1] + ILLEGAL, 0.0
        now, point = self._now(), self._first + (device - 1) * PER_DEVICE + start // 2
        values = value_at(point, now) + np.arange(cells // 2, dtype=np.int64)
        self._note(now, point, cells // 2)
        return body[:2] + bytes([2 * cells]) + values.astype(">u4").tobytes(), 0.0

    def _note(self, now: int, point: int, count: int) -> None:
        self._reads.append((now, point, count))
        if len(self._reads) >= FLUSH_EVERY:
            self.flush()

    def flush(self) -> None:
        """Write down what was served."""
        os.write(self._log, np.array(self._reads, dtype=READ).tobytes())
        self._reads = []


async def run(gateway: int, log: Path) -> None:
    plant = CountedPlant(gateway, log)
    await plant.listen("127.0.0.1", 0, "tcp")
    print(plant.port, flush=True)
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    await over.wait()
    await plant.close()
    plant.flush()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(int(sys.argv[1]), Path(sys.argv[2])))
