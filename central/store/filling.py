"""How the journal fills: whether there is enough for a seal, or nothing comes any more.

What is sealed in whole chunks needs no merge, which is half of what packing costs. So where so many
readings come that whole chunks are there in a minute, a seal waits for them; elsewhere memory would
be taken for long.
"""

from typing import Final

from central.store.choosing import WHOLE

FULL: Final = 1_850_000
"""Readings in the journal that are sealed at once: a quarter of an hour of 20,000 points, each read
every ten seconds. Three chunks of a device become one, which fills a page."""
MUCH: Final = 5_500_000
"""Most readings a seal waits for: whole chunks of the families of 20,000 points."""
SOON: Final = 60.0
"""Real seconds in which they have to be there."""
LASTS: Final = 0.8
"""What is left of a pace at the next look where less comes: answers wait now and then."""
STILL: Final = 3.0
"""Real seconds without a reading after which a store rests."""
SOME: Final = FULL // 4
"""Readings that are sealed when it does."""


class Filling:
    """Looked at again and again; all times are real seconds."""

    def __init__(self, now: float) -> None:
        self.still = STILL
        self.some = SOME
        self._held = 0
        self._pace = 0.0
        self._looked = self._changed = now

    def look(self, readings: int, now: float) -> None:
        """So many readings are in the journal now."""
        came, took = readings - self._held, now - self._looked
        pace = came / took if came > 0 and took > 0 else 0.0
        self._pace = max(pace, self._pace * LASTS)
        self._held, self._looked = readings, now
        if came:
            self._changed = now

    def is_still(self) -> bool:
        """Whether nothing came for a while."""
        return self._looked - self._changed >= self.still

    def enough(self, families: int) -> bool:
        """Whether what is there is to be sealed; `families`: of how many it may be."""
        if self.is_still():
            return self._held >= self.some
        left = min(MUCH, families * WHOLE) - self._held
        return self._held >= FULL and not 0 < left < self._pace * SOON
