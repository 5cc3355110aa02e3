"""How many batches go into a request, and how long backfill rests after one (pure).

Small at first, doubled while requests are quick, halved when they are slow. Quick and slow are told
apart from the way there and back, which no size changes. A request should neither hold the link for
much over a second, as it is said again when it is lost, nor the collector's one writer for long: an
alarm may wait behind it.
"""

from dataclasses import dataclass
from typing import Final

from edge.buffer import Budget

FIRST: Final = 4
MOST: Final = 2048
RAW_BYTES: Final = 256 << 10
"""What a request holds in memory before it is packed; on the wire it is a third or less."""
QUICK: Final = 0.3
SLOW: Final = 1.0
"""Seconds above what a small request takes, which is the way there and back."""
WORK: Final = 0.6
"""Seconds of these that are not sending: the collector at work."""
WORTH: Final = 16
"""Batches a request holds at least, however long the collector works: it may have a queue."""
PROBE: Final = 64
"""Requests after which a small one finds out again how long the way is."""
BACKFILL_SHARE: Final = 0.7
"""Of the measured link; the rest stays free for what is live."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """How a request went, in seconds and bytes of its body.

    `took` is the whole until the answer, `sending` until the other end had confirmed the body but
    for `queued` bytes; time in which it gave way to others is in neither.
    """

    bytes: int
    took: float
    sending: float
    queued: int
    gave_way: float = 0.0

    @property
    def on_the_link(self) -> float:
        """Return the seconds the link was taken: all of them, if that cannot be told."""
        return self.took if self.queued else self.sending

    @property
    def beside(self) -> float:
        """Return the seconds in which the link was free."""
        return max(0.0, self.took - self.on_the_link)


class Pace:
    """Adapts the number of batches to the time requests take."""

    def __init__(self) -> None:
        self.batches = FIRST
        self._small: Transfer | None = None
        """The last small request: what it took is the way there and back."""
        self._since = 0

    def budget(self, credit: int | None = None) -> Budget:
        """Return what the next request may carry; `credit` bytes is what the collector grants."""
        size = RAW_BYTES if credit is None else max(1, min(RAW_BYTES, credit))
        batches = self.batches if self._since < PROBE else min(self.batches, FIRST)
        return Budget(batches=batches, bytes=size)

    def went(self, transfer: Transfer, batches: int) -> None:
        """A request of so many batches went so."""
        self._since += 1
        if self._small is None or batches <= FIRST:
            self._small, self._since = transfer, 0
        if transfer.beside - self._small.beside > WORK:
            if batches > WORTH:
                self.batches = max(WORTH, min(self.batches, batches) // 2)
        else:
            self._adapt(transfer.took - self._small.took, batches)

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

        On the way there and back, and while the collector worked, the link was free already.
        """
        way = self._small.sending if self._small and not self._small.queued else 0.0
        filled = max(0.0, transfer.on_the_link - way)
        return max(0.0, filled / BACKFILL_SHARE - transfer.took)
