"""Chunks of what is in the journal, written with a seal to come: nobody sees them yet.

They are packed by a process of their own, which takes nothing from those who wait for an answer; a
few readings in the store's thread. Should the process die, all of it is done again, the third time
in the thread.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np
from sqlite_utils import Database as Tables

from central.database import Database, Urgency
from central.store import chunks
from central.store.codec.cells import Cells
from central.store.codec.chunk import Chunk, decode, encoded
from central.store.families import Families
from central.store.packing import Packed, Part, joined, pack
from central.store.sealer.messages import Made, Not, Seal, Strays, chunk_of
from central.store.sealer.process import Sealer, SealerBroken
from central.store.unsealed import Block
from protocols.owner_thread import OwnerThread

logger = logging.getLogger(__name__)

GROUP: Final = 250_000
"""Readings packed at a time, about: bounds the memory a seal takes."""
LITTLE: Final = 100_000
"""Readings that are packed in the thread: not worth a process."""
STEP: Final = 48
"""Chunks one transaction writes."""
TRIES: Final = 2
"""How often the process may die over one seal."""
PLACES: Final = 512
"""Points one transaction gives places in families."""


class _Unable(Exception):
    """The process lives, but something cannot be packed: the thread will find out what."""


class Refused(NamedTuple):
    """A family's day of which no chunk can be made, and why."""

    key: tuple[int, int]
    cells: Cells
    reason: str


class Extent(NamedTuple):
    """How many readings a chunk has, and when the first and the last are."""

    n: int
    t0: int
    t1: int


@dataclass(slots=True)
class Gathered:
    """What a seal comes to on its way to the last step."""

    keys: dict[tuple[int, int], list[Extent]] = field(default_factory=dict)
    strays: list[tuple[int, int, Cells]] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    chunks: int = 0

    def touch(self, keys: Iterable[tuple[int, int]]) -> None:
        """Rows are to come of these (family, day)."""
        for key in keys:
            self.keys.setdefault(key, [])


class Group(NamedTuple):
    """Blocks packed together; of a share's readings those whose family % parts is part."""

    blocks: list[Block]
    part: int = 0
    parts: int = 1


_Way = Callable[[Group, int, Gathered], Awaitable[None]]


@dataclass(slots=True)
class Unseen:
    """Writes the chunks of one seal at a time."""

    db: Database
    families: Families
    worker: OwnerThread
    sealer: Sealer
    little: int = LITTLE
    again: int = 0
    """Seals that were begun again because the process that packs died."""
    inside: int = 0
    """Seals of the process that were done in the thread: it died twice, or could not do them."""
    _unfinished: bool = False
    """A seal failed on its way: what it wrote must not be there when the watermark moves."""

    def settled(self) -> None:
        """The watermark has reached what was written."""
        self._unfinished = False

    async def write(self, blocks: list[Block], watermark: int) -> Gathered:
        """Write the chunks of all blocks; what failed on its way is deleted before the next try."""
        readings = sum(map(len, blocks))
        tries = TRIES if readings >= self.little else 0
        for _ in range(tries):
            if not self.sealer.ready:
                break
            try:
                return await self._packed(self._apart, blocks, watermark)
            except SealerBroken as exc:
                logger.warning("a seal of %d readings begins again: %s", readings, exc)
                self.again += 1
            except _Unable as exc:
                logger.warning("a seal of %d readings is done in the collector: %s", readings, exc)
                break
        self.inside += tries > 0
        return await self._packed(self._inside, blocks, watermark)

    async def _packed(self, way: _Way, blocks: list[Block], watermark: int) -> Gathered:
        if self._unfinished:
            await self.delete()
        self._unfinished = True
        gathered = Gathered()
        for group in await self.worker.run(grouped, blocks):
            await self._place(group.blocks)
            await way(group, watermark, gathered)
        return gathered

    async def _apart(self, group: Group, watermark: int, gathered: Gathered) -> None:
        """Have a group packed by the process. Raises SealerBroken, and _Unable."""
        ids = tuple(block.id for block in group.blocks)
        await self.worker.run(self.sealer.ask, Seal(ids, group.part, group.parts))
        while (answer := await self.worker.run(self.sealer.answer)) is not None:
            if isinstance(answer, Made):
                await self._write(list(map(chunk_of, answer.rows)), watermark, gathered)
            elif isinstance(answer, Strays):
                gathered.strays += [
                    (family, day, decode(body)) for family, day, body in answer.rows
                ]
                gathered.touch((family, day) for family, day, _ in answer.rows)
            elif isinstance(answer, Not):
                raise _Unable(answer.reason)

    async def _inside(self, group: Group, watermark: int, gathered: Gathered) -> None:
        """Pack a group in the thread."""
        packed = await self.worker.run(_pack, group, self.families)
        gathered.strays += packed.strays
        gathered.touch((family, day) for family, day, _ in packed.strays)
        for at in range(0, len(packed.groups), STEP):
            made, refused = await self.worker.run(_encode, packed.groups[at : at + STEP])
            gathered.refused += refused
            await self._write(made, watermark, gathered)

    async def delete(self) -> None:
        """Delete chunks nobody saw, whoever left them."""
        while await self.db.write(_delete, urgency=Urgency.PATIENT):
            pass

    async def _place(self, group: list[Block]) -> None:
        missing = await self.worker.run(_unplaced, group, self.families)
        for at in range(0, len(missing), PLACES):
            await self.db.write(
                partial(_give, self.families, missing[at : at + PLACES]),
                self.families.took,
                urgency=Urgency.PATIENT,
            )

    async def _write(
        self, made: list[tuple[int, int, Chunk]], watermark: int, gathered: Gathered
    ) -> None:
        await self.db.write(partial(_insert, watermark, made), urgency=Urgency.PATIENT)
        for family, day, chunk in made:
            extent = Extent(chunk.n, chunk.t0, chunk.t1)
            gathered.keys.setdefault((family, day), []).append(extent)
        gathered.chunks += len(made)
        self.db.crash.reach("central.sealing")


def _unplaced(blocks: list[Block], families: Families) -> list[int]:
    here = np.zeros(max(block.high for block in blocks) + 1, np.bool_)
    columns = [block.rows.points for block in blocks]  # nearly all of them the same few
    for points in {id(points): points for points in columns}.values():
        here[points] = True
    return families.unplaced(np.flatnonzero(here))


def _give(families: Families, numbers: list[int], tables: Tables) -> list[tuple[int, int, int]]:
    return families.give(tables.conn, numbers)


def _insert(seal: int, made: list[tuple[int, int, Chunk]], tables: Tables) -> None:
    chunks.insert(tables.conn, seal, made)


def grouped(blocks: list[Block]) -> list[Group]:
    """Return blocks in groups of about GROUP readings, those of the same points together.

    A gateway's streams name the same points: their blocks have the least of them in common, and are
    not torn apart. What is too much of one gateway is shared out by families.
    """
    least: dict[int, int] = {}
    for block in blocks:
        least[block.stream] = min(block.low, least.get(block.stream, block.low))
    groups: list[Group] = []
    group: list[Block] = []
    size = 0
    ordered = sorted(blocks, key=lambda each: (least[each.stream], each.id))
    for _, some in groupby(ordered, key=lambda each: least[each.stream]):
        unit = list(some)
        own = sum(map(len, unit))
        if group and size + own > GROUP:
            groups.append(Group(group))
            group, size = [], 0
        if own > 2 * GROUP:
            parts = -(-own // (2 * GROUP))
            groups += [Group(unit, part, parts) for part in range(parts)]
            continue
        group += unit
        size += own
    if group:
        groups.append(Group(group))
    return groups


def _pack(group: Group, families: Families) -> Packed:
    parts = [Part(block.rows, block.stream, block.received) for block in group.blocks]
    if group.parts > 1:
        parts = [part.share(families.family, group.part, group.parts) for part in parts]
        parts = [part for part in parts if len(part.rows)]
    return pack(joined(parts, families.family, families.member)) if parts else Packed([], [])


def _encode(
    groups: list[tuple[int, int, Cells]],
) -> tuple[list[tuple[int, int, Chunk]], list[Refused]]:
    """Return the chunks, and what none can be made of: it takes none of the others along."""
    try:
        chunks = encoded([cells for *_, cells in groups])
    except ValueError as exc:
        if len(groups) == 1:
            ((family, day, cells),) = groups
            return [], [Refused((family, day), cells, str(exc))]
        parts = [_encode([group]) for group in groups]
        return [one for made, _ in parts for one in made], [one for *_, no in parts for one in no]
    return [
        (family, day, chunk) for (family, day, _), chunk in zip(groups, chunks, strict=True)
    ], []


def _delete(tables: Tables) -> int:
    done = tables.conn.execute(
        "DELETE FROM chunk WHERE id IN (SELECT c.id FROM chunk c, store s WHERE c.id > s.high "
        "AND c.seal > s.watermark LIMIT ?)",
        (4 * STEP,),
    )
    return done.rowcount
