"""A view that answers of many points at once, as `View` would of each."""

import sqlite3

import numpy as np

from central.store.columns import Integers
from central.store.families import Families
from central.store.unsealed import Unsealed
from central.store.views import counting, newest, reading
from central.store.views.gathering import Readings
from central.store.views.reading import END, View
from central.store.views.snapshot import Check, Snapshot
from central.store.views.together import Together


class WideView(View):
    """A `View`; made by `look`."""

    def __init__(self, view: View, families: Families) -> None:
        super().__init__(view.conn, view.unsealed, view.held, view.watermark)
        self._families = families

    def counts(self, numbers: Integers, start: int, end: int, check: Check) -> Integers:
        """Return how many readings of each of `numbers` there are with start <= time < end.

        `check` is called now and then, to raise when it takes too long.
        """
        return counting.counts(self._snapshot(), numbers, (start, end), check)

    def newest_of(self, numbers: Integers, at: int, check: Check, arrived: int = END) -> Readings:
        """Return what `newest` returns of each of `numbers`, those that have one, in order."""
        return newest.newest_of(self._snapshot(), np.unique(numbers), at, arrived, check)

    def newest_arrived_of(self, numbers: Integers, by: int, check: Check) -> Readings:
        """Return what `newest_arrived` returns of each of `numbers`, those that have one."""
        return self.newest_of(numbers, END - 1, check, by)

    def together(self, numbers: Integers, check: Check) -> Together:
        """Return a view for a question about each of `numbers`, one after the other."""
        return Together(self, self._snapshot(), numbers, self.newest_of, check)

    def _snapshot(self) -> Snapshot:
        pieces = self.unsealed.pieces(self.held)
        return Snapshot(self.conn, self._families, pieces, self.watermark)


def look(conn: sqlite3.Connection, unsealed: Unsealed, families: Families) -> WideView:
    """Return a wide view; see `reading.look`."""
    return WideView(reading.look(conn, unsealed), families)
