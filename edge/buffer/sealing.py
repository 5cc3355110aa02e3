"""From append to sealed: what comes in waits in a drawer, then goes onto the medium or aboard.

Alarms and events are sealed at once, routine data at most a second after its first reading. While
one commit takes long the next one grows: there is never more than one of a kind on its way.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from edge.buffer.drawer import Drawer, Entry, Items, merged
from edge.buffer.model import Group
from edge.buffer.relief import Relief
from edge.buffer.rescue import Rescue
from edge.buffer.sides import Sides
from edge.buffer.turns import Turns
from edge.buffer.waiting import Waiting
from protocols.clock import Clock
from protocols.errors import BufferDamaged, BufferFault, BufferFull
from protocols.words import StreamKind

logger = logging.getLogger(__name__)

SEAL_AFTER: Final = 0.9
"""Real seconds from the first reading to sealing; the rest of the second is for the commit."""
RETRY_AFTER: Final = 1.0
"""Real seconds before something is tried again that neither medium nor memory took."""
DAMAGES: Final = 2
"""Files that can turn out damaged in one write; each is put aside, and it is tried again."""


class Sealing:
    """The write side, on the event loop; `fallen` counts what there was no room for anywhere."""

    def __init__(
        self,
        clock: Clock,
        sides: Sides,
        waiting: Waiting,
        turns: Turns,
        relief: Relief,
        rescue: Rescue,
    ) -> None:
        self.fallen = 0
        self._stuck: dict[StreamKind, BufferFault] = {}
        self.listeners: list[Callable[[StreamKind], None]] = []
        self._drawers = {kind: Drawer(clock) for kind in StreamKind}
        self._sides = sides
        self._waiting = waiting
        self._turns = turns
        self._relief = relief
        self._rescue = rescue
        self._writing: set[asyncio.Task[None]] = set()

    @property
    def unsealed(self) -> int:
        """How many items were taken in and not sealed yet."""
        return sum(drawer.items for drawer in self._drawers.values())

    @property
    def stuck(self) -> BufferFault | None:
        """Why neither medium nor memory took what was to be sealed last; None while one does."""
        return next(iter(self._stuck.values()), None)

    def put(self, kind: StreamKind, items: Items) -> asyncio.Future[None]:
        """Take items in; what is returned is done when they are durable."""
        done, fallen = self._drawers[kind].put(items)
        self.fallen += fallen
        return done

    async def run(self, kind: StreamKind) -> None:
        """Seal a kind in time, for ever."""
        drawer = self._drawers[kind]
        while True:
            await drawer.begun.wait()
            if kind is StreamKind.DATA:
                with suppress(TimeoutError):
                    async with asyncio.timeout(SEAL_AFTER):
                        await drawer.full.wait()
            try:
                await self.seal(kind)
            except BufferFault:
                await asyncio.sleep(RETRY_AFTER)

    async def seal(self, kind: StreamKind) -> None:
        """Seal what was taken in so far of a kind. Raises BufferFault; nothing is lost then.

        Cancelling the await does not stop it.
        """
        task = asyncio.create_task(self._seal(kind))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)
        await asyncio.shield(task)

    async def _seal(self, kind: StreamKind) -> None:
        async with self._sides.locks[kind]:
            entries = self._drawers[kind].take()
            if not entries:
                return
            try:
                await self._keep(kind, entries)
            except BufferFault as exc:
                logger.error("neither medium nor memory take data: %s", exc)  # noqa: TRY400
                self.fallen += self._drawers[kind].put_back(entries)
                self._stuck[kind] = exc
                raise
            self._stuck.pop(kind, None)
        self.tell(kind)

    def tell(self, kind: StreamKind) -> None:
        """Tell who listens that there is more of a kind to send."""
        for callback in self.listeners:
            callback(kind)

    async def _keep(self, kind: StreamKind, entries: list[Entry]) -> None:
        groups, written = merged(entries), None
        if kind not in self._sides.refused:
            try:
                await self._write(kind, groups)
            except BufferFault as exc:
                self._rescue.launch(exc, kind)
                written = await self._rescue.doubtful(kind)
            else:
                for entry in entries:
                    if not entry.done.done():
                        entry.done.set_result(None)
                return
        if written is None:
            written = await self._sides.aboard(lambda boat: boat.write(kind, groups))
        self._waiting.add(written, entries)
        for given in await self._sides.aboard(lambda boat: boat.keep_to_limit()):
            self._waiting.lost(given.stream, given.last)

    async def _write(self, kind: StreamKind, groups: Sequence[Group]) -> None:
        """Store on the medium: make room when it is full, try again what was put aside."""
        damages = 0
        while True:
            try:
                async with self._turns.take(urgent=kind is StreamKind.ALARM):
                    await self._sides.ashore(lambda store: store.write(kind, groups))
            except BufferFull:
                if not await self._relief.pressed(kind):
                    raise
            except BufferDamaged:
                damages += 1
                if damages > DAMAGES:
                    raise
            else:
                return
