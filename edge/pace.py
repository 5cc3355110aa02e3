"""How many batches go into a request, and how long backfill rests after one (pure).

Small at first, doubled while requests are quick, halved when they are slow: one is meant to take
about a second, so that the collector's writer is never long with one of them, and little has to be
said again when it is lost.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

from edge.buffer import Budget

FIRST: Final = 4
MOST: Final = 2048
RAW_BYTES: Final = 256 << 10
"""What a request holds in memory before it is packed; on the wire it is a third or less."""
QUICK: Final = 0.6
SLOW: Final = 1.6
"""Seconds. With a round trip of 0.2 s at least two thirds of the time is sending."""
BACKFILL_SHARE: Final = 0.7
"""Of the measured link; the rest stays free for what is live."""
MEASURABLE: Final = 32 << 10
"""Bytes that must have left while sending, for the sending to say how quick the link is."""
REMEMBERED: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """How a request went, in seconds and bytes of its body.

    `took` is the whole until the answer, `sending` until all was with the kernel, which then still
    held `queued`; time in which it gave way to others is in neither.
    """

    bytes: int
    took: float
    sending: float
    queued: int
    gave_way: float = 0.0

    @property
    def rate(self) -> float | None:
        """Return the bytes a second the link took, None when too few left to tell."""
        moved = self.bytes - self.queued
        return moved / max(self.sending, 1e-6) if moved >= MEASURABLE else None


class Pace:
    """Adapts the number of batches to the time requests take."""

    def __init__(self) -> None:
        self.batches = FIRST
        self._rates: deque[float] = deque(maxlen=REMEMBERED)

    def budget(self, credit: int | None = None) -> Budget:
        """Return what the next request may carry; `credit` bytes is what the collector grants."""
        size = RAW_BYTES if credit is None else max(1, min(RAW_BYTES, credit))
        return Budget(batches=self.batches, bytes=size)

    def went(self, transfer: Transfer, batches: int) -> None:
        """A request of so many batches went so."""
        if transfer.rate is not None:
            self._rates.append(transfer.rate)
        elif transfer.took > QUICK:  # too small to tell and slow all the same: the link, perhaps
            self._rates.append(transfer.bytes / transfer.took)
        self._adapt(transfer.took, batches)

    def _adapt(self, seconds: float, batches: int) -> None:
        if seconds > SLOW:
            self.batches = max(1, min(self.batches, batches) // 2)
        elif seconds < QUICK and batches >= self.batches:
            self.batches = min(MOST, self.batches * 2)

    def broke(self, seconds: float, batches: int) -> None:
        """A request was lost after so long: if that was the link's slowness, send less."""
        if seconds > SLOW:
            self._adapt(seconds, batches)

    def too_large(self, batches: int) -> bool:
        """Send fewer; return False when a single batch was already too large."""
        self.batches = max(1, batches // 2)
        return batches > 1

    def rest(self, transfer: Transfer) -> float:
        """Return the pause after a backfill request that leaves the link its share.

        What the collector needed, or the way there and back, has left the link free already; where
        the link's rate is not known, all the time is taken for sending.
        """
        longest = transfer.took * (1 - BACKFILL_SHARE) / BACKFILL_SHARE
        if not self._rates:
            return longest
        rate = sorted(self._rates)[len(self._rates) // 2]
        fair = transfer.bytes / (BACKFILL_SHARE * rate)
        return min(longest, max(0.0, fair - transfer.took))
