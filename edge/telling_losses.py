"""Tells what was given up and leaves no skip behind: one event by reason, now and then.

Skips carry their own ledger to the centre. What never got a number (memory was full, a queue of a
driver or a device overflowed) or is lost only if the collector is put back (forgotten before a
backup) would leave nothing there but a counter.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from edge.buffer import Buffer
from edge.roster import Roster
from protocols.clock import MINUTE, SECOND, Clock
from protocols.errors import BufferFault
from protocols.words import Value

EVERY: Final = MINUTE
WITHOUT_SKIP: Final = ("memory", "not_yet_backed_up", "driver")

Tell = Callable[..., None]
"""Sends an event of the gateway: code, subject, params."""


@dataclass(slots=True)
class Telling:
    """Compares counts with what was told before (pure)."""

    told: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Reason -> the count told last, and when that was looked at (µs)."""

    def news(self, drops: Mapping[str, int], now: int) -> list[dict[str, Value]]:
        """Return the params of what is to be told: what went since it was told last."""
        found: list[dict[str, Value]] = []
        for reason in WITHOUT_SKIP:
            count = drops.get(reason, 0)
            before, since = self.told.get(reason, (0, now - EVERY))
            if count > before:
                seconds = max(1, (now - since) // SECOND)
                found.append({"reason": reason, "count": count - before, "seconds": seconds})
            self.told[reason] = (count, now)
        return found


def all_drops(buffer_drops: Mapping[str, int], roster: Roster) -> dict[str, int]:
    """Return everything given up on this gateway since the start, by reason."""
    driver = roster.strays + sum(sum(bus.lost().values()) for bus in roster.buses.values())
    return {**buffer_drops, "driver": driver} if driver else dict(buffer_drops)


async def tell_losses(buffer: Buffer, roster: Roster, tell: Tell, clock: Clock) -> None:
    """Tell until cancelled; while the medium fails it is held back, to be told as one."""
    telling = Telling()
    while True:
        await clock.sleep(EVERY)
        with suppress(BufferFault):  # what cannot be told now is in the next minute's count
            stats = await buffer.stats()
            if stats.medium == "ok":
                for params in telling.news(all_drops(stats.drops, roster), clock.now()):
                    tell("READINGS_GIVEN_UP", **params)
