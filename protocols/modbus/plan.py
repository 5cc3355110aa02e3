"""Points of a device into few block reads, and what is learnt when the device refuses one (pure).

Invariants: every point is in exactly one block; no value is cut; no block crosses tables, is longer
than the device or the protocol allows, or reads more than `max_gap` unused registers at a stretch.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from protocols.clock import HOUR, MINUTE
from protocols.device import Point
from protocols.modbus.codec import DecodeBlock, compile_block, modbus_address
from protocols.modbus.forms import BIT_TABLES, MAX_BITS, MAX_REGISTERS, width_of

BITS_PER_REGISTER: Final = 16
"""`max_gap` and `max_block` speak of registers; a coil is a sixteenth of one."""

SILENCES_BEFORE_REST: Final = 2
REST: Final = MINUTE
"""A block that twice met silence while others were answered is asked once a minute: some devices
do not answer at all where they should refuse, and each try costs the bus a whole timeout."""

LEARNT_FOR: Final = (MINUTE, HOUR, 24 * HOUR)
"""How long a refused address is not asked again, the first, the second and every further time. A
device that is starting up refuses what it will have in a minute; a firmware changes rarely."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """One request: `count` cells of `table` from `address`, and the points it answers.

    Compared by identity: what is learnt belongs to one request of one plan, at no cost a read.
    """

    table: str
    address: int
    count: int
    points: tuple[Point, ...]
    decode: DecodeBlock = field(repr=False)


def plan(points: Sequence[Point], *, max_block: int = 120, max_gap: int = 8) -> tuple[Block, ...]:
    """Return the block reads that cover all `points`. Raises ValueError if a sheet is wrong.

    `max_block` and `max_gap` are in registers; a single value longer than `max_block` is still
    read whole, as a value must never be torn.
    """
    ordered = sorted(points, key=_place)
    blocks: list[Block] = []
    for table, group in groupby(ordered, key=_table):
        blocks += _merge(table, list(group), max_block, max_gap)
    return tuple(blocks)


def _table(point: Point) -> str:
    return modbus_address(point.sheet).table


def _place(point: Point) -> tuple[str, int, int, int]:
    address = modbus_address(point.sheet)
    return address.table, address.address, width_of(address), point.index


def _merge(table: str, points: list[Point], max_block: int, max_gap: int) -> Iterable[Block]:
    cells = BITS_PER_REGISTER if table in BIT_TABLES else 1
    longest = min(max(1, max_block) * cells, MAX_BITS if table in BIT_TABLES else MAX_REGISTERS)
    gap = max(0, max_gap) * cells
    chosen: list[Point] = []
    start = end = 0
    for point in points:
        address = modbus_address(point.sheet)
        stop = address.address + width_of(address)
        if chosen and (address.address - end > gap or max(end, stop) - start > longest):
            yield block_of(table, chosen)
            chosen = []
        if not chosen:
            start = end = address.address
        chosen.append(point)
        end = max(end, stop)
    if chosen:
        yield block_of(table, chosen)


def block_of(table: str, points: Sequence[Point]) -> Block:
    """Return the smallest block that reads `points`, all of one table."""
    places = [modbus_address(point.sheet) for point in points]
    start = min(place.address for place in places)
    count = max(place.address + width_of(place) for place in places) - start
    decode = compile_block(points, table, start, count)
    return Block(table, start, count, tuple(points), decode)


def halves(block: Block) -> tuple[Block, ...]:
    """Return the block cut in two between values, or nothing if it holds but one place."""
    places = sorted({modbus_address(point.sheet).address for point in block.points})
    if len(places) < 2:
        return ()
    border = places[len(places) // 2]
    left = [point for point in block.points if modbus_address(point.sheet).address < border]
    right = [point for point in block.points if modbus_address(point.sheet).address >= border]
    return block_of(block.table, left), block_of(block.table, right)


class LivePlan:
    """The plan of one device as its answers have taught: split blocks, refused places.

    Time is microseconds of any clock that does not jump. What was learnt is forgotten after a
    while (`LEARNT_FOR`) and the device asked afresh, longer each time it teaches the same again.
    """

    def __init__(self, blocks: Sequence[Block]) -> None:
        self._original = tuple(blocks)
        self._blocks = list(blocks)
        self._refused: dict[Block, int] = {}
        self._silences: dict[Block, tuple[int, int]] = {}
        self._forget_at: int | None = None
        self._lessons = 0

    def blocks(self, now: int) -> tuple[Block, ...]:
        """Return what to ask now, in order: to be called once a read."""
        if self._forget_at is None:
            self._lessons = 0
        elif now >= self._forget_at:
            self._blocks = list(self._original)
            self._refused.clear()
            self._silences.clear()
            self._forget_at = None
        return tuple(block for block in self._blocks if not self._rests(block, now))

    def resting(self, now: int) -> tuple[Block, ...]:
        """Return what is not asked now, as the device kept silent about it and answered others."""
        return tuple(block for block in self._blocks if self._rests(block, now))

    def _rests(self, block: Block, now: int) -> bool:
        count, since = self._silences.get(block, (0, 0))
        return count >= SILENCES_BEFORE_REST and now < since + REST

    def refused(self) -> dict[Block, int]:
        """Return the places that are not asked, each with the exception the device gave."""
        return dict(self._refused)

    def refuse(self, block: Block, exception: int, now: int) -> tuple[Block, ...]:
        """Learn that the device refused `block`: its halves replace it and are returned.

        A block that cannot be cut is not asked again until what was learnt is forgotten.
        """
        parts = halves(block)
        place = self._blocks.index(block)
        self._blocks[place : place + 1] = parts
        if not parts:
            self._refused[block] = exception
        if self._forget_at is None:
            self._forget_at = now + LEARNT_FOR[min(self._lessons, len(LEARNT_FOR) - 1)]
            self._lessons += 1
        return parts

    def silent(self, block: Block, now: int, *, others_answered: bool) -> None:
        """Learn that nothing came back for `block`: it is asked last from now on.

        So a block that is never answered cannot hide that its device is alive.
        """
        self._blocks.remove(block)
        self._blocks.append(block)
        if others_answered:
            self._silences[block] = (self._silences.get(block, (0, 0))[0] + 1, now)

    def answered(self, block: Block) -> None:
        """Learn that `block` was answered."""
        self._silences.pop(block, None)
