"""Changed alarms that no page was told of yet: red before yellow, and each once, as it is now."""

import asyncio
from itertools import islice
from typing import Final

from central.alarms.acts.overlays import Laid
from central.alarms.journal.episode import Episode
from protocols.alarms.rule import Colour

Changed = Episode | Laid
_ORDER: Final = (*sorted(Colour, reverse=True), None)
"""What lies over a rule has no colour, and comes after the alarms."""


class Untold:
    """At most `most` wait; a later change of what waits takes its place."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._by_colour: dict[Colour | None, dict[str, Changed]] = {each: {} for each in _ORDER}
        self._colours: dict[str, Colour | None] = {}
        self._came = asyncio.Event()

    def __len__(self) -> int:
        return len(self._colours)

    def put(self, changed: Changed) -> bool:
        """Take a change; False: too many wait already, and it is not taken."""
        if isinstance(changed, Laid):
            key, colour = f"rule {changed.rule}", None
        else:
            key, colour = changed.id, changed.level.colour
        before = self._colours.get(key, colour)
        if key not in self._colours and len(self._colours) >= self._most:
            return False
        if before is not colour:
            del self._by_colour[before][key]
        self._colours[key] = colour
        self._by_colour[colour][key] = changed
        self._came.set()
        return True

    async def next(self, most: int = 1) -> list[Changed]:
        """Wait for one; return up to `most`, the most urgent first, of these what came first."""
        await self._came.wait()
        found: list[Changed] = []
        for waiting in self._by_colour.values():
            for key in list(islice(waiting, most - len(found))):
                found.append(waiting.pop(key))
                del self._colours[key]
        if not self._colours:
            self._came.clear()
        return found
