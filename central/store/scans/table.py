"""Batches of the same points, one scan after the other, as one table: decoded all at once."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from central.ingest.placing import AHEAD
from central.store.as_sent import numbers_of
from central.store.codec.sheet import near
from central.store.columns import Integers
from central.store.interface import FLAG_ESTIMATED, FLAG_LATE, FLAG_SOURCE
from central.store.scans.batch import Numbers, Scan, Scanned, Shape
from central.wire.decoding_qualities import read_many
from protocols.alarms.condition import LIVE_DELAY

_FLAG: Final = np.uint8


class Table(NamedTuple):
    """A row for each scan, a column for each point, or for each moment of a scan (`times`).

    `moments` says which of them is each point's. `seqs` is the number of a row's first reading.
    A number is whole / 10^scale, but for those of points that are `spoilt`.
    """

    points: Integers
    moments: Integers
    times: Integers
    flags: NDArray[Any]
    streams: Integers
    received: Integers
    seqs: Integers
    qualities: NDArray[Any]
    scale: int
    whole: NDArray[Any]
    spoilt: NDArray[np.bool_]

    def take(self, rows: Integers | slice) -> "Table":
        """Return some rows, in their order."""
        return self._replace(
            times=self.times[rows],
            flags=self.flags[rows],
            streams=self.streams[rows],
            received=self.received[rows],
            seqs=self.seqs[rows],
            qualities=self.qualities[rows],
            whole=self.whole[rows],
        )


def table_of(scans: Sequence[Scan]) -> Table | None:
    """Return the table of batches of one shape (at least one); None: they are no table.

    Raises Unusual.
    """
    shape, index = scans[0].shape, scans[0].points
    batches = [scan.batch for scan in scans]
    if int(index[-1]) >= shape.numbers:
        return None
    width = len(index)
    each = shape.n // width
    starts = _starts(batches, shape.n, width)
    times = _times(batches, starts, shape)
    arrived = _column(batches, lambda batch: batch.arrived)
    if int(times.min()) < 0 or (times.max(axis=1) > arrived + AHEAD).any():
        return None
    seqs = _column(batches, lambda batch: batch.seq)[:, None] + width * np.arange(each)
    qualities = read_many([batch.qualities for batch in batches], shape.n)
    return Table(
        numbers_of(shape.stretches, shape.numbers)[index],
        np.searchsorted(starts[: len(starts) // each], np.arange(width), "right") - 1,
        times.reshape(len(batches) * each, -1),
        _flags(times, arrived, batches, shape).reshape(len(batches) * each, -1),
        np.repeat(_column(batches, lambda batch: batch.stream), each),
        np.repeat(_column(batches, lambda batch: batch.received), each),
        seqs.ravel(),
        qualities.reshape(-1, width, each).transpose(0, 2, 1).reshape(-1, width),
        shape.scale,
        near(_whole(batches, width, each).reshape(-1, width)),
        np.zeros(width, np.bool_),
    )


def _column(batches: Sequence[Scanned], of: Callable[[Scanned], int]) -> Integers:
    return np.array([of(batch) for batch in batches], np.int64)


def _starts(batches: Sequence[Scanned], n: int, width: int) -> Integers:
    """Return where moments begin in `n` rows of `width` a scan, the same in each scan and batch."""
    kinds = {batch.moments.groups for batch in batches}
    own = np.unique(np.concatenate([_starts_of(groups, n) % width for groups in kinds]))
    starts: Integers = (np.arange(0, n, width)[:, None] + own).ravel()
    return starts


def _starts_of(groups: tuple[int, ...], n: int) -> Integers:
    """Return the first row of each moment of a batch."""
    if len(groups) == 1:
        return np.arange(0, n, groups[0])
    return np.concatenate(([0], np.cumsum(groups[:-1])))


def _times(batches: Sequence[Scanned], starts: Integers, shape: Shape) -> Integers:
    """Return the UTC times of the rows `starts` of each batch."""
    times = np.empty((len(batches), len(starts)), np.int64)
    kinds: dict[tuple[int, ...], list[int]] = {}
    for place, batch in enumerate(batches):
        kinds.setdefault(batch.moments.groups, []).append(place)
    for groups, places in kinds.items():
        own = _starts_of(groups, shape.n)
        at = np.searchsorted(own, starts, "right") - 1
        times[places] = _moments([batches[place] for place in places], len(own))[:, at]
    if shape.source:
        return times
    newest = times.max(axis=1).tolist()
    times += np.array(
        [
            batch.arrived - last if batch.offset is None else batch.offset
            for batch, last in zip(batches, newest, strict=True)
        ]
    )[:, None]
    return times


def _moments(batches: Sequence[Scanned], count: int) -> Integers:
    """Return the moments of each batch as it tells them."""
    times = np.empty((len(batches), count), np.int64)
    times[:, 0] = [batch.moments.base for batch in batches]
    steps = times[:, 1:]
    steps[:] = _joined([batch.moments.steps for batch in batches], count - 1)
    steps *= np.array([10**batch.moments.power for batch in batches])[:, None]
    found: Integers = times.cumsum(axis=1, out=times)
    return found


def _flags(
    times: Integers, arrived: Integers, batches: Sequence[Scanned], shape: Shape
) -> NDArray[np.uint8]:
    flags = (times < arrived[:, None] - LIVE_DELAY).astype(_FLAG) * _FLAG(FLAG_LATE)
    if shape.source:
        flags |= _FLAG(FLAG_SOURCE)
    else:
        guessed = [FLAG_ESTIMATED if batch.offset is None else 0 for batch in batches]
        flags |= np.array(guessed, _FLAG)[:, None]
    return flags


def _whole(batches: Sequence[Scanned], width: int, scans: int) -> Integers:
    """Return the numbers of each batch, scan and point."""
    firsts = _joined([batch.firsts for batch in batches], width)
    if scans == 1:
        return firsts
    steps = _joined([batch.steps for batch in batches], width * (scans - 1))
    whole = np.empty((len(batches), scans, width), np.int64)
    whole[:, 0] = firsts
    whole[:, 1:] = steps.reshape(len(batches), width, scans - 1).transpose(0, 2, 1)
    found: Integers = whole.cumsum(axis=1, out=whole)
    return found


def _joined(parts: Sequence[Numbers], count: int) -> Integers:
    """Return the `count` integers of each."""
    found = np.zeros((len(parts), count), np.int64)
    for width in {part.width for part in parts}:
        own = [place for place, part in enumerate(parts) if part.width == width]
        whole = len(own) == len(parts)
        if not width:
            continue
        planes = np.frombuffer(b"".join([parts[place].planes for place in own]), np.uint8)
        planes = planes.reshape(len(own), width, count)
        joined = planes[:, 0].astype(np.int64)
        for plane in range(1, width):
            joined |= planes[:, plane].astype(np.int64) << 8 * plane
        if whole:
            found = joined
        else:
            found[own] = joined
    found += np.array([part.low for part in parts])[:, None]
    return found
