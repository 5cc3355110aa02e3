"""What ingest counts: taken, told again, put aside, lost, refused, and how long it took."""

import sqlite3
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Final

from protocols.clock import real_monotonic
from protocols.errors import IngestError

if TYPE_CHECKING:
    from central.ingest.contents import Committed

LATENCIES: Final = 1_024
"""Requests over which percentiles are taken."""
RATE_SECONDS: Final = 10
STORE_RETRY_MS: Final = 5_000


class Refusing:
    """Counts an IngestError that leaves its context. Holds nothing of its own: no generator."""

    __slots__ = ("_refused",)

    def __init__(self, refused: Counter[str]) -> None:
        self._refused = refused

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, IngestError):
            self._refused[error.code] += 1


class Counting(Refusing):
    """The same, and counts a database that cannot be written, which it makes a refusal."""

    __slots__ = ()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            return
        super().__exit__(kind, error, trace)
        if isinstance(error, sqlite3.Error):
            self._refused["STORE_UNAVAILABLE"] += 1
            raise IngestError("STORE_UNAVAILABLE", 503, retry_after_ms=STORE_RETRY_MS) from error


@dataclass(slots=True)
class Figures:
    """Totals since the start; changed only on the event loop."""

    requests: int = 0
    readings: int = 0
    duplicates: int = 0
    quarantined: int = 0
    lost: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Requests answered with an error, by code."""
    waiting: Counter[str] = field(default_factory=Counter)
    """Requests under way, by lane."""
    _latencies: deque[float] = field(default_factory=lambda: deque(maxlen=LATENCIES))
    _recent: deque[tuple[float, int]] = field(default_factory=deque)

    def refusing(self) -> Refusing:
        """Count a refusal of what runs inside."""
        return Refusing(self.refused)

    def committed(self, done: "Committed", began: float) -> None:
        """Note a request that was committed now; it `began` then (real monotonic seconds)."""
        at = real_monotonic()
        self.duplicates += done.duplicates
        self.quarantined += done.quarantined
        self.lost += done.lost
        self.readings += done.readings
        self.took(at - began, at, done.readings)

    def took(self, seconds: float, at: float, readings: int) -> None:
        """Note a committed request: real seconds it took, real monotonic time, its readings."""
        recent = self._recent
        self._latencies.append(seconds)
        recent.append((at, readings))
        while recent[0][0] < at - RATE_SECONDS:
            recent.popleft()

    def latency_ms(self, share: float) -> float:
        """Return the latency (ms) that `share` of the last requests did not exceed."""
        return percentile(self._latencies, share) * 1_000

    def readings_per_second(self, at: float) -> float:
        """Return the mean over the last ten real seconds."""
        oldest = at - RATE_SECONDS
        return sum(readings for when, readings in self._recent if when >= oldest) / RATE_SECONDS


def percentile(values: Sequence[float] | deque[float], share: float) -> float:
    """Return the value that `share` of `values` do not exceed (0 for none)."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
