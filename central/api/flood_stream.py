"""Tells pages when a flood begins and ends: what was committed, at most once a second.

Who sees some sites only is told of a flood of their alarms, and of none of the room.
"""

from collections.abc import Collection, Iterable
from typing import Final

from central.alarms.shown.crowd import Crowd
from central.api import crowd_shape
from central.api.subscriber import Message, message
from protocols.clock import Clock

LOOKS: Final = 2
"""What was noticed may have been noticed before its commit: it is looked at once more."""
Scope = frozenset[str] | None
"""Sites; None: the whole room."""
CALM: Final = (False, None)


class FloodStream:
    """Of one collector."""

    def __init__(self, crowd: Crowd, clock: Clock, operators: int) -> None:
        self._crowd = crowd
        self._clock = clock
        self._operators = operators
        self._turn = crowd.flooding.turns
        self._looks = 0
        self._told: dict[Scope, tuple[bool, int | None]] = {None: CALM}
        self._touched: set[str] = set()

    def listen(self, sites: Iterable[str]) -> None:
        """Take sites of which alarms changed."""
        self._touched.update(sites)

    async def news(self, scopes: Collection[Scope]) -> list[tuple[Scope, Message]]:
        """Return what is to be told to whom, of the scopes that listen."""
        touched, self._touched = self._touched, set()
        turn = self._crowd.flooding.turns
        if turn != self._turn:
            self._turn, self._looks = turn, LOOKS
        # Of a scope that listens no more nothing is known: whoever comes asks for it first.
        self._told = {each: told for each, told in self._told.items() if each in {None, *scopes}}
        found = []
        for scope in scopes:
            if self._may_have_turned(scope, touched):
                found += await self._looked(scope)
        self._looks = max(0, self._looks - 1)
        return found

    def _may_have_turned(self, scope: Scope, touched: set[str]) -> bool:
        if scope is None:
            return self._looks > 0
        due = self._crowd.own.due(scope)
        over = due is not None and due <= self._clock.now()
        return over or scope not in self._told or not scope.isdisjoint(touched)

    async def _looked(self, scope: Scope) -> list[tuple[Scope, Message]]:
        found = await self._crowd.flood(self._clock.now(), scope)
        now = found.flood.on, found.flood.began
        before, self._told[scope] = self._told.get(scope, CALM), now
        if now == before:
            return []
        return [(scope, message("flood", crowd_shape.flood(found, self._operators, scope)))]
