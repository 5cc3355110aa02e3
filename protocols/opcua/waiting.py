"""What has arrived and waits to be received: bounded per point, so no point can starve another.

Full for a point: that point's oldest reading goes and is counted. Nothing is dropped in silence.
"""

import asyncio
from collections import deque
from typing import Final

from protocols.words import Reading

ROOM: Final = 65_536
"""Readings that may wait in all (about 10 MB); shared evenly, at least LEAST for each point."""
LEAST: Final = 4
MOST: Final = 64


class Waiting:
    """Readings by point in order of arrival; `dropped` counts what found no room."""

    def __init__(self, points: int) -> None:
        self.depth = max(LEAST, min(MOST, ROOM // max(1, points)))
        self.dropped = 0
        self._readings: dict[int, deque[Reading]] = {}
        self._arrived = asyncio.Event()

    def put(self, reading: Reading) -> None:
        """Add one reading and wake the receiver."""
        line = self._readings.get(reading.point)
        if line is None:
            line = self._readings[reading.point] = deque(maxlen=self.depth)
        elif len(line) == self.depth:
            self.dropped += 1
        line.append(reading)
        self._arrived.set()

    def take(self) -> list[Reading]:
        """Return and forget all that waits."""
        lines, self._readings = self._readings, {}
        self._arrived.clear()
        return [reading for line in lines.values() for reading in line]

    def wake(self) -> None:
        """Let `arrived` return although nothing came (the link is lost)."""
        self._arrived.set()

    async def arrived(self) -> None:
        """Return when something waits."""
        await self._arrived.wait()
