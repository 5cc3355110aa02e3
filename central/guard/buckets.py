"""So many requests a second for each key, with room for a burst; in bounded memory."""

from typing import Final

KEPT: Final = 10_000
"""Keys remembered; one that is forgotten begins afresh."""
PRUNE: Final = 1.0
"""Seconds between two searches for keys whose bucket is full again."""


class Buckets:
    """`rate` a second and key, `burst` at once. Times are real monotonic seconds."""

    def __init__(self, rate: float, burst: float, kept: int = KEPT) -> None:
        self._each = 1 / rate
        self._room = burst / rate
        self._kept = kept
        # For each key the moment at which all that it took will have been given back.
        self._owed: dict[str, float] = {}
        self._pruned = 0.0

    def __len__(self) -> int:
        return len(self._owed)

    def take(self, key: str, now: float) -> float:
        """Take one and return 0, or return the seconds after which there will be one to take."""
        owed = self._owed.get(key)
        if owed is None:
            if len(self._owed) >= self._kept:
                self._forget(now)
            owed = now
        elif owed < now:
            owed = now
        owed += self._each
        if owed - now > self._room:
            return owed - now - self._room
        self._owed[key] = owed
        return 0.0

    def _forget(self, now: float) -> None:
        if now - self._pruned >= PRUNE:
            self._pruned = now
            self._owed = {key: owed for key, owed in self._owed.items() if owed > now}
        while len(self._owed) >= self._kept:
            del self._owed[next(iter(self._owed))]
