"""One point's readings from wherever they are: chunks, rows, and what is not sealed yet.

Every reading exactly once: what is in memory is taken before the database's snapshot is, and of it
only what lies above the snapshot's watermark; of chunks only those at or below it. A question that
needs a damaged chunk is refused by name (`ChunkUnreadable`): nothing is silently left out.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np

from central.store import chunks, journal, late
from central.store.codec.chunk import ChunkDamaged, decode, summary_of
from central.store.damage import unreadable
from central.store.families import Place, place_of
from central.store.points import PointReadings, summary
from central.store.tiers import tiers
from central.store.unsealed import Block, Held, Unsealed, of_point

BLOCK: Final = 100_000
END: Final = 2**62
"""After every time."""
Load = Callable[[], PointReadings]


class View:
    """A snapshot of the database with what was not sealed when it began; made by `look`."""

    def __init__(
        self,
        conn: sqlite3.Connection,
        unsealed: Unsealed,
        held: Held,
        watermark: int,
    ) -> None:
        self.conn = conn
        self.unsealed = unsealed
        self.held = held
        self.watermark = watermark

    def read(self, number: int, start: int, end: int) -> PointReadings:
        """Return a point's readings with start <= time < end, in order."""
        parts = [load() for _, load in self._stored(number, start, end)]
        parts += self._memory(number, start, end)
        return PointReadings.merged(parts)

    def pieces(self, number: int, start: int, end: int) -> Iterator[tuple[Any, Load]]:
        """Yield (SUMMARY, load) of parts of a point's readings, in no order.

        `load` gives those with start <= time < end; the summary is of the whole part, which may
        reach beyond. Nothing is decoded before `load` is called.
        """
        yield from self._stored(number, start, end)
        for part in self._memory(number, start, end):
            yield summary(part), lambda part=part: part  # type: ignore[misc]

    def rolled(self, number: int, start: int, end: int) -> Iterator[tuple[Any, Load]]:
        """Yield (SUMMARY, load) of each minute or hour whose readings have gone.

        They belong to [start, end) by their first reading; `load` gives the first and the last.
        """
        yield from tiers.pieces(self.conn, place_of(self.conn, number), start, end)

    def blocks(
        self, number: int, start: int, end: int, size: int = BLOCK
    ) -> Iterator[PointReadings]:
        """Yield the readings of [start, end) in order, in blocks of about `size`.

        No two readings of one moment are in two blocks.
        """
        for first, last in self._windows(number, start, end, size):
            found = self.read(number, first, last)
            if len(found):
                yield found

    def _windows(self, number: int, start: int, end: int, size: int) -> Iterator[tuple[int, int]]:
        """Yield spans of time that follow each other, each of about `size` readings."""
        place = self._place(number)
        held = 0
        for each in self._chunks(place, start, end) if place is not None else ():
            if held >= size and each.t0 > start:
                yield start, each.t0
                start, held = each.t0, 0
            held += each.n // each.members.bit_count()
        yield start, end

    def newest_arrived(self, number: int, by: int) -> PointReadings:
        """Return the newest reading by source time of those received at or before `by`, or none."""
        return self.newest(number, END - 1, by)

    def newest(self, number: int, at: int, arrived: int = END) -> PointReadings:
        """Return the newest reading (or none) with time <= at that had arrived by `arrived`."""
        found = self._memory(number, 0, at + 1)
        found.append(late.newest(self.conn, number, at, arrived))
        best = _last(PointReadings.merged([_arrived(part, arrived) for part in found]))
        place = place_of(self.conn, number)
        if place is None:
            return best
        for day in chunks.days(self.conn, place.family, at // chunks.DAY):
            start = day * chunks.DAY
            if len(best) and best.times[0] >= start + chunks.DAY:
                break
            end = min(start + chunks.DAY, at + 1)
            best = self._newest_of_day(number, (start, end), arrived, best)
            if len(best) and best.times[0] >= start:
                break
        return best

    def _newest_of_day(
        self, number: int, span: tuple[int, int], arrived: int, best: PointReadings
    ) -> PointReadings:
        for found, load in sorted(
            self._stored(number, *span), key=lambda part: -int(part[0]["t1"])
        ):
            if len(best) and found["t1"] < best.times[0]:
                break
            best = _last(PointReadings.merged([best, _arrived(load(), arrived)]))
        return best

    def _stored(self, number: int, start: int, end: int) -> Iterator[tuple[Any, Load]]:
        place = self._place(number)
        if place is not None:
            for found in self._chunks(place, start, end):
                try:
                    one = self._summary(found, _row(found.members, place))
                except ChunkDamaged as exc:
                    raise unreadable(self.conn, found.id, exc.params["why"]) from exc
                if one["t0"] < end and one["t1"] >= start:
                    yield one, self._loader(found.id, place, start, end)
        rows = self._rows(number, start, end)
        if len(rows):
            yield summary(rows), lambda: rows

    # What is looked up for one point; a view of many looks it up for all.

    def _place(self, number: int) -> Place | None:
        return place_of(self.conn, number)

    def _chunks(self, place: Place, start: int, end: int) -> Sequence[chunks.Found]:
        return chunks.find(self.conn, place, start, end)

    def _summary(self, found: chunks.Found, row: int) -> Any:
        return summary_of(chunks.summary_of(self.conn, found.id), row)

    def _rows(self, number: int, start: int, end: int) -> PointReadings:
        return late.read(self.conn, number, start, end)

    def _loader(self, id_: int, place: Place, start: int, end: int) -> Load:
        def load() -> PointReadings:
            (body,) = chunks.bodies(self.conn, (id_,))
            try:
                found: PointReadings = decode(body, place.member)
            except ChunkDamaged as exc:
                raise unreadable(self.conn, id_, exc.params["why"]) from exc
            return found.between(start, end)

        return load

    def _memory(self, number: int, start: int, end: int) -> list[PointReadings]:
        return of_point(self.unsealed.find(number, self.held), number, self.watermark, (start, end))


def look(conn: sqlite3.Connection, unsealed: Unsealed | None = None) -> View:
    """Return a view of the connection's snapshot; without `unsealed` the journal itself is read.

    Nothing may have been read on the connection's transaction before.
    """
    if unsealed is None:
        unsealed = journal_of(conn)
    held = unsealed.now()
    return View(conn, unsealed, held, chunks.watermark(conn))


def journal_of(conn: sqlite3.Connection) -> Unsealed:
    """Return what the journal holds and no chunk does."""
    held = Unsealed()
    for entry in journal.after(conn, chunks.watermark(conn)):
        held.add(Block.of(entry.id, entry.stream, entry.received, journal.unpack(entry.body)))
    return held


def _row(members: int, place: Place) -> int:
    """Return which of a chunk's members a place is."""
    return (members & ((1 << place.member) - 1)).bit_count()


def _arrived(readings: PointReadings, by: int) -> PointReadings:
    if by >= END or not len(readings):
        return readings
    return readings.take(np.flatnonzero(readings.received <= by))


def _last(readings: PointReadings) -> PointReadings:
    return readings.take(slice(len(readings) - 1, len(readings))) if len(readings) else readings
