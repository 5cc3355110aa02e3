"""How many batches go into a request (pure): small at first, more while the link is quick."""

from typing import Final

from edge.buffer import Budget

FIRST: Final = 4
MOST: Final = 1024
RAW_BYTES: Final = 4 << 20
"""Batches compress to a third or less: this keeps a request below 1 MiB most of the time."""
QUICK: Final = 0.5
SLOW: Final = 3.0
"""Seconds: a request is meant to take about one to three, so that what is urgent never waits
long behind it on the same connection."""
BACKFILL_SHARE: Final = 0.7
"""Of the measured link; the rest stays free for what is live."""


class Pace:
    """Adapts the number of batches to the time requests take."""

    def __init__(self) -> None:
        self.batches = FIRST
        self.took = 0.0

    def budget(self, credit: int | None = None) -> Budget:
        """Return what the next request may carry; `credit` bytes is what the collector grants."""
        size = RAW_BYTES if credit is None else max(1, min(RAW_BYTES, credit))
        return Budget(batches=self.batches, bytes=size)

    def went(self, seconds: float, batches: int) -> None:
        """A request of so many batches took so long."""
        self.took = seconds
        if seconds > SLOW:
            self.batches = max(1, min(self.batches, batches) // 2)
        elif seconds < QUICK and batches >= self.batches:
            self.batches = min(MOST, self.batches * 2)

    def broke(self, seconds: float, batches: int) -> None:
        """A request was lost after so long: if that was the link's slowness, send less."""
        if seconds > SLOW:
            self.went(seconds, batches)

    def too_large(self, batches: int) -> bool:
        """Send fewer; return False when a single batch was already too large."""
        self.batches = max(1, batches // 2)
        return batches > 1

    def rest(self) -> float:
        """Return the pause after a backfill request that leaves the link its share."""
        return self.took * (1 - BACKFILL_SHARE) / BACKFILL_SHARE
