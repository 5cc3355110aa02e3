"""Sends what waits: three lanes on three connections, alarms first, backfill in what is left.

Each lane sends one request at a time. After an outage with a backlog over five seconds the live
stream is sealed and a fresh one begins, so that what happens now is not behind what happened then,
and no sequence has a gap.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping

from edge.buffer import Buffer
from edge.exchange import Exchange
from edge.lane import LaneTask, Shared
from edge.link_state import LinkState
from edge.patience import Patience
from edge.right_of_way import RightOfWay
from protocols.clock import Clock
from protocols.words import Lane, StreamKind


class Uplink:
    """The lanes of one gateway, wired to each other and to the buffer."""

    def __init__(
        self,
        exchanges: Mapping[Lane, Exchange],
        buffer: Buffer,
        clock: Clock,
        link: LinkState,
        way: RightOfWay,
        patience: Mapping[Lane, Patience],
    ) -> None:
        shared = Shared(buffer=buffer, clock=clock, link=link, way=way)
        self._lanes = {
            lane: LaneTask(lane, exchanges[lane], patience[lane], shared) for lane in Lane
        }
        for lane, task in self._lanes.items():
            others = [other for other in self._lanes.values() if other is not task]
            task.when_reached += [other.try_again for other in others]
            task.when_idle += [other.look for after, other in self._lanes.items() if after > lane]
            task.when_back += [each.review for each in self._lanes.values()]
        buffer.listen(self._on_sealed)

    def _on_sealed(self, kind: StreamKind) -> None:
        self._lanes[Lane.ALARM if kind is StreamKind.ALARM else Lane.LIVE].look()

    def when_back(self, callback: Callable[[], None]) -> None:
        """Have `callback()` called when alarms reach the collector after they did not."""
        self._lanes[Lane.ALARM].when_reached.append(callback)

    def when_fresh(self, fill: Callable[[], Awaitable[None]]) -> None:
        """Have `fill()` awaited when a fresh live stream of readings begins after an outage."""
        self._lanes[Lane.LIVE].when_fresh.append(fill)

    def try_again(self) -> None:
        """Somebody reached the collector: let every lane try now."""
        for task in self._lanes.values():
            task.try_again()

    async def run(self) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as group:
            for lane, task in self._lanes.items():
                group.create_task(task.run(), name=f"{lane.name.lower()} lane")


def patience_of(gateway: str, seed: str) -> dict[Lane, Patience]:
    """Return each lane's back-off, with dice of this gateway and process (`seed` is its own)."""
    dice = random.Random(f"{gateway}/{seed}")  # noqa: S311  # spreads retries, guards nothing
    return {lane: Patience(lane, dice) for lane in Lane}
