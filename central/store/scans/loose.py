"""Batches of a table's points that are no scan of decimals alone: a device did not answer, say.

They are decoded as any and put into the table where they can: what is no decimal spoils its point's
column, and with it one family, not all that its gateway reads.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from central.store import as_sent
from central.store.as_sent import Opened, Sent, Stretches
from central.store.codec.decimals import POWERS
from central.store.columns import Columns, Integers
from central.store.scans.batch import Shape
from central.store.scans.table import Table
from central.store.values import EXACT, FLOAT
from central.wire.decoding import sections
from protocols.wire.batch import read_header

Like = tuple[bytes, Stretches, int, int]
"""What a table's batches have in common whatever they hold: the first fields of `Shape`."""


class Loose(NamedTuple):
    """One batch, and its rows."""

    like: Like
    rows: Columns
    stream: int
    received: int


def loose(sent: Sent, opened: Opened, stream: int, received: int) -> Loose:
    """Return a batch of a journal row. Raises Damaged."""
    rows = as_sent.rows_of(opened._replace(batches=[sent]))
    header, at = read_header(sent.raw)
    points = sent.raw[slice(*sections(sent.raw, at)[0])]
    return Loose((points, opened.stretches, opened.numbers, header.n), rows, stream, received)


def like(shape: Shape) -> Like:
    """Return what batches have in common with those of a shape."""
    return shape.points, shape.stretches, shape.numbers, shape.n


def with_loose(table: Table, batches: Sequence[Loose]) -> Table | None:
    """Return the table with more rows; None: they do not fit."""
    if not batches:
        return table
    width = len(table.points)
    rows = Columns.joined([batch.rows for batch in batches])
    if len(rows) != sum(batch.like[-1] for batch in batches):
        return None  # some were put aside
    points, times, seqs, flags = (
        column.reshape(-1, width) for column in (rows.points, rows.times, rows.seqs, rows.flags)
    )
    firsts = np.searchsorted(table.moments, np.arange(int(table.moments[-1]) + 1))
    if (points != table.points).any() or (seqs != seqs[:, :1] + np.arange(width)).any():
        return None
    if any((each[:, firsts][:, table.moments] != each).any() for each in (times, flags)):
        return None
    whole, spoilt = _whole(rows, table.scale)
    scans = [len(batch.rows) // width for batch in batches]
    streams = np.repeat([batch.stream for batch in batches], scans)
    received = np.repeat([batch.received for batch in batches], scans)
    qualities = rows.qualities.reshape(-1, width)
    return table._replace(
        times=np.concatenate((table.times, times[:, firsts])),
        flags=np.concatenate((table.flags, flags[:, firsts].astype(table.flags.dtype))),
        streams=np.concatenate((table.streams, streams)),
        received=np.concatenate((table.received, received)),
        seqs=np.concatenate((table.seqs, seqs[:, 0])),
        qualities=np.concatenate((table.qualities, qualities)),
        whole=np.concatenate((table.whole, whole.reshape(-1, width))),
        spoilt=table.spoilt | spoilt.reshape(-1, width).any(axis=0),
    )


def _whole(rows: Columns, scale: int) -> tuple[Integers, Integers]:
    """Return whole numbers, and which of the rows are none."""
    values = rows.values
    numbers = np.where(values.kinds == FLOAT, values.numbers, 0.5 / POWERS[scale])
    with np.errstate(over="ignore", invalid="ignore"):
        product = np.rint(numbers * POWERS[scale])
        far = ~(np.abs(product) < EXACT)
        product[far] = 0.0
        whole = product.astype(np.int64)
        back = whole / POWERS[scale]
    return whole, far | (back.view(np.int64) != numbers.view(np.int64))
