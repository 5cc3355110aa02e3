"""Server-side sessions: a random token in a cookie, its hash in a table, ended by the server.

A shift is twelve hours and its handovers take time: a session that nobody uses for 12 h ends, and
any session ends 14 h after login, so that nobody is thrown out in the middle of a shift and nobody
stays logged in over two. Expiry runs on real time; a story clock logs nobody out.
"""

import sqlite3
from typing import Final

from sqlite_utils import Database

from central.identity.principal import Kind, Principal, read_roles, read_scope
from central.identity.secrets import mint, stored
from protocols.clock import HOUR, MINUTE

IDLE: Final = 12 * HOUR
ABSOLUTE: Final = 14 * HOUR
TOUCH: Final = MINUTE
"""`seen` is written at most this often: a page that asks each second wears no disk."""


def start(db: Database, person: str, now: int) -> str:
    """Make a session of `person` and return its token; expired sessions are cleared away."""
    db.execute("DELETE FROM session WHERE expires <= ? OR seen <= ?", (now, now - IDLE))
    token = mint()
    db.execute(
        "INSERT INTO session (token_hash, person, created, seen, expires) VALUES (?, ?, ?, ?, ?)",
        (stored(token), person, now, now, now + ABSOLUTE),
    )
    return token


def find(conn: sqlite3.Connection, token_hash: str, now: int) -> tuple[Principal, int] | None:
    """Return who the session is and from when on `seen` is to be written; None: no such session.

    Until then, if nothing else is written, it stands.
    """
    row = conn.execute(
        """SELECT p.name, p.roles, p.scope, s.seen, s.expires
           FROM session s JOIN person p ON p.name = s.person
           WHERE s.token_hash = ? AND s.expires > ? AND s.seen > ? AND p.disabled IS NULL""",
        (token_hash, now, now - IDLE),
    ).fetchone()
    if row is None:
        return None
    roles = read_roles(row[1])
    who = Principal(
        name=row[0],
        kind=Kind.SESSION,
        roles=roles,
        scope=read_scope(row[2], roles),
        credential=token_hash,
    )
    return who, min(row[3] + TOUCH, row[4])


def touch(db: Database, token_hash: str, now: int) -> None:
    """Note that the session was used."""
    db.execute("UPDATE session SET seen = ? WHERE token_hash = ?", (now, token_hash))


def end(db: Database, token_hash: str) -> None:
    """End one session at once."""
    db.execute("DELETE FROM session WHERE token_hash = ?", (token_hash,))


def end_all(db: Database, person: str) -> None:
    """End every session of `person`, as when the password changes."""
    db.execute("DELETE FROM session WHERE person = ?", (person,))


def count(conn: sqlite3.Connection, now: int) -> int:
    """Return how many sessions stand."""
    row = conn.execute(
        "SELECT count(*) FROM session WHERE expires > ? AND seen > ?", (now, now - IDLE)
    ).fetchone()
    return int(row[0])
