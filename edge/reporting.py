"""Tells the collector how the gateway is, every ten seconds of its clock."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from edge.exchange import Exchange
from edge.health import Health
from edge.link_state import LinkState
from protocols.clock import SECOND, Clock
from protocols.errors import BufferFault, UplinkError

logger = logging.getLogger(__name__)

EVERY: Final = 10 * SECOND
LEAST: Final = 1.0
"""Real seconds between reports, however fast a story runs."""


async def tell_health(
    exchange: Exchange,
    health: Health,
    link: LinkState,
    clock: Clock,
    reached: Callable[[], None],
    answered: Callable[[str], Awaitable[None]],
) -> None:
    """Report until cancelled; `answered` is called whenever the collector has taken a report, with
    what its answer hints of its rules; `reached` when it did so after it had not.

    A report that does not get through is not repeated: the next one says more.
    """
    was_down = False
    while True:
        try:
            body = json.dumps(await health.report(), ensure_ascii=False, sort_keys=True)
            began = clock.mono()
            hint = await exchange.post_health(body.encode())
        except (UplinkError, BufferFault) as exc:
            logger.debug("health not told: %s", exc)
            was_down = True
        else:
            link.note_contact(clock.now())
            link.time.round_trip = max(0, clock.mono() - began)
            if was_down:
                reached()
            was_down = False
            await answered(hint)
        await asyncio.gather(clock.sleep(EVERY), asyncio.sleep(LEAST))
