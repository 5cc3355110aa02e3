"""Readings that are in the journal and in no chunk yet, in memory, found by point.

A block is what one transaction brought of a stream. Blocks are added on the event loop after their
commit, asked by any thread, and dropped when a seal has covered them. Many small blocks are put
together, sorted by point, the first time somebody asks: ingest does not pay for questions nobody
has.
"""

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from central.store.columns import Columns, Integers
from central.store.held import Holding, narrow
from central.store.point_column import as_constant
from central.store.points import RECEIVED_UNIT, PointReadings
from central.store.values import Values

FRESH: Final = 64
"""Blocks that are left as they came: those who hear of a commit look at all of it."""
AT_ONCE: Final = 16
"""Blocks that are made small together: each alone would find nothing of it in the caches."""
LOOSE: Final = 32
"""Blocks that are looked through one by one; more are put together first."""


@dataclass(eq=False, slots=True)
class Block:
    """Readings of one stream and one transaction; `id` is their journal row's."""

    id: int
    stream: int
    received: int
    """µs UTC, to the millisecond."""
    rows: Columns
    low: int = 0
    high: int = 0
    """The least and the greatest point."""
    line: int = 0
    """The stream the alarms know: of several that continue each other the first."""
    durable: bool = False
    """Its transaction is, and `Unsealed` has it."""

    @classmethod
    def of(  # what its row says, and what only its stream's does
        cls, id_: int, stream: int, received: int, rows: Columns, line: int | None = None
    ) -> "Block":
        """Return the block, its columns as small as they can be."""
        made = cls(id_, stream, received // RECEIVED_UNIT * RECEIVED_UNIT, _compact(rows))
        made.line = stream if line is None else line
        made.low, made.high = rows.column.low, rows.column.high
        return made

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(eq=False, slots=True)
class Run:
    """Blocks put together, in order of point, those of a point in order of arrival."""

    ids: Integers
    streams: Integers
    received: Integers
    rows: Columns
    low: int
    high: int
    name: object = field(default_factory=object)
    """What is remembered of it is remembered under this."""

    def __len__(self) -> int:
        return len(self.rows)

    def bounds(self, number: int) -> tuple[int, int]:
        """Return where the rows of a point, which lies within low and high, begin and end."""
        points = self.rows.points
        asked = points.dtype.type(number)  # of another type all of the run would be copied
        return int(points.searchsorted(asked)), int(points.searchsorted(asked, "right"))


Piece = Block | Run


@dataclass(eq=False, slots=True)
class Held:
    """What is in memory since a seal: runs, the largest first, and what came since."""

    runs: list[Run] = field(default_factory=list)
    loose: list[Block] = field(default_factory=list)

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """All of it."""
        return (*self.runs, *self.loose)


class Unsealed:
    """All blocks above the watermark; safe to ask from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sorting = threading.Lock()
        self._held = Held()
        self._blocks: list[Block] = []
        self._fresh: deque[Block] = deque()
        self._holding = Holding()
        self.readings = 0

    def add(self, block: Block) -> None:
        """Take a block whose transaction is durable."""
        with self._lock:
            self._blocks.append(block)
            self._held.loose.append(block)
            self.readings += len(block)
            block.durable = True
        self._fresh.append(block)
        if len(self._fresh) >= FRESH + AT_ONCE:
            for _ in range(AT_ONCE):
                old = self._fresh.popleft()
                old.rows = self._holding.held(old.rows)

    @property
    def many(self) -> int:
        """How many blocks there are."""
        return len(self._blocks)

    def blocks(self) -> list[Block]:
        """Return every block, in order."""
        with self._lock:
            return list(self._blocks)

    def drop(self, watermark: int) -> None:
        """Let go of what a seal has covered. Whoever holds an older `now` keeps it as it was."""
        with self._lock:
            self._blocks = [block for block in self._blocks if block.id > watermark]
            self._held = Held(loose=list(self._blocks))
            self.readings = sum(map(len, self._blocks))
        self._holding.forget()

    def now(self) -> Held:
        """Return what is here now; nothing leaves it, though newer blocks may come."""
        with self._lock:
            return self._held

    def pieces(self, held: Held) -> tuple[Piece, ...]:
        """Return every piece of `held`, as it is."""
        with self._lock:
            return held.pieces

    def find(self, number: int, held: Held) -> list[Piece]:
        """Return every piece of `held` that may hold the point."""
        if len(held.loose) > LOOSE:
            self._put_together(held)
        with self._lock:
            return [each for each in held.pieces if each.low <= number <= each.high]

    def few(self, number: int, held: Held, most: int) -> list[Piece] | None:
        """Return the pieces of `held` that may hold the point; None: they are more than `most`."""
        with self._lock:
            if len(held.loose) > LOOSE * most:
                return None
            found = [each for each in held.pieces if each.low <= number <= each.high]
        return found if len(found) <= most else None

    def _put_together(self, held: Held) -> None:
        """Make the loose blocks a run, together with the runs that are not much larger.

        Sorted without the lock, so that no commit waits for a question.
        """
        with self._sorting:
            with self._lock:
                loose, runs = list(held.loose), list(held.runs)
            if len(loose) <= LOOSE:
                return  # somebody else was here
            size, kept = sum(map(len, loose)), len(runs)
            while kept and len(runs[kept - 1]) < 2 * size:
                kept -= 1
                size += len(runs[kept])
            made = _sorted(runs[kept:], loose)
            with self._lock:
                held.runs = [*runs[:kept], made]
                held.loose = held.loose[len(loose) :]


def of_point(
    pieces: Iterable[Piece], number: int, above: int, span: tuple[int, int]
) -> list[PointReadings]:
    """Return a point's readings with span[0] <= time < span[1] and a journal id over `above`."""
    parts = []
    for piece in pieces:
        places = _places(piece, number)
        if isinstance(piece, Run):
            places = places[piece.ids[places] > above]
        elif piece.id <= above:
            continue
        times = piece.rows.times[places]
        places = places[(times >= span[0]) & (times < span[1])]
        if len(places):
            parts.append(_taken(piece, places))
    return parts


def _taken(piece: Piece, places: Integers) -> PointReadings:
    rows = piece.rows
    if isinstance(piece, Run):
        times, streams, seqs = rows.times[places], piece.streams[places], rows.seqs[places]
        order = np.lexsort((seqs, streams, times))
        places, streams = places[order], streams[order].astype(np.int64)
        received = piece.received[places]
    else:
        order = np.lexsort((rows.seqs[places], rows.times[places]))
        places = places[order]
        streams = np.full(len(places), piece.stream, np.int64)
        received = np.full(len(places), piece.received)
    return PointReadings(
        times=rows.times[places],
        streams=streams,
        seqs=rows.seqs[places],
        received=received,
        values=rows.values.take(places),
        qualities=rows.qualities[places].astype(np.int64),
        flags=rows.flags[places].astype(np.int64),
    )


def _places(piece: Piece, number: int) -> Integers:
    points = piece.rows.points
    if isinstance(piece, Block):
        return np.flatnonzero(points == number)
    first, last = piece.bounds(number)
    return np.arange(first, last)


def _sorted(runs: list[Run], blocks: list[Block]) -> Run:
    rows = Columns.joined([*(run.rows for run in runs), *(block.rows for block in blocks)])
    order = np.argsort(rows.points, kind="stable")
    ids = [*(run.ids for run in runs), *(np.full(len(each), each.id) for each in blocks)]
    streams = [run.streams for run in runs]
    streams += [np.full(len(each), each.stream) for each in blocks]
    received = [run.received for run in runs]
    received += [np.full(len(each), each.received) for each in blocks]
    held = Columns(
        rows.points[order],
        rows.times[order],
        rows.seqs[order],
        rows.values.take(order),
        narrow(rows.qualities)[order],
        narrow(rows.flags)[order],
    )
    return Run(
        narrow(np.concatenate(ids))[order],
        narrow(np.concatenate(streams))[order],
        np.concatenate(received)[order],
        held,
        int(rows.points[order[0]]),
        int(rows.points[order[-1]]),
    )


def _compact(rows: Columns) -> Columns:
    """Return the same rows in less memory: one cell where a column says but one thing."""
    values = rows.values
    made = Columns(
        rows.column.compact,
        rows.times,
        rows.seqs if rows.counted is None else rows.counted,
        Values(as_constant(values.kinds), values.numbers, values.others),
        as_constant(rows.qualities),
        as_constant(rows.flags),
    )
    made.span = rows.span
    return made.of_column(rows.column)
