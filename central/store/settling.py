"""What was set aside, in people's hands: listed, put back, or dismissed with a reason.

A row is never deleted: it keeps its bytes and says who settled it, how and why. Only what nobody
settled counts as damage.
"""

import sqlite3
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlite_utils import Database as Tables

from protocols.errors import FengsuiError

MOST_LISTED: Final = 1_000


class How(StrEnum):
    """What became of a piece."""

    DISMISSED = "dismissed"
    REBUILT = "rebuilt"


class PieceUnknown(FengsuiError):
    """Nothing of that number was set aside."""

    code = "STORE_PIECE_UNKNOWN"


class PieceSettled(FengsuiError):
    """It was dismissed or put back before."""

    code = "STORE_PIECE_SETTLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """A piece; `bytes` are kept of it, times µs UTC. `how` None: nobody settled it.

    `origin`, `what`, `stream`, `received` and `n` as `central.store.set_aside.Piece` has them;
    `restored` of its readings were put back.
    """

    id: int
    found: int
    origin: str
    what: str
    stream: int
    received: int
    n: int
    reason: str
    bytes: int
    restored: int
    settled: int | None
    settled_by: str | None
    how: str | None
    note: str | None


_COLUMNS: Final = (
    "id, found, origin, what, stream, received, n, reason, length(body), restored, settled, "
    "settled_by, how, note"
)


def _aside(row: tuple[object, ...]) -> Aside:
    return Aside(**dict(zip(Aside.__dataclass_fields__, row, strict=True)))  # type: ignore[arg-type]


def listed(conn: sqlite3.Connection, limit: int, before: int | None = None) -> list[Aside]:
    """Return pieces below the number `before`, newest first."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM set_aside WHERE ?1 IS NULL OR id < ?1 "  # noqa: S608
        "ORDER BY id DESC LIMIT ?2",
        (before, limit),
    )
    return [_aside(row) for row in rows]


def standing(conn: sqlite3.Connection) -> list[int]:
    """Return the numbers of what nobody settled, the oldest first."""
    rows = conn.execute("SELECT id FROM set_aside WHERE settled IS NULL ORDER BY id")
    return [row[0] for row in rows]


def find(conn: sqlite3.Connection, number: int) -> Aside:
    """Return a piece that nobody settled. Raises PieceUnknown, PieceSettled."""
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM set_aside WHERE id = ?",  # noqa: S608
        (number,),
    ).fetchone()
    if row is None:
        raise PieceUnknown(id=number)
    if row[-4] is not None:
        raise PieceSettled(id=number)
    return _aside(row)


def settle(tables: Tables, number: int, how: How, by: str, now: int, note: str = "") -> Aside:
    """Settle a piece inside the caller's transaction; return it as it stood before.

    Raises PieceUnknown, PieceSettled.
    """
    found = find(tables.conn, number)
    tables.conn.execute(
        "UPDATE set_aside SET settled = ?, settled_by = ?, how = ?, note = ? WHERE id = ?",
        (now, by, how.value, note, number),
    )
    return found


def restored(tables: Tables, number: int, count: int) -> None:
    """Note inside the caller's transaction that readings of a piece are back."""
    tables.conn.execute(
        "UPDATE set_aside SET restored = restored + ? WHERE id = ?", (count, number)
    )
