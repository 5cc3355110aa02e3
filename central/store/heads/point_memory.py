"""What is known of every point without asking: its newest reading and its newest good number.

Kept in pages with every seal, rebuilt from them and from what the journal holds above. Changed on
the event loop only; the writer's thread asks for good numbers when a rule begins.
"""

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from central.database import Database
from central.store import late
from central.store.columns import Columns, Integers
from central.store.heads.folding import Folding
from central.store.heads.good_numbers import GoodNumber, GoodNumbers, newest_of
from central.store.heads.head_pages import PAGE
from central.store.heads.heads import Heads, Names
from central.store.points import PointReadings
from central.store.squeezed import Damaged, Undecodable, inflated
from central.store.unsealed import Block
from central.store.views.reading import END

NEWEST: Final = "newest"
GOOD: Final = "good"
MOST_PAGE: Final = 64 << 20
"""Bytes a page may inflate to: texts may be long."""


class Spoilt(NamedTuple):
    """A page that cannot be read."""

    kind: str
    page: int
    body: bytes
    reason: str


class PointMemory:
    """Heads and good numbers of all points, and which of them no page has yet."""

    def __init__(self, names: Names) -> None:
        self.heads = Heads(names)
        self._good = GoodNumbers()
        self._lock = threading.Lock()
        self._unfolded: list[Block] = []
        self._dirty = np.zeros(1, np.bool_)
        self._given = np.zeros(1, np.bool_)
        """By page: what changed since pages were kept, and what was given to be kept."""

    async def load(self, db: Database) -> list[Spoilt]:
        """Read the pages, and return those that cannot be read: `begin` has to do their points.

        Of a database without pages the rows of older versions. Raises Undecodable.
        """
        pages = await db.read(_pages, deadline=600)
        spoilt = []
        for kind, page, body in pages:
            holder = self.heads if kind == NEWEST else self._good
            try:
                holder.put_page(page, inflated(body, MOST_PAGE))
            except Undecodable:
                raise
            except (Damaged, ValueError) as exc:
                why = exc.params["reason"] if isinstance(exc, Damaged) else exc
                spoilt.append(Spoilt(kind, page, body, str(why)))
        if pages:
            return spoilt
        for number, newest, good in await db.read(_of_rows, deadline=600):
            self._begin(number, newest, good)
        return []

    def take(self, block: Block) -> None:
        """Take a committed block."""
        with self._lock:
            self._unfolded.append(block)
        self.heads.note(block.rows, block.received)

    def fold(self) -> None:
        """Look through blocks for good numbers, many at a time: only who begins a rule asks.

        May be called in any thread; others wait for the little that is left of them.
        """
        with self._lock:
            blocks = list(self._unfolded)
            if not blocks:
                return
            self._good.reach(max(block.high for block in blocks))
            folding = Folding(self._good.times.copy())
        left = folding.newest(blocks)
        with self._lock:
            taken = {block.id for block in blocks}
            self._unfolded = [block for block in self._unfolded if block.id not in taken]
            for points in folding.points:
                self._mark(points)
            if not left:
                return
            sizes = [len(rows) for _, rows in left]
            self._good.take(
                Columns.joined([rows for _, rows in left]),
                np.repeat([block.received for block, _ in left], sizes),
                np.repeat([block.line for block, _ in left], sizes),
            )

    def newest_good(self, number: int, pending: Sequence[Block]) -> GoodNumber | None:
        """Return a point's newest good number; `pending` is what was appended since."""
        return self.newest_good_all([number], pending).get(number)

    def newest_good_all(
        self, numbers: Iterable[int], pending: Sequence[Block]
    ) -> dict[int, GoodNumber]:
        """Return the same of each of these points that has one."""
        asked = np.fromiter(numbers, np.int64)
        if self._unfolded:
            self.fold()
        with self._lock:
            known = self._good.newest_all(asked)
        for block in pending:
            for number in asked[(asked >= block.low) & (asked <= block.high)].tolist():
                own = block.rows.take(np.flatnonzero(block.rows.points == number))
                found = newest_of(own, block.received, block.line)
                before = known.get(number)
                if found is not None and (before is None or found.time > before.time):
                    known[number] = found
        return known

    def pages(self) -> dict[tuple[str, int], bytes]:
        """Return what changed since pages were last kept, by kind and page."""
        self.fold()
        with self._lock:
            size = max(len(self._given), len(self._dirty))
            self._given = _reaching(self._given, size) | _reaching(self._dirty, size)
            self._dirty = np.zeros(size, np.bool_)
        numbers = np.flatnonzero(self._given) * PAGE
        made = {(NEWEST, page): body for page, body in self.heads.pages(numbers).items()}
        with self._lock:
            return made | {(GOOD, page): body for page, body in self._good.pages(numbers).items()}

    def kept(self) -> None:
        """What `pages` returned last is durable; until then it comes again."""
        self._given = np.zeros(1, np.bool_)

    def begin(self, number: int, newest: PointReadings) -> None:
        """Take what the store has of a point whose page could not be read."""
        received, stream = int(newest.received[-1]), int(newest.streams[-1])
        self._begin(number, newest, newest_of(_columns(number, newest), received, stream))

    def _mark(self, points: Integers) -> None:
        pages = points // PAGE
        try:
            self._dirty[pages] = True
        except IndexError:
            self._dirty = _reaching(self._dirty, 2 * int(pages.max()) + 1)
            self._dirty[pages] = True

    def _begin(self, number: int, newest: PointReadings, good: GoodNumber | None) -> None:
        rows = _columns(number, newest)
        self.heads.take(rows, int(newest.received[-1]))
        if good is not None:
            one = Columns.of(
                [rows[0]._replace(time=good.time, value=good.value, quality=0, flags=0)]
            )
            self._good.take(one, good.received, good.stream)
        self._mark(np.array([number]))


def _reaching(marks: NDArray[np.bool_], size: int) -> NDArray[np.bool_]:
    return np.append(marks, np.zeros(max(0, size - len(marks)), np.bool_))


def _pages(conn: sqlite3.Connection) -> list[tuple[str, int, bytes]]:
    return conn.execute("SELECT kind, page, body FROM head").fetchall()


def _of_rows(
    conn: sqlite3.Connection,
) -> list[tuple[int, PointReadings, GoodNumber | None]]:
    return [
        (number, late.newest(conn, number, END, END), late.newest_good(conn, number))
        for number in late.points(conn)
    ]


def _columns(number: int, readings: PointReadings) -> Columns:
    return Columns(
        np.full(len(readings), number, np.int64),
        readings.times,
        readings.seqs,
        readings.values,
        readings.qualities,
        readings.flags,
    )
