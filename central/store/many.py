"""A view that answers of many points at once, as `View` would of each."""

import sqlite3

import numpy as np

from central.store import counting, newest, reading
from central.store.columns import Integers
from central.store.counting import Check
from central.store.gathering import Readings
from central.store.reading import END, View
from central.store.unsealed import Unsealed


class WideView(View):
    """A `View`; made by `look`."""

    def counts(self, numbers: Integers, start: int, end: int, check: Check) -> Integers:
        """Return how many readings of each of `numbers` there are with start <= time < end.

        `check` is called now and then, to raise when it takes too long.
        """
        pieces = self.unsealed.pieces(self.held)
        return counting.counts(self.conn, pieces, self.watermark, numbers, (start, end), check)

    def newest_of(self, numbers: Integers, at: int, check: Check, arrived: int = END) -> Readings:
        """Return what `newest` returns of each of `numbers`, those that have one, in order."""
        numbers = np.unique(numbers)
        pieces = self.unsealed.pieces(self.held)
        asked = newest.Asked(at, arrived, self.watermark)
        return newest.newest_of(self.conn, pieces, numbers, asked, check)

    def newest_arrived_of(self, numbers: Integers, by: int, check: Check) -> Readings:
        """Return what `newest_arrived` returns of each of `numbers`, those that have one."""
        return self.newest_of(numbers, END - 1, check, by)


def look(conn: sqlite3.Connection, unsealed: Unsealed) -> WideView:
    """Return a wide view; see `reading.look`."""
    view = reading.look(conn, unsealed)
    return WideView(view.conn, view.unsealed, view.held, view.watermark)
