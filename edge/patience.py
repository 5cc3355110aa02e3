"""How long a lane waits before it tries again: full jitter, and what the collector asks, in bounds.

Full jitter, so that a thousand gateways do not come back in one moment; each draws from dice of its
own. What the collector asks for is obeyed up to a bound: no answer can silence an alarm for long.
"""

import random
from typing import Final

from tenacity import RetryCallState
from tenacity.wait import wait_base

from protocols.words import Lane

FIRST: Final = {Lane.ALARM: 0.2, Lane.LIVE: 0.5, Lane.BACKFILL: 1.0}
MOST: Final = {Lane.ALARM: 5.0, Lane.LIVE: 15.0, Lane.BACKFILL: 30.0}
"""Seconds between which the back-off grows. An alarm is worth a few more attempts."""
ASKED_MOST: Final = {Lane.ALARM: 5.0, Lane.LIVE: 300.0, Lane.BACKFILL: 300.0}
"""Seconds a lane waits at most because the collector asks it to."""
SPREAD: Final = 0.25
"""What is asked for is the same for all: each comes back by so much at another moment."""


class Patience(wait_base):
    """Back-off of one lane, for tenacity. `dice` should differ from gateway to gateway."""

    def __init__(self, lane: Lane, dice: random.Random) -> None:
        self._first, self._most = FIRST[lane], MOST[lane]
        self._asked_most = ASKED_MOST[lane]
        self._dice = dice

    def __call__(self, retry_state: RetryCallState) -> float:
        return self.jitter(retry_state.attempt_number)

    def jitter(self, attempt: int) -> float:
        """Return seconds to wait after the `attempt`-th failure in a row (from 1)."""
        ceiling = min(self._most, self._first * 2.0 ** min(attempt - 1, 30))
        return self._dice.uniform(0.0, ceiling)

    def asked(self, seconds: float) -> float:
        """Return how long to wait when the collector asks for `seconds`: in bounds, spread out."""
        if seconds >= self._asked_most:
            return self._asked_most * (1 - SPREAD * self._dice.random())
        return min(self._asked_most, seconds * (1 + SPREAD * self._dice.random()))
