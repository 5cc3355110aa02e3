"""Asks the collector how far it has what is kept here (docs/wire.md section 7.1).

At every new connection, once a minute while something is held that no backup covers, and when a
lane has noticed that the collector went back. By this a stream that was finished long ago is missed
when a database is put back, and let go of when a backup covers it.
"""

import logging
from typing import Final

from edge.buffer import Buffer
from edge.exchange import Exchange
from edge.link_state import LinkState
from protocols.clock import real_monotonic
from protocols.errors import BufferFault, UplinkError
from protocols.wire.cursors import STREAMS

logger = logging.getLogger(__name__)

EVERY: Final = 60.0
"""Real seconds between questions while the connection stays."""


async def ask_cursors(exchange: Exchange, buffer: Buffer) -> None:
    """Ask for every stream kept and take in the answers. Raises UplinkError, BufferFault."""
    kept = await buffer.kept()
    streams = list(kept)
    for start in range(0, len(streams), STREAMS):
        asked = streams[start : start + STREAMS]
        cursors = await exchange.ask(asked)
        await buffer.meet(cursors.incarnation)
        for stream, at in cursors.streams.items():
            exchange.note(await buffer.learned(stream, kept[stream], at.committed, at.safe))


class Asking:
    """Decides when to ask; `look` is called whenever the collector has just answered."""

    def __init__(self, exchange: Exchange, buffer: Buffer, link: LinkState) -> None:
        self._exchange = exchange
        self._buffer = buffer
        self._link = link
        self._asked = (-1, -1)
        self._due = 0.0

    async def look(self) -> None:
        """Ask if it is time; a question that fails is asked again the next time."""
        now, seen = real_monotonic(), (self._exchange.connections, self._link.went_back)
        if seen == self._asked and now < self._due:
            return
        try:
            await ask_cursors(self._exchange, self._buffer)
        except (UplinkError, BufferFault) as exc:
            logger.debug("cursors not asked for: %s", exc)
            return
        self._asked, self._due = seen, now + EVERY
