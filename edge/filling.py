"""How long the buffer will last at the present rate (pure)."""

from collections import deque
from typing import Final

from protocols.clock import HOUR, MINUTE, SECOND

WINDOW: Final = 10 * MINUTE
"""The present rate is that of about so long: what was at the start says nothing about now."""
LEAST: Final = MINUTE
"""Before so much has been seen, no rate is told."""
STEP: Final = 10 * SECOND
IN_FILES: Final = 1.4
"""Bytes in the files for each sealed byte, pages and keys: 1.05 to 1.45 by the size of batches."""
LONGEST: Final = 10 * 365 * 24.0
"""Hours: more is told as so much."""


class FillRate:
    """Takes note of how much has been sealed, at any moments; bounded."""

    def __init__(self) -> None:
        self._seen: deque[tuple[int, int]] = deque(maxlen=WINDOW // STEP + 2)

    def note(self, mono: int, written: int) -> None:
        """At `mono` (µs) `written` bytes had been sealed since the start."""
        if self._seen and written < self._seen[-1][1]:
            self._seen.clear()  # counted anew
        if not self._seen or mono - self._seen[-1][0] >= STEP:
            self._seen.append((mono, written))
        while len(self._seen) > 2 and mono - self._seen[1][0] >= WINDOW:
            self._seen.popleft()

    def per_second(self, mono: int, written: int) -> float | None:
        """Return the bytes a second the files grow by; None when too little has been seen."""
        if not self._seen or mono - self._seen[0][0] < LEAST:
            return None
        start, before = self._seen[0]
        return (written - before) * IN_FILES / ((mono - start) / SECOND)

    def hours_left(self, mono: int, written: int, room: int) -> float | None:
        """Return how long `room` bytes will do; None when that cannot be told."""
        rate = self.per_second(mono, written)
        if rate is None or rate <= 0:
            return None
        return round(min(LONGEST, max(0, room) / rate / (HOUR / SECOND)), 1)
