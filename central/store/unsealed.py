"""Readings that are in the journal and in no chunk yet, in memory, found by point.

A block is what one transaction brought of a stream. Blocks are added on the event loop after their
commit, asked by any thread, and dropped when a seal has covered them. A stream's many small blocks
are put together, sorted by point, the first time somebody asks: ingest does not pay for questions
nobody has.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from central.store.columns import Columns, Integers
from central.store.points import RECEIVED_UNIT, PointReadings
from central.store.values import Values

LOOSE: Final = 16
"""Blocks of a stream that are looked through one by one; more are put together first."""
RUN: Final = 250_000
"""Readings of a run that is complete: it is not sorted again."""


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
        made.low, made.high = int(rows.points.min()), int(rows.points.max())
        return made

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(eq=False, slots=True)
class Run:
    """Blocks put together, in order of point, those of a point in order of arrival."""

    ids: Integers
    received: Integers
    rows: Columns
    low: int
    high: int

    def __len__(self) -> int:
        return len(self.rows)


Piece = Block | Run


@dataclass(eq=False, slots=True)
class Stream:
    """A stream's pieces: sorted runs first, then what came since."""

    runs: list[Run] = field(default_factory=list)
    loose: list[Block] = field(default_factory=list)

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """All of them, in order of arrival."""
        return (*self.runs, *self.loose)


class Unsealed:
    """All blocks above the watermark, by stream; safe to ask from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sorting = threading.Lock()
        self._streams: dict[int, Stream] = {}
        self._blocks: list[Block] = []
        self.readings = 0

    def add(self, block: Block) -> None:
        """Take a block whose transaction is durable."""
        with self._lock:
            self._blocks.append(block)
            self._streams.setdefault(block.stream, Stream()).loose.append(block)
            self.readings += len(block)
            block.durable = True

    def blocks(self) -> list[Block]:
        """Return every block, in order."""
        with self._lock:
            return list(self._blocks)

    def drop(self, watermark: int) -> None:
        """Let go of what a seal has covered. Whoever holds an older `now` keeps it as it was."""
        with self._lock:
            self._blocks = [block for block in self._blocks if block.id > watermark]
            self._streams = {}
            for block in self._blocks:
                self._streams.setdefault(block.stream, Stream()).loose.append(block)
            self.readings = sum(map(len, self._blocks))

    def now(self) -> dict[int, "Stream"]:
        """Return what is here now; nothing leaves it, though newer blocks may come."""
        with self._lock:
            return self._streams

    def find(self, number: int, held: dict[int, "Stream"]) -> list[tuple[int, Piece]]:
        """Return (stream, piece) of every piece of `held` that may hold the point."""
        for crowded in self._crowded(number, held):
            self._put_together(crowded)
        with self._lock:
            return [
                (stream, each)
                for stream, one in held.items()
                for each in one.pieces
                if _covers(each, number)
            ]

    def _crowded(self, number: int, held: dict[int, "Stream"]) -> list["Stream"]:
        with self._lock:
            return [
                one
                for one in held.values()
                if len(one.loose) > LOOSE and any(_covers(each, number) for each in one.loose)
            ]

    def _put_together(self, held: "Stream") -> None:
        """Make the loose blocks, and a run that is not complete yet, one run.

        Sorted without the lock, so that no commit waits for a question.
        """
        with self._sorting:
            with self._lock:
                loose, runs = list(held.loose), held.runs
            if not loose:
                return  # somebody else was here
            last = runs[-1:] if runs and len(runs[-1]) < RUN else []
            made = _sorted(last, loose)
            with self._lock:
                held.runs = [*runs[: len(runs) - len(last)], made]
                held.loose = held.loose[len(loose) :]


def of_point(
    found: Iterable[tuple[int, Piece]], number: int, above: int, span: tuple[int, int]
) -> list[PointReadings]:
    """Return a point's readings with span[0] <= time < span[1] and a journal id over `above`."""
    parts = []
    for stream, piece in found:
        places = _places(piece, number)
        if not len(places):
            continue
        if isinstance(piece, Block):
            if piece.id <= above:
                continue
            received = np.full(len(places), piece.received)
        else:
            places = places[piece.ids[places] > above]
            received = piece.received[places]
        times = piece.rows.times[places]
        inside = (times >= span[0]) & (times < span[1])
        if not inside.all():
            places, received = places[inside], received[inside]
        if len(places):
            parts.append(_taken(piece.rows, places, stream, received))
    return parts


def _taken(rows: Columns, places: Integers, stream: int, received: Integers) -> PointReadings:
    times, seqs = rows.times[places], rows.seqs[places]
    if len(times) > 1 and not bool((times[1:] > times[:-1]).all()):
        order = np.lexsort((seqs, times))
        places, received = places[order], received[order]
        times, seqs = rows.times[places], rows.seqs[places]
    return PointReadings(
        times=times,
        streams=np.full(len(places), stream, np.int64),
        seqs=seqs,
        received=received,
        values=rows.values.take(places),
        qualities=rows.qualities[places].astype(np.int64),
        flags=rows.flags[places].astype(np.int64),
    )


def _places(piece: Piece, number: int) -> Integers:
    points = piece.rows.points
    if isinstance(piece, Block):
        return np.flatnonzero(points == number)
    first, last = np.searchsorted(points, [number, number + 1])
    return np.arange(first, last)


def _covers(piece: Piece, number: int) -> bool:
    return piece.low <= number <= piece.high


def _sorted(runs: list[Run], blocks: list[Block]) -> Run:
    rows = Columns.joined([*(run.rows for run in runs), *(block.rows for block in blocks)])
    ids = [*(run.ids for run in runs), *(np.full(len(block), block.id) for block in blocks)]
    received = [run.received for run in runs]
    received += [np.full(len(block), block.received) for block in blocks]
    order = np.argsort(rows.points, kind="stable")
    return Run(
        np.concatenate(ids)[order],
        np.concatenate(received)[order],
        rows.take(order),
        int(rows.points[order[0]]),
        int(rows.points[order[-1]]),
    )


def _compact(rows: Columns) -> Columns:
    """Return the same rows in less memory: one cell where a column says but one thing."""
    values = rows.values
    return Columns(
        rows.points.astype(np.int32),  # half the memory
        rows.times,
        rows.seqs,
        Values(_one(values.kinds), values.numbers, values.others),
        _one(rows.qualities),
        _one(rows.flags),
    )


def _one(column: NDArray[Any]) -> NDArray[Any]:
    if len(column) and bool((column == column[0]).all()):
        return np.broadcast_to(column[:1].copy()[0], column.shape)
    return column
