"""What journal rows hold: whole scans as sheets of their families, everything else as parts.

A family is one or the other: readings of one that scans do not hold alone are packed as any.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from central.store import as_sent, journal
from central.store.columns import Integers
from central.store.packing import Part
from central.store.scans.batch import Scan, Shape, scanned
from central.store.scans.sheets import Fitted, fitted
from central.store.scans.table import Table, table_of
from central.wire.reading import Unusual

Row = tuple[int, int, bytes]
"""Stream, received time, body."""
Places = tuple[Integers, Integers]
"""Families and members by number of a point."""


class Taken(NamedTuple):
    """The readings of journal rows."""

    fits: list[Fitted]
    rest: list[Part]


def taken(rows: Sequence[Row], places: Callable[[Sequence[Integers]], Places]) -> Taken:
    """Return the readings of rows; `places` gives those of points. Raises Damaged."""
    shapes: dict[Shape, list[Scan]] = {}
    rest: list[Part] = []
    for row in rows:
        _open(row, shapes, rest)
    tables: list[tuple[list[Scan], Table]] = []
    for scans in shapes.values():
        table = _table(scans)
        if table is None:
            rest += map(_part, scans)
        else:
            tables.append((scans, table))
    columns = [table.points for _, table in tables] + [part.rows.points for part in rest]
    family, member = places(columns)
    fits: list[tuple[list[Scan], Fitted]] = []
    for scans, table in tables:
        fit = fitted(table, family, member)
        if fit is None:
            rest += map(_part, scans)
        else:
            fits.append((scans, fit))
    return _apart(fits, rest, family)


def _open(row: Row, shapes: dict[Shape, list[Scan]], rest: list[Part]) -> None:
    stream, received, body = row
    if not as_sent.is_as_sent(body):
        rest.append(Part(journal.unpack(body), stream, received))
        return
    opened = as_sent.opened(body)
    for sent in opened.batches:
        scan = scanned(sent, opened, stream, received)
        if scan is None:
            one = opened._replace(batches=[sent])
            rest.append(Part(as_sent.rows_of(one), stream, received))
        else:
            shapes.setdefault(scan.shape, []).append(scan)


def _part(scan: Scan) -> Part:
    return Part(as_sent.rows_of(scan.opened), scan.batch.stream, scan.batch.received)


def _table(scans: list[Scan]) -> Table | None:
    try:
        return table_of(scans)
    except Unusual:
        return None


def _apart(fits: list[tuple[list[Scan], Fitted]], rest: list[Part], family: Integers) -> Taken:
    """Leave to scans the families that nobody else has readings of."""
    times = np.zeros(int(family.max()) + 1, np.int64)
    own = [np.unique(family[fit.table.points]) for _, fit in fits]
    for families, (_, fit) in zip(own, fits, strict=True):
        times[families] += 2
        times[fit.families] -= 1
    for part in rest:
        times[family[part.rows.points]] = len(fits) + 2
    kept = []
    for families, (scans, fit) in zip(own, fits, strict=True):
        held = np.flatnonzero(times[fit.families] == 1)
        if len(held):
            kept.append(fit.only(held))
        if len(held) < len(families):
            others = np.ones(len(times), np.bool_)
            others[fit.families[held]] = False
            few = [part.only(others[family[part.rows.points]]) for part in map(_part, scans)]
            rest += [part for part in few if len(part.rows)]
    return Taken(kept, rest)
