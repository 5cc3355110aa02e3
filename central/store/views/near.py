"""A view for one small question on the event loop: all of a point's chunks by one statement.

Raises TooMuch before it reads or decodes more than some thousand cells. What a chunk, or a run of
what is not sealed, holds of a point is remembered, and which chunks there are: pages and programs
ask again for what they saw a moment ago, and then SQLite is not asked at all.
"""

import sqlite3
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from typing import Any, Final

from central.near import TooMuch
from central.store import chunks, late
from central.store.codec.chunk import ChunkDamaged, decode
from central.store.codec.chunk_frame import size_of
from central.store.damage import unreadable
from central.store.families import Families, Place
from central.store.parts import Part, in_order
from central.store.points import EMPTY, PointReadings
from central.store.tiers import tiers
from central.store.unsealed import Piece, Run, Unsealed, of_point
from central.store.views.days import Days
from central.store.views.reading import BLOCK, END, Load, View

CHUNKS: Final = 8
CELLS: Final = 40_000
"""Of all members of these chunks: about 1 ms to inflate."""
READINGS: Final = 2_000
"""Of the point: what can be made JSON in a millisecond."""
ROWS: Final = 300
BYTES: Final = 1 << 20
"""A chunk's columns: texts take more than numbers."""
PIECES: Final = 12
"""What is not sealed yet and is looked through."""
REMEMBERED: Final = 100_000
"""Readings: about 15 MB with their texts."""

Key = tuple[Hashable, ...]
"""A chunk and one of its members, or a run by its name, a point and a watermark."""


class Remembered:
    """What chunks and runs hold of points, the last asked for; the event loop's."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self.days = Days()
        self._held: OrderedDict[Key, Part] = OrderedDict()
        self.readings = 0

    def find(self, key: Key) -> Part | None:
        """Return what is remembered."""
        found = self._held.get(key)
        if found is not None:
            self._held.move_to_end(key)
        return found

    def put(self, key: Key, found: Part) -> None:
        """Remember it, and forget what nobody has asked for the longest time."""
        self._held[key] = found
        self.readings += len(found)
        while self.readings > self._most:
            self.readings -= len(self._held.popitem(last=False)[1])


class NearView(View):
    """As `View`, of little and of one point; its pieces come as one, without a summary.

    `days`: which chunks there are, where that may be remembered.
    """

    def __init__(
        self, view: View, families: Families, remembered: Remembered, days: Days | None
    ) -> None:
        super().__init__(view.conn, view.unsealed, view.held, view.watermark)
        self._families = families
        self._remembered = remembered
        self._days = days

    def read(self, number: int, start: int, end: int) -> PointReadings:
        """Return a point's readings with start <= time < end, in order. Raises TooMuch."""
        return PointReadings.merged([part.readings for part in self.parts(number, start, end)])

    def parts(self, number: int, start: int, end: int) -> list[Part]:
        """Return what `read` returns, in parts; a chunk's are those of the last question."""
        place = self._families.place(number)
        found = [] if place is None else self._sealed(place, start, end)
        pieces = self._few(number)
        found += [self._of_run(each, number, start, end) for each in pieces if type(each) is Run]
        loose = [each for each in pieces if type(each) is not Run]
        rest = of_point(loose, number, self.watermark, (start, end)) if loose else []
        if self._days is None or not self._days.plain(self.conn, number):
            rest.append(self._few_rows(number, start, end))
        rest = [part for part in rest if len(part)]
        if rest:
            found.append(Part(PointReadings.merged(rest)))
        if sum([part.count for part in found]) > READINGS:
            raise TooMuch
        return in_order(found)

    def pieces(self, number: int, start: int, end: int) -> Iterator[tuple[Any, Load]]:
        """Yield all of it in one piece."""
        found = self.read(number, start, end)
        if len(found):
            yield None, lambda: found

    def rolled(self, number: int, start: int, end: int) -> Iterator[tuple[Any, Load]]:
        """Yield nothing. Raises TooMuch where something has been rolled up."""
        place = self._families.place(number)
        if place is not None and self._rolled(place.family, start, end):
            raise TooMuch
        yield from ()

    def blocks(
        self, number: int, start: int, end: int, size: int = BLOCK
    ) -> Iterator[PointReadings]:
        """Yield all readings of [start, end) at once."""
        found = self.read(number, start, end)
        if len(found):
            yield found

    def _sealed(self, place: Place, start: int, end: int) -> list[Part]:
        found = None
        if self._days is not None:
            found = self._days.few(self.conn, place, start, end)
        if found is None:
            found = chunks.few(self.conn, place, (start, end), self.watermark, CHUNKS + 1)
        if len(found) > CHUNKS or sum([each.n for each in found]) > CELLS:
            raise TooMuch
        if sum([each.n // each.members.bit_count() for each in found]) > READINGS:
            raise TooMuch
        return [self._within(each, place, start, end) for each in found]

    def _rolled(self, family: int, start: int, end: int) -> bool:
        known = None
        if self._days is not None:
            known = self._days.rolled(self.conn, family, start, end)
        return tiers.some(self.conn, family, start, end) if known is None else known

    def _few_rows(self, number: int, start: int, end: int) -> PointReadings:
        rows = late.read(self.conn, number, start, end, ROWS + 1)
        if len(rows) > ROWS:
            raise TooMuch
        return rows

    def _within(self, chunk: chunks.Little, place: Place, start: int, end: int) -> Part:
        return self._own(chunk, place).within(start, end)

    def _own(self, chunk: chunks.Little, place: Place) -> Part:
        held = self._remembered.find((chunk, place.member))
        if held is not None:
            return held
        if chunk.size > BYTES:
            raise TooMuch
        body = next(iter(chunks.bodies(self.conn, (chunk.id,))), None)
        if body is None:  # another program took it away
            raise TooMuch
        try:
            if size_of(body) > BYTES:
                raise TooMuch
            found = Part(decode(body, place.member))
        except ChunkDamaged as exc:
            raise unreadable(self.conn, chunk.id, exc.params["why"]) from exc
        self._remembered.put((chunk, place.member), found)
        return found

    def _memory(self, number: int, start: int, end: int) -> list[PointReadings]:
        return of_point(self._few(number), number, self.watermark, (start, end))

    def _few(self, number: int) -> list[Piece]:
        found = self.unsealed.few(number, self.held, PIECES)
        if found is None:
            raise TooMuch
        return found

    def _of_run(self, run: Run, number: int, start: int, end: int) -> Part:
        key = (run.name, number, self.watermark)
        part = self._remembered.find(key)
        if part is not None:
            return part.within(start, end)
        first, last = run.bounds(number)
        few = last - first <= READINGS
        span = (-END, END) if few else (start, end)
        part = Part(next(iter(of_point((run,), number, self.watermark, span)), EMPTY))
        if few and part.count:
            self._remembered.put(key, part)
        return part.within(start, end)


def look_near(  # the snapshot, what is beside it, and what is remembered
    conn: sqlite3.Connection,
    unsealed: Unsealed,
    families: Families,
    remembered: Remembered,
    changes: int,
) -> NearView:
    """Return a near view; see `reading.look`. `changes`: the database's count of them."""
    held = unsealed.now()
    days = remembered.days
    if days.stands(changes):
        return NearView(View(conn, unsealed, held, days.watermark), families, remembered, days)
    watermark = chunks.watermark(conn)
    view = View(conn, unsealed, held, watermark)
    own = days if days.begin(changes, watermark) else None
    return NearView(view, families, remembered, own)
