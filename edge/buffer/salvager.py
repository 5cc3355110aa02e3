"""Works off damaged files in the background: reads in a thread of its own, stores in small steps.

The alarm file comes first, then the newest segment. Between two steps the buffer's thread takes new
readings and alarms. Whatever fails is tried again, and a process that dies begins the file anew.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar

from edge.buffer.alarm_file import AlarmFile
from edge.buffer.file import wal
from edge.buffer.model import Kept, Tell
from edge.buffer.quarantine import Wreckage
from edge.buffer.restoring import Restoring
from edge.buffer.salvage import Batch, Found, Wreck
from edge.buffer.store import Store
from protocols.errors import BufferFault, SalvageUnderway
from protocols.owner_thread import OwnerThread

logger = logging.getLogger(__name__)

T = TypeVar("T")
Run = Callable[[Callable[[Store], Any]], Awaitable[Any]]
"""Runs a call in the buffer's thread, with the store that is open."""

PIECE: Final = 64 * 1024
"""Bytes stored by one step: a few milliseconds, a few tens on a slow card."""
ROWS: Final = 128
LOOK_EVERY: Final = 5.0
"""Real seconds between looks for files put aside while running, and before a second attempt."""
QUOTA_SHARE: Final = 10
"""Damaged files that were read may take this part of the quota."""
ATTEMPTS: Final = 24
"""A file that cannot be restored for two minutes (a full medium) is left alone until the next
start, and what is missing goes to the ledger: the centre takes originals that come later."""


class Salvager:
    """`done` is called whenever something was put back."""

    def __init__(self, run: Run, tell: Tell, done: Callable[[], None]) -> None:
        self._run = run
        self._tell = tell
        self._done = done
        self._failed: dict[str, int] = {}

    async def keep(self) -> None:
        """Work until cancelled."""
        while True:
            await self.work()
            await asyncio.sleep(LOOK_EVERY)

    async def work(self) -> None:
        """Read every damaged file that can be read; return when none is left to try now."""
        with suppress(BufferFault):
            while True:
                wreckage: Wreckage | None = await self._run(self._next)
                if wreckage is None:
                    return
                await self._attempt(wreckage)

    def _next(self, store: Store) -> Wreckage | None:
        given_up = {name for name, times in self._failed.items() if times >= ATTEMPTS}
        store.holdings.look_for_wrecks(given_up)
        left = [each for each in store.holdings.folder.wrecks() if each.path.name not in given_up]
        return left[0] if left else None

    async def _attempt(self, wreckage: Wreckage) -> None:
        thread = OwnerThread("salvage")
        try:
            await self._restore(wreckage, thread)
        except (BufferFault, OSError) as exc:
            name = wreckage.path.name
            self._failed[name] = self._failed.get(name, 0) + 1
            logger.warning("%s could not be salvaged yet: %s", name, exc)
            raise SalvageUnderway from exc
        finally:
            await thread.close()

    async def _restore(self, wreckage: Wreckage, thread: OwnerThread) -> None:
        restoring: Restoring = await self._run(
            lambda store: Restoring(holdings=store.holdings, wreckage=wreckage)
        )

        def on(store: Store, call: Callable[[Restoring], T]) -> T:
            if store.holdings is not restoring.holdings:  # the medium was opened anew meanwhile
                raise SalvageUnderway
            return call(restoring)

        async def step(call: Callable[[Restoring], T]) -> T:
            result: T = await self._run(lambda store: on(store, call))
            return result

        wreck = await thread.run(_open, wreckage)
        try:
            pages = wreck.small()
            while (found := await thread.run(_next_found, pages)) is not None:
                if found.says_something:
                    await step(partial(_learn, found))
            await step(Restoring.learned)
            pages = wreck.batches()
            while (found := await thread.run(_next_found, pages)) is not None:
                for piece in _pieces(found.batches):
                    await step(partial(_put, piece))
                    self._done()
        finally:
            await thread.run(wreck.close)
        await self._finish(wreckage, restoring, step)

    async def _finish(self, wreckage: Wreckage, restoring: Restoring, step: Any) -> None:
        lost, missing = 0, restoring.missing()
        while (some := await step(lambda _: next(missing, None))) is not None:
            lost += some
        await step(lambda r: r.finish(lost))
        self._tell(
            "BUFFER_SALVAGED",
            {"file": wreckage.name, "found": restoring.found, "lost": lost},
        )
        self._done()
        for each in await self._run(_trim):
            size = f"{each.bytes / 1e6:.1f}"
            self._tell("BUFFER_QUARANTINE_TRIMMED", {"file": each.file, "size": size})


def _trim(store: Store) -> list[Kept]:
    return list(store.holdings.folder.aside.trim(store.quota.measure() // QUOTA_SHARE))


def _open(wreckage: Wreckage) -> Wreck:
    if wreckage.newer:  # sound, and perhaps of a format between the one that put it aside and ours
        with suppress(BufferFault):
            AlarmFile(wreckage.path).close()
    return Wreck(wreckage.path, wal(wreckage.path))


def _learn(found: Found, restoring: Restoring) -> None:
    restoring.learn(found)


def _put(batches: list[Batch], restoring: Restoring) -> None:
    restoring.put(batches)


def _next_found(pages: Iterator[Found]) -> Found | None:
    return next(pages, None)


def _pieces(batches: list[Batch]) -> Iterator[list[Batch]]:
    piece, size = list[Batch](), 0
    for batch in batches:
        piece.append(batch)
        size += len(batch.row.bytes)
        if size >= PIECE or len(piece) >= ROWS:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece
