"""What is not sealed yet of many points, by one look at every piece of it."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from central.store.columns import Integers
from central.store.points import EMPTY, PointReadings
from central.store.unsealed import Block, Piece, Run
from central.store.values import Values

_COUNTED: Final = 500_000
"""Readings of blocks that are counted together."""


class Readings(NamedTuple):
    """Readings of several points; `points` says whose each is. In no order."""

    points: Integers
    columns: PointReadings

    def __len__(self) -> int:
        return len(self.points)

    def take(self, places: Integers) -> "Readings":
        """Return those at `places`."""
        return Readings(self.points[places], self.columns.take(places))


def joined(parts: Sequence[Readings]) -> Readings:
    """Return all of them."""
    parts = [part for part in parts if len(part)]
    if len(parts) < 2:
        return parts[0] if parts else Readings(EMPTY.times, EMPTY)
    names = ("times", "streams", "seqs", "received", "qualities", "flags")
    times, streams, seqs, received, qualities, flags = (
        np.concatenate([getattr(part.columns, name) for part in parts]) for name in names
    )
    values = Values.joined([part.columns.values for part in parts])
    columns = PointReadings(times, streams, seqs, received, values, qualities, flags)
    return Readings(np.concatenate([part.points for part in parts]), columns)


def newest(found: Readings) -> Readings:
    """Return the last of each point in order of (time, stream, seq), in order of point."""
    if not len(found):
        return found
    points, columns = found
    last = np.full(int(points.max()) + 1, np.iinfo(np.int64).min)
    np.maximum.at(last, points, columns.times)
    at = np.flatnonzero(columns.times == last[points])
    at = at[np.lexsort((columns.seqs[at], columns.streams[at], points[at]))]
    own = points[at]
    return found.take(at[np.append(own[1:] != own[:-1], True)])


def divided(found: Readings) -> dict[int, PointReadings]:
    """Return the readings of each point there is, in order."""
    points, columns = found
    order = np.lexsort((columns.seqs, columns.streams, columns.times, points))
    points, columns = found.take(order)
    first = np.flatnonzero(np.append(True, points[1:] != points[:-1])[: len(points)])
    ends = [*first[1:].tolist(), len(points)]
    return {
        number: columns.take(slice(start, end))
        for number, start, end in zip(points[first].tolist(), first.tolist(), ends, strict=False)
    }


def gather(
    pieces: Iterable[Piece], numbers: Integers, above: int, span: tuple[int, int]
) -> Readings:
    """Return what there is of `numbers` (in order, each once, at least one).

    As `unsealed.of_point`: span[0] <= time < span[1], journal ids over `above`.
    """
    low, high = int(numbers[0]), int(numbers[-1])
    here = [piece for piece in pieces if piece.low <= high and piece.high >= low]
    runs = [_of_run(piece, numbers, above, span) for piece in here if isinstance(piece, Run)]
    blocks = [piece for piece in here if isinstance(piece, Block) and piece.id > above]
    return joined([*runs, *([_of_blocks(blocks, numbers, span)] if blocks else [])])


def counted(pieces: Iterable[Piece], size: int, above: int, span: tuple[int, int]) -> Integers:
    """Return how many readings there are of each point with a number below `size`."""
    found = np.zeros(size, np.int64)
    loose: list[Block] = []
    held = 0
    for piece in pieces:
        if isinstance(piece, Run):
            inside = (piece.ids > above) & _within(piece.rows.times, span)
            _add(found, piece.rows.points, inside)
        elif piece.id > above:
            loose.append(piece)
            held += len(piece)
            if held >= _COUNTED:
                _add_blocks(found, loose, span)
                loose, held = [], 0
    if loose:
        _add_blocks(found, loose, span)
    return found


def _add_blocks(found: Integers, blocks: Sequence[Block], span: tuple[int, int]) -> None:
    times = np.concatenate([block.rows.times for block in blocks])
    points = np.concatenate([block.rows.points for block in blocks])
    _add(found, points, _within(times, span))


def _add(found: Integers, points: Integers, inside: NDArray[np.bool_]) -> None:
    own = points if inside.all() else points[inside]
    size = len(found)
    found += np.bincount(own, minlength=size)[:size]


def _within(times: Integers, span: tuple[int, int]) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = (times >= span[0]) & (times < span[1])
    return inside


def _of_run(run: Run, numbers: Integers, above: int, span: tuple[int, int]) -> Readings:
    points = run.rows.points
    asked = numbers.astype(points.dtype)  # of another type all of the run would be copied
    first = np.searchsorted(points, asked)
    sizes = np.searchsorted(points, asked, side="right") - first
    ends = np.cumsum(sizes)
    places = np.arange(ends[-1]) + np.repeat(first - ends + sizes, sizes)
    kept = (run.ids[places] > above) & _within(run.rows.times[places], span)
    if not kept.all():
        places = places[kept]
    rows = run.rows
    columns = PointReadings(
        rows.times[places],
        run.streams[places].astype(np.int64),
        rows.seqs[places],
        run.received[places],
        rows.values.take(places),
        rows.qualities[places].astype(np.int64),
        rows.flags[places].astype(np.int64),
    )
    return Readings(points[places].astype(np.int64), columns)


def _of_blocks(blocks: Sequence[Block], numbers: Integers, span: tuple[int, int]) -> Readings:
    high = int(numbers[-1])
    wanted = np.zeros(high + 2, np.bool_)
    wanted[numbers] = True
    rows = [block.rows for block in blocks]
    points = np.concatenate([each.points for each in rows])
    times = np.concatenate([each.times for each in rows])
    places = np.flatnonzero(wanted[np.minimum(points, high + 1)] & _within(times, span))
    sizes = [len(block) for block in blocks]
    owner = np.repeat(np.arange(len(blocks)), sizes)[places]
    columns = PointReadings(
        times[places],
        np.array([block.stream for block in blocks], np.int64)[owner],
        np.concatenate([each.seqs for each in rows])[places],
        np.array([block.received for block in blocks], np.int64)[owner],
        Values.joined([each.values for each in rows]).take(places),
        np.concatenate([each.qualities for each in rows])[places].astype(np.int64),
        np.concatenate([each.flags for each in rows])[places].astype(np.int64),
    )
    return Readings(points[places].astype(np.int64), columns)
