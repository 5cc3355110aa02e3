"""Asks the collector once a day which certificates are its, over its key.

So a new CA is known long before the old one ends. A gateway that was off meanwhile asks when it is
refused (`edge.dialling`); this is for all the others, whose connections last.
"""

import asyncio
import http.client
import logging
import random
from contextlib import suppress
from typing import Final

from edge.config import CollectorLink
from edge.dialling import Dialler
from edge.trust import Trust
from protocols.errors import UplinkError
from protocols.owner_thread import OwnerThread

logger = logging.getLogger(__name__)

FIRST: Final = 600.0
DAILY: Final = 86_400.0
SOON: Final = 3_600.0
CLOSING: Final = 1.0
"""Real seconds until the first question at most, until the next, and after one that failed; and how
long the end waits for one that is being asked."""


async def keep_trust(link: CollectorLink, trust: Trust, seed: str) -> None:
    """Ask until cancelled; not all gateways at the same time, so `seed` is this one's own."""
    dice = random.Random(seed)  # noqa: S311  # spreads questions, guards nothing
    dialler, thread = Dialler(link, trust), OwnerThread("trust")
    wait = dice.uniform(FIRST / 10, FIRST)
    try:
        while True:
            await asyncio.sleep(wait)
            said = await asked(dialler, trust, thread)
            wait = DAILY * dice.uniform(0.9, 1.1) if said else SOON
    finally:
        with suppress(TimeoutError):  # it may be in the middle of asking
            async with asyncio.timeout(CLOSING):
                await thread.close()


async def asked(dialler: Dialler, trust: Trust, thread: OwnerThread) -> bool:
    """Ask once and take over what is new; returns whether there was a signed answer."""
    try:
        said = await thread.run(dialler.ask)
        if said is not None:
            await thread.run(trust.take, said)
    except (UplinkError, OSError, http.client.HTTPException) as exc:
        logger.info("no word from the collector about its certificates: %s", exc)
        return False
    return said is not None
