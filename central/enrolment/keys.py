"""What becomes of a gateway's key: proved, approved or refused, replaced, revoked.

One key of a gateway is active at a time. Approval ends the one before it, in the same transaction:
replaced hardware takes over the logical gateway and the old key dies. A key that has ended never
comes back; the hardware makes another one. Runs in the writer thread.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from sqlite_utils import Database as Tables

from central.enrolment import codes, places
from central.enrolment.codes import Code

LISTED: Final = 2_000
_COLUMNS: Final = (
    "keyid, gateway, alg, public, state, created, approved_by, ended, boot_first, approved"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key as kept, and the code it came in by."""

    keyid: str
    gateway: str
    alg: str
    public: bytes
    state: str
    created: int
    approved_by: str | None
    ended: int | None
    boot_first: str | None
    approved: int | None = None
    code: Code | None = None

    @property
    def refused(self) -> bool:
        """Whether it ended without ever having been trusted."""
        return self.state == "revoked" and self.approved_by is None

    @property
    def standing(self) -> str:
        """What its gateway and people are told: pending, active, held, refused, ..."""
        return "refused" if self.refused else self.state


def find(conn: sqlite3.Connection, keyid: str) -> Key | None:
    """Return a key with its code, whatever became of it."""
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM gateway_key WHERE keyid = ?",  # noqa: S608  # names of columns
        (keyid,),
    ).fetchone()
    return None if row is None else _key(row, codes.of_key(conn, keyid))


def put(db: Tables, key: Key) -> bool:
    """Keep a new key; False: it was here before and stays what it is."""
    changed = db.execute(
        f"INSERT OR IGNORE INTO gateway_key({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        (
            key.keyid,
            key.gateway,
            key.alg,
            key.public,
            key.state,
            key.created,
            key.approved_by,
            key.ended,
            key.boot_first,
            key.approved,
        ),
    )
    return changed.rowcount == 1


def activate(db: Tables, key: Key, by: str, now: int) -> list[str]:
    """Trust `key` from now on; return the keys this ends: the active one and others that wait."""
    ended = _end(db, key.gateway, ("active", "held"), "replaced", now, but=key.keyid)
    ended += _end(db, key.gateway, ("pending",), "revoked", now, but=key.keyid)
    db.execute(
        "UPDATE gateway_key SET state = 'active', approved_by = ?, approved = ?, ended = NULL "
        "WHERE keyid = ?",
        (by, now, key.keyid),
    )
    places.compare_current(db, key.gateway, now)
    return ended


def end(db: Tables, keyid: str, now: int) -> None:
    """Trust a key no more; one that still waited is refused by this."""
    db.execute("UPDATE gateway_key SET state = 'revoked', ended = ? WHERE keyid = ?", (now, keyid))


def of_gateway(
    conn: sqlite3.Connection, gateway: str, states: Iterable[str] = ("active", "held")
) -> list[Key]:
    """Return the keys of a gateway that are in one of `states`, newest first."""
    wanted = tuple(states)
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM gateway_key WHERE gateway = ? "  # noqa: S608  # names, marks
        f"AND state IN ({', '.join('?' * len(wanted))}) ORDER BY created DESC, keyid",
        (gateway, *wanted),
    ).fetchall()
    return [_key(row, codes.of_key(conn, row[0])) for row in rows]


def listed(conn: sqlite3.Connection) -> list[Key]:
    """Return every key: those that wait, then those in use, then the newest of those that ended."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM gateway_key "  # noqa: S608
        "ORDER BY state <> 'pending', state NOT IN ('active', 'held'), created DESC, keyid LIMIT ?",
        (LISTED,),
    ).fetchall()
    return [_key(row, codes.of_key(conn, row[0])) for row in rows]


def _end(
    db: Tables, gateway: str, states: tuple[str, ...], becomes: str, now: int, *, but: str
) -> list[str]:
    rows = db.execute(
        "UPDATE gateway_key SET state = ?, ended = ? WHERE gateway = ? AND keyid <> ? "  # noqa: S608
        f"AND state IN ({', '.join('?' * len(states))}) RETURNING keyid",
        (becomes, now, gateway, but, *states),
    ).fetchall()
    return [str(row[0]) for row in rows]


def _key(row: tuple[Any, ...], code: Code | None) -> Key:
    names = [name.strip() for name in _COLUMNS.split(",")]
    return Key(**dict(zip(names, row, strict=True)), code=code)
