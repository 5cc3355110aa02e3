"""What journal rows hold: whole scans as sheets of their families, everything else as parts.

A family is one or the other: readings of one that scans do not hold alone are packed as any.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np

from central.store import as_sent, journal
from central.store.columns import Integers
from central.store.packing import Part
from central.store.scans.batch import Scan, Shape, scanned
from central.store.scans.loose import Like, Loose, like, loose, with_loose
from central.store.scans.sheets import Fitted, fitted
from central.store.scans.table import Table, table_of
from central.wire.reading import Unusual

Row = tuple[int, int, bytes]
"""Stream, received time, body."""
Places = tuple[Integers, Integers]
"""Families and members by number of a point."""


_Batch = Scan | Loose
FEW: Final = 4
"""Scans of the same points that are worth a table."""


class Taken(NamedTuple):
    """The readings of journal rows."""

    fits: list[Fitted]
    rest: list[Part]


def taken(rows: Sequence[Row], places: Callable[[Sequence[Integers]], Places]) -> Taken:
    """Return the readings of rows; `places` gives those of points. Raises Damaged."""
    shapes: dict[Shape, list[_Batch]] = {}
    looses: dict[Like, list[_Batch]] = {}
    rest: list[Part] = []
    for row in rows:
        _open(row, shapes, looses, rest)
    tables = _tables(shapes, looses, rest)
    columns = [table.points for _, table in tables] + [part.rows.points for part in rest]
    family, member = places(columns)
    fits: list[tuple[list[_Batch], Fitted]] = []
    for batches, table in tables:
        fit = fitted(table, family, member)
        if fit is None:
            rest += map(_part, batches)
        else:
            fits.append((batches, fit))
    return _apart(fits, rest, family)


def _open(
    row: Row,
    shapes: dict[Shape, list[_Batch]],
    looses: dict[Like, list[_Batch]],
    rest: list[Part],
) -> None:
    stream, received, body = row
    if not as_sent.is_as_sent(body):
        rest.append(Part(journal.unpack(body), stream, received))
        return
    opened = as_sent.opened(body)
    for sent in opened.batches:
        scan = scanned(sent, opened, stream, received)
        if scan is None:
            other = loose(sent, opened, stream, received)
            looses.setdefault(other.like, []).append(other)
        else:
            shapes.setdefault(scan.shape, []).append(scan)


def _tables(
    shapes: dict[Shape, list[_Batch]], looses: dict[Like, list[_Batch]], rest: list[Part]
) -> list[tuple[list[_Batch], Table]]:
    """Return tables, each with the batches it holds; what is in none is added to the rest."""
    tables: list[tuple[list[_Batch], Table]] = []
    for shape, scans in shapes.items():
        table = _table(scans) if _again(shape, scans) else None
        if table is None:
            rest += map(_part, scans)
            continue
        others = looses.pop(like(shape), [])
        more = with_loose(table, [each for each in others if isinstance(each, Loose)])
        if more is None:
            rest += map(_part, others)
            others, more = [], table
        tables.append(([*scans, *others], more))
    rest += [_part(each) for others in looses.values() for each in others if _many(each)]
    return tables


def _again(shape: Shape, scans: Sequence[_Batch]) -> bool:
    """Whether the same was read often enough: tables of a row or two cost more than they spare."""
    return sum(shape.n // len(each.points) for each in scans if isinstance(each, Scan)) >= FEW


def _many(batch: _Batch) -> bool:
    """Whether a batch has rows: all of them may have been put aside."""
    return not isinstance(batch, Loose) or len(batch.rows) > 0


def _part(batch: _Batch) -> Part:
    if isinstance(batch, Loose):
        return Part(batch.rows, batch.stream, batch.received)
    return Part(as_sent.rows_of(batch.opened), batch.batch.stream, batch.batch.received)


def _table(batches: Sequence[_Batch]) -> Table | None:
    try:
        return table_of([each for each in batches if isinstance(each, Scan)])
    except Unusual:
        return None


def _apart(fits: list[tuple[list[_Batch], Fitted]], rest: list[Part], family: Integers) -> Taken:
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
