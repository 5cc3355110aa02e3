"""A view for who goes through everything: a chunk is decoded once, whole, for all its members."""

import sqlite3
from collections import OrderedDict
from typing import Final

from central.store import chunks
from central.store.codec.cells import Cells
from central.store.codec.chunk import ChunkDamaged, decode
from central.store.damage import unreadable
from central.store.families import Place
from central.store.points import PointReadings
from central.store.views.reading import Load, View, look

MOST: Final = 4_000_000
"""Cells that are kept decoded: about 250 MB."""


class UnhurriedView(View):
    """As `View`; what is asked for in order of time and family is decoded but once."""

    def __init__(self, view: View, most: int = MOST) -> None:
        super().__init__(view.conn, view.unsealed, view.held, view.watermark)
        self._most = most
        self._decoded: OrderedDict[int, Cells] = OrderedDict()
        self._cells = 0

    def _loader(self, id_: int, place: Place, start: int, end: int) -> Load:
        def load() -> PointReadings:
            return self._chunk(id_).of(place.member).between(start, end)

        return load

    def _chunk(self, id_: int) -> Cells:
        found = self._decoded.get(id_)
        if found is not None:
            self._decoded.move_to_end(id_)
            return found
        (body,) = chunks.bodies(self.conn, (id_,))
        try:
            found = self._decoded[id_] = decode(body, None)
        except ChunkDamaged as exc:
            raise unreadable(self.conn, id_, exc.params["why"]) from exc
        self._cells += len(found)
        while self._cells > self._most and len(self._decoded) > 1:
            self._cells -= len(self._decoded.popitem(last=False)[1])
        return found


def look_unhurried(conn: sqlite3.Connection) -> UnhurriedView:
    """Return such a view of the connection's snapshot, the journal included."""
    return UnhurriedView(look(conn))
