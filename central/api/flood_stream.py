"""Tells pages when a flood begins and ends: what was committed, at most once a second."""

from typing import Final

from central.alarms.shown.crowd import Crowd
from central.api import crowd_shape
from central.api.subscriber import Message, message
from protocols.clock import Clock

LOOKS: Final = 2
"""What was noticed may have been noticed before its commit: it is looked at once more."""


class FloodStream:
    """Of one collector."""

    def __init__(self, crowd: Crowd, clock: Clock, operators: int) -> None:
        self._crowd = crowd
        self._clock = clock
        self._operators = operators
        self._turn = crowd.flooding.turns
        self._looks = 0
        self._told: tuple[bool, int | None] = (False, None)

    async def news(self) -> Message | None:
        """Return what is to be told, or None."""
        turn = self._crowd.flooding.turns
        if turn != self._turn:
            self._turn, self._looks = turn, LOOKS
        if not self._looks:
            return None
        self._looks -= 1
        found = await self._crowd.flood(self._clock.now())
        now = found.flood.on, found.flood.began
        if now == self._told:
            return None
        self._told = now
        return message("flood", crowd_shape.flood(found, self._operators))
