"""Bodies of batches that lie together in packs, and how one is taken out again.

A gateway's batches resemble each other: sixty-four together take half of what each alone does, and
a row of a few bytes leaves no page half empty. The row of a packed batch keeps everything but its
body: `pack` is where that lies, `place` which of the bodies there it is. What a damaged pack held
comes back empty: to judge it is the verifier's.
"""

import sqlite3
import struct
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from central.store.squeezed import Damaged, inflated, squeezed

OPEN: Final = 4
"""Packs that are kept open."""
MOST: Final = 64 << 20
"""Bytes a pack may inflate to."""
_COUNT: Final = struct.Struct("<I")


def packed(bodies: Sequence[bytes]) -> bytes:
    """Return the pack of these bodies."""
    sizes = struct.pack(f"<{len(bodies)}I", *map(len, bodies))
    return squeezed(b"".join((_COUNT.pack(len(bodies)), sizes, *bodies)))


def unpacked(pack: bytes) -> list[bytes]:
    """Return the bodies. Raises Damaged."""
    data = inflated(pack, MOST)
    try:
        (count,) = _COUNT.unpack_from(data)
        sizes = struct.unpack_from(f"<{count}I", data, _COUNT.size)
    except struct.error as exc:
        raise Damaged(what="evidence", reason=str(exc)) from exc
    at, bodies = _COUNT.size * (1 + count), []
    for size in sizes:
        bodies.append(data[at : at + size])
        at += size
    if at != len(data):
        raise Damaged(what="evidence", reason="sizes")
    return bodies


class Packs:
    """Opens packs over a connection; of a row and its pack both have to be of one moment."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn
        self._open: OrderedDict[int, list[bytes]] = OrderedDict()

    def raw(self, body: bytes, pack: int | None, place: int | None) -> bytes:
        """Return the canonical bytes of a row, empty where they cannot be read."""
        if pack is None:
            return body
        bodies = self._bodies(pack)
        return bodies[place] if place is not None and 0 <= place < len(bodies) else b""

    def _bodies(self, pack: int) -> list[bytes]:
        found = self._open.get(pack)
        if found is not None:
            return found
        row = self._conn.execute("SELECT body FROM evidence_pack WHERE id = ?", (pack,)).fetchone()
        try:
            found = [] if row is None else unpacked(row[0])
        except Damaged:
            found = []
        self._open[pack] = found
        if len(self._open) > OPEN:
            self._open.popitem(last=False)
        return found


@contextmanager
def moment(conn: sqlite3.Connection) -> Iterator[None]:
    """Hold what the connection sees still, unless somebody does already."""
    if conn.in_transaction:
        yield
        return
    conn.execute("BEGIN")
    try:
        yield
    finally:
        conn.execute("ROLLBACK")
