"""The journal: one row for what a transaction brings of a stream; the only write before an answer.

A body is the batches as they came (`as_sent`), or the rows' columns in the order they came: what
goes up evenly is a start and a step, everything else steps or bytes in planes, zstd's fastest level
over all.
"""

import json
import sqlite3
import struct
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from central.database_gathered import Statement
from central.store import as_sent
from central.store.columns import Columns, Integers
from central.store.squeezed import Damaged, Undecodable, inflated, squeezed
from central.store.values import Values

FORMAT: Final = 1
_HEAD: Final = struct.Struct("<BI")
_EVEN: Final = struct.Struct("<Bqq")
_STEPS: Final = struct.Struct("<Bq")
_SIZE: Final = struct.Struct("<I")
_TYPES: Final[dict[int, np.dtype[Any]]] = {w: np.dtype(f"<i{w}") for w in (1, 2, 4, 8)}
MOST: Final = 64_000_000
"""Bytes a body may inflate to."""
SET_ASIDE: Final = "SELECT journal FROM set_aside WHERE journal IS NOT NULL"
"""Rows that SQLite cannot read stay in the table: nobody asks for them again."""
_NEXT: Final = f"id > ? AND id NOT IN ({SET_ASIDE})"
_CELLS: Final = (
    "SELECT id, CAST(stream AS INTEGER), CAST(received AS INTEGER), CAST(n AS INTEGER), "
    "CAST(body AS BLOB), '' FROM journal"
)
"""Cast: a flipped bit may say that a cell is of another class."""


INSERT: Final = Statement("INSERT INTO journal(id, stream, received, n, body) VALUES", 5)


class Entry(NamedTuple):
    """One row: `id` rises with every append and is never used twice."""

    id: int
    stream: int
    received: int
    body: bytes


class Unreadable(NamedTuple):
    """A row that is not what was written: what can still be told of it, and its bytes.

    `body` None: SQLite itself cannot read them, and the row stays where it is.
    """

    id: int
    stream: int
    received: int
    n: int
    body: bytes | None
    reason: str


def after(conn: sqlite3.Connection, watermark: int) -> Iterator[Entry]:
    """Yield what is neither sealed yet nor set aside, in order."""
    rows = conn.execute(
        f"SELECT id, stream, received, body FROM journal WHERE {_NEXT} ORDER BY id",  # noqa: S608
        (watermark,),
    )
    yield from map(Entry._make, rows)


def replay(
    conn: sqlite3.Connection, watermark: int
) -> Iterator[tuple[Entry, Columns] | Unreadable]:
    """Yield what `after` does with its rows, or what is wrong with it: one takes none along.

    Raises Undecodable: bytes of another version are no damage.
    """
    last = conn.execute("SELECT coalesce(max(id), 0) FROM journal").fetchone()[0]
    before = watermark
    maps: as_sent.Maps = {}
    for id_, stream, received, n, body, reason in _rows(conn, watermark):
        if not reason and not before < id_ <= last:
            reason = f"row {id_} after {before}"
        if not reason:
            before = id_
            entry = Entry(id_, stream, received, body)
            try:
                yield entry, unpack(body or b"", maps)
                continue
            except Undecodable:
                raise
            except Damaged as exc:
                reason = str(exc.params["reason"])
        yield Unreadable(id_, stream or 0, received or 0, max(0, n or 0), body, reason)


def _rows(conn: sqlite3.Connection, watermark: int) -> Iterator[tuple[Any, ...]]:
    """Yield (id, stream, received, n, body, why it cannot be read) of each row."""
    after: int | None = watermark
    while after is not None:
        try:
            for row in conn.execute(f"{_CELLS} WHERE {_NEXT} ORDER BY id", (after,)):
                after = row[0]
                yield row
        except sqlite3.DatabaseError as exc:
            _if_corrupt(exc)
            # The row before the one that cannot be read may be the one that was not handed out.
            found = conn.execute(f"SELECT min(id) FROM journal WHERE {_NEXT}", (after,))  # noqa: S608
            after = found.fetchone()[0]
            if after is not None:
                yield _row(conn, after)
        else:
            return


def _row(conn: sqlite3.Connection, id_: int) -> tuple[Any, ...]:
    try:
        row: tuple[Any, ...] = conn.execute(f"{_CELLS} WHERE id = ?", (id_,)).fetchone()
    except sqlite3.DatabaseError as exc:
        _if_corrupt(exc)
        return id_, 0, 0, 0, None, str(exc)
    return row


def _if_corrupt(exc: sqlite3.DatabaseError) -> None:
    """Raise what is no damage: busy, interrupted."""
    if getattr(exc, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_CORRUPT:
        raise exc


def pack(rows: Columns) -> bytes:
    """Return the body of at least one row."""
    out = bytearray(_HEAD.pack(FORMAT, len(rows)))
    for column in (rows.points, rows.times, rows.seqs, rows.qualities, rows.flags):
        _put(out, column)
    values = rows.values
    _put(out, values.kinds.astype(np.int64))
    out += _planes(values.numbers.view(np.uint8).reshape(-1, 8))
    others = json.dumps(list(values.others.items())).encode() if values.others else b""
    out += _SIZE.pack(len(others))
    out += others
    return squeezed(bytes(out))


def unpack(body: bytes, maps: as_sent.Maps | None = None) -> Columns:
    """Return the rows of a body; `maps` as `as_sent` has them. Raises Damaged."""
    if as_sent.is_as_sent(body):
        return as_sent.unpack(body, maps)
    data = inflated(body, MOST)
    try:
        version, n = _HEAD.unpack_from(data)
        if version != FORMAT:
            raise Undecodable(what="journal", reason=f"format {version}")
        at = _HEAD.size
        columns = []
        for _ in range(6):
            column, at = _take(data, at, n)
            columns.append(column)
        points, times, seqs, qualities, flags, kinds = columns
        planes = np.frombuffer(data, np.uint8, 8 * n, at).reshape(8, n)
        numbers = np.ascontiguousarray(planes.T).view("<f8").reshape(n)
        at += 8 * n
        (size,) = _SIZE.unpack_from(data, at)
        others = dict(json.loads(data[at + 4 : at + 4 + size])) if size else {}
    except (struct.error, ValueError, TypeError) as exc:
        raise Damaged(what="journal", reason=str(exc)) from exc
    values = Values(kinds.astype(np.uint8), numbers, others)
    return Columns(points, times, seqs, values, qualities, flags)


def _put(out: bytearray, column: Integers) -> None:
    first = int(column[0])
    steps = np.diff(column)
    step = int(steps[0]) if len(steps) else 0
    least, most = (int(steps.min()), int(steps.max())) if len(steps) else (0, 0)
    if least == most:
        out += _EVEN.pack(0, first, step)
        return
    reach = max(most, -least - 1)
    width = 1 if reach < 1 << 7 else 2 if reach < 1 << 15 else 4 if reach < 1 << 31 else 8
    out += _STEPS.pack(width, first)
    out += _planes(steps.astype(_TYPES[width]).view(np.uint8).reshape(-1, width))


def _take(data: bytes, at: int, n: int) -> tuple[Integers, int]:
    width = data[at]
    if width == 0:
        _, first, step = _EVEN.unpack_from(data, at)
        return first + step * np.arange(n), at + _EVEN.size
    if width not in _TYPES:
        raise ValueError(f"width {width}")
    _, first = _STEPS.unpack_from(data, at)
    at += _STEPS.size
    planes = np.frombuffer(data, np.uint8, width * (n - 1), at).reshape(width, n - 1)
    column = np.empty(n, np.int64)
    column[0] = first
    column[1:] = np.ascontiguousarray(planes.T).view(_TYPES[width]).reshape(n - 1)
    return np.cumsum(column), at + width * (n - 1)


def _planes(cells: NDArray[np.uint8]) -> bytes:
    return cells.tobytes() if cells.shape[1] == 1 else cells.T.tobytes()
