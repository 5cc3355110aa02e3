"""Puts what the store set aside back from evidence, as far as evidence still holds those batches.

Each batch is decoded and placed as it was at its arrival; of its readings the store gets those it
does not hold, once, whatever a damaged row still says of itself. Alarms were judged when they came
and are not judged again. What an encoder refuses stays where it is.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Final

import numpy as np
from sqlite_utils import Database as Tables

from central import events
from central.control import Say, Told
from central.database import Database
from central.effects import CollectorEvent, Effects
from central.evidence.arrived import missing, own, portion, rows_of
from central.identity import audit
from central.store import settling
from central.store.codec.cells import MEMBERS
from central.store.codec.chunk import encoded
from central.store.packing import Part, joined, pack
from central.store.set_aside import HEAD
from central.store.settling import Aside, How
from central.store.store import ChunkStore
from central.store.unsealed import Block
from protocols.clock import SystemClock
from protocols.errors import FengsuiError
from protocols.words import Value

CODE: Final = "STORE_REBUILT"
NO_LINE: Final = -1
"""No alarm knows this stream: what comes back was judged when it first came."""
DEADLINE: Final = 600.0
TELL: Final = 1.0
"""Real seconds between two words to a command that waits."""

REBUILT, PART, GONE, REFUSED = "rebuilt", "part", "gone", "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What came of it.

    `state`: rebuilt (it is settled), part, gone (evidence does not hold its batches any more), or
    refused (by an encoder; `reason`). `restored` readings were put back, `past` are past their time
    in the store.
    """

    id: int
    what: str
    state: str
    n: int
    restored: int = 0
    past: int = 0
    reason: str = ""


@dataclass(slots=True)
class _Sum:
    restored: int = 0
    found: int = 0
    past: int = 0


class Rebuilding:
    """One piece at a time; asked on the event loop."""

    def __init__(self, db: Database, store: ChunkStore) -> None:
        self._db = db
        self._store = store
        self._busy = asyncio.Lock()

    async def rebuild(self, number: int, by: str) -> Rebuilt:
        """Put one piece back. Raises PieceUnknown, PieceSettled, ChunkUnreadable."""
        async with self._busy:
            piece = await self._db.read(lambda conn: settling.find(conn, number))
            if piece.origin == HEAD:  # what it told was found anew when it was set aside
                return await self._settled(piece, by, _Sum())
            done = _Sum()
            refused = await self._from(piece, done, exact=True)
            if not done.found and (kept := await self._db.read(partial(own, piece))):
                refused = await self._take(piece, done, [kept])
            count = done.found
            if not count:
                refused = await self._from(piece, done, exact=False)
                count = piece.restored + done.restored
            if done.restored and self._store.may_seal():
                await self._store.seal()
            if count >= max(piece.n, 1) and not refused:
                return await self._settled(piece, by, done)
            return _result(piece, done, _state(done, refused), refused)

    async def standing(self) -> list[int]:
        """Return the numbers of what nobody settled, the oldest first."""
        return await self._db.read(settling.standing)

    async def dismiss(self, number: int, by: str, note: str) -> Aside:
        """Settle a piece without its readings. Raises PieceUnknown, PieceSettled."""

        def work(tables: Tables) -> Aside:
            piece = settling.settle(tables, number, How.DISMISSED, by, self._now(), note)
            _audit(tables, "STORE_DISMISSED", piece, by, {"reason": note})
            return piece

        return await self._db.write(work, self._store.set_aside.settled)

    async def _from(self, piece: Aside, done: _Sum, *, exact: bool) -> str:
        """Take what evidence has of a piece; return why it was refused (empty: it was not)."""
        first, last = await self._db.read(partial(rows_of, piece, exact))
        while first <= last:
            parts, first = await self._db.read(
                partial(portion, piece, (first, last), exact), deadline=DEADLINE
            )
            if refused := await self._take(piece, done, parts):
                return refused
        return ""

    async def _take(self, piece: Aside, done: _Sum, parts: list[Part]) -> str:
        """Put back what the store lacks of `parts`; return why it cannot be stored."""
        done.found += sum(len(part.rows) for part in parts)
        lacking, past = await self._store.ask(partial(missing, parts))
        done.past += past
        if not lacking:
            return ""
        if reason := refusal(lacking):
            return reason
        blocks = await self._db.write(partial(self._append, piece, lacking))
        self._store.committed(blocks)
        done.restored += sum(map(len, blocks))
        return ""

    def _append(self, piece: Aside, parts: list[Part], tables: Tables) -> list[Block]:
        blocks = [
            self._store.append(tables.conn, part.stream, part.received, part.rows, NO_LINE)
            for part in parts
        ]
        made = [block for block in blocks if block is not None]
        settling.restored(tables, piece.id, sum(map(len, made)))
        return made

    async def _settled(self, piece: Aside, by: str, done: _Sum) -> Rebuilt:
        now = self._now()

        def work(tables: Tables) -> Aside:
            found = settling.settle(tables, piece.id, How.REBUILT, by, now)
            params: dict[str, Value] = {"what": piece.what, "count": found.restored}
            _audit(tables, CODE, piece, by, params)
            subject = piece.what.split(" ")[0]
            told.append(events.record(tables, (now, now), events.FAULT, CODE, subject, params))
            return found

        told: list[CollectorEvent] = []
        await self._db.write(work, self._store.set_aside.settled)
        self._store.set_aside.tell(Effects(events=told[-1:]))
        return _result(piece, done, REBUILT)

    def _now(self) -> int:
        return self._store.set_aside.now()


async def rebuild_all(rebuilding: Rebuilding, by: str, say: Say) -> Told:
    """Put back what nobody settled, the oldest first; `say` hears what came of each."""
    for number in await rebuilding.standing():
        doing = asyncio.ensure_future(rebuilding.rebuild(number, by))
        while not doing.done():
            await asyncio.wait([doing], timeout=TELL)
            await say({})
        try:
            done = asdict(await doing)
            told = {"code": f"REBUILD_{done['state'].upper()}", "params": done}
        except FengsuiError as exc:
            told = {"code": exc.code, "params": exc.params}
        await say(told)
    return {}


def refusal(parts: Sequence[Part]) -> str:
    """Return why no chunk can be made of readings, empty where one can."""
    points = np.unique(np.concatenate([part.rows.points for part in parts]))
    family, member = np.zeros((2, int(points.max()) + 1), np.int64)
    family[points], member[points] = np.divmod(np.arange(len(points)), MEMBERS)
    packed = pack(joined(parts, family, member))
    try:
        encoded([cells for *_, cells in (*packed.groups, *packed.strays)])
    except ValueError as exc:
        return str(exc)
    return ""


def _state(done: _Sum, refused: str) -> str:
    if refused:
        return REFUSED
    return PART if done.restored else GONE


def _result(piece: Aside, done: _Sum, state: str, reason: str = "") -> Rebuilt:
    return Rebuilt(
        id=piece.id,
        what=piece.what,
        state=state,
        n=piece.n,
        restored=done.restored,
        past=done.past,
        reason=reason,
    )


def _audit(tables: Tables, action: str, piece: Aside, by: str, detail: dict[str, Value]) -> None:
    own = {"what": piece.what, "n": piece.n, **detail}
    subject = f"set_aside/{piece.id}"
    audit.append(
        tables,
        audit.Act(time=SystemClock().now(), actor=by, action=action, subject=subject, detail=own),
    )
