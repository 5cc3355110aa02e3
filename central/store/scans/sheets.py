"""From tables to the sheets of their families, cut as `packing` cuts cells."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from central.store.chunks import DAY
from central.store.codec.axis import Slotted
from central.store.codec.sheet import Sheets
from central.store.columns import Integers
from central.store.packing import STRAYS, parts_of
from central.store.scans.table import Table


class Fitted(NamedTuple):
    """A table, and of its families where their columns begin, how many they are, whose they are.

    A family's members are in every row, one after the other at one moment.
    """

    table: Table
    families: Integers
    members: Integers
    firsts: Integers
    sizes: Integers

    def only(self, held: Integers) -> "Fitted":
        """Return the families at `held`."""
        return self._replace(
            families=self.families[held], firsts=self.firsts[held], sizes=self.sizes[held]
        )


class Group(NamedTuple):
    """Families of one day, each a row of the sheets."""

    day: int
    families: Integers
    sheets: Sheets


def fitted(table: Table, family: Integers, member: Integers) -> Fitted | None:
    """Return the families a table can be split into; None: none of them.

    `family` and `member` are by number of a point, which all have a place.
    """
    families, members = family[table.points], member[table.points]
    same = families[1:] == families[:-1]
    edges = np.concatenate(([0], np.flatnonzero(~same) + 1, [len(families)]))
    together = np.ones(len(families), np.bool_)
    together[1:] = (members[1:] > members[:-1]) & (table.moments[1:] == table.moments[:-1])
    together[edges[:-1]] = True
    together &= ~table.spoilt
    own, sizes = families[edges[:-1]], edges[1:] - edges[:-1]
    _, places, times = np.unique(own, return_inverse=True, return_counts=True)
    least = int(np.unique(table.times[:, 0] // DAY, return_counts=True)[1].min())
    good = np.logical_and.reduceat(together, edges[:-1])
    good &= (times[places] == 1) & (sizes * least >= STRAYS)
    ordered = _ordered(table) if good.any() else None
    if ordered is None:
        return None
    return Fitted(ordered, own, members, edges[:-1], sizes).only(np.flatnonzero(good))


def groups_of(fit: Fitted, part: int = 0, parts: int = 1) -> Iterator[Group]:
    """Yield the families whose number % parts is part, by day and as chunks are cut."""
    if parts > 1:
        fit = fit.only(np.flatnonzero(fit.families % parts == part))
    if not len(fit.families):
        return
    days = fit.table.times[:, 0] // DAY
    starts = np.concatenate(([0], np.flatnonzero(days[1:] != days[:-1]) + 1, [len(days)]))
    for start, end in pairwise(starts.tolist()):
        some = fit._replace(table=fit.table.take(slice(start, end)))
        for cut, own in _cuts(some).items():
            few = some.only(np.array(own))
            sheets = _sheets(few)
            bounds = [-(-place * (end - start) // cut) for place in range(cut + 1)]
            for first, last in pairwise(bounds):
                if first < last:
                    piece = sheets if cut == 1 else sheets.between(first, last)
                    yield Group(int(days[start]), few.families, piece)


def _cuts(fit: Fitted) -> dict[int, list[int]]:
    """Return the families by how many chunks each is to be."""
    times = fit.table.times[:, fit.table.moments[fit.firsts]]
    spans = (times[-1] - times[0]).tolist()
    cuts: dict[int, list[int]] = {}
    for place, (size, span) in enumerate(zip(fit.sizes.tolist(), spans, strict=True)):
        cuts.setdefault(parts_of(size * len(times), span), []).append(place)
    return cuts


def _sheets(fit: Fitted) -> Sheets:
    table, firsts, sizes = fit.table, fit.firsts, fit.sizes
    rows = np.concatenate(([0], np.cumsum(sizes)))
    columns = np.arange(rows[-1]) + np.repeat(firsts - rows[:-1], sizes)
    count = len(firsts)
    return Sheets(
        rows,
        fit.members[columns],
        Slotted(
            _rows(table.times, table.moments[firsts]),
            np.broadcast_to(table.streams, (count, len(table.streams))),
            np.broadcast_to(table.received, (count, len(table.received))),
            table.seqs + firsts[:, None],
        ),
        _rows(table.qualities, columns),
        _rows(table.flags, table.moments[columns]),
        np.full(len(columns), table.scale),
        _rows(table.whole, columns),
    )


def _rows(columns: NDArray[Any], places: Integers) -> NDArray[Any]:
    """Return the columns at `places` as rows."""
    rows = np.ascontiguousarray(columns.T)
    whole = len(places) == len(rows) and int(places[-1]) == len(rows) - 1
    return rows if whole and (places[1:] > places[:-1]).all() else rows[places]


def _ordered(table: Table) -> Table | None:
    """Return the rows in order of (time, stream) of every moment; None: there is no such order.

    Nor where some of a row are of another day than the others.
    """
    if not _rises(table):
        table = table.take(np.lexsort((table.streams, table.times[:, 0])))
        if not _rises(table):
            return None
    days = table.times // DAY
    return table if (days == days[:, :1]).all() else None


def _rises(table: Table) -> bool:
    times, streams = table.times, table.streams
    later = times[1:] > times[:-1]
    if later.all():
        return True
    later |= (times[1:] == times[:-1]) & (streams[1:] > streams[:-1])[:, None]
    return bool(later.all())
