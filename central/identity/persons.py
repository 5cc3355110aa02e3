"""Persons and the one-time links that let them in the first time.

There is no default password and no default person: `fengsui-central create-admin` makes the first.
A link works once, within ten minutes of real time.
"""

import sqlite3
from typing import Final

from sqlite_utils import Database

from central.identity import sessions
from central.identity.principal import write_roles, write_scope
from central.identity.roles import Role
from central.identity.secrets import mint, stored
from protocols.clock import MINUTE

LINK_VALID: Final = 10 * MINUTE


def put(db: Database, name: str, roles: frozenset[Role], now: int) -> bool:
    """Make sure `name` exists, enabled, with `roles` and every site; returns whether it is new."""
    new = db.execute("SELECT 1 FROM person WHERE name = ?", (name,)).fetchone() is None
    db.execute(
        """INSERT INTO person (name, roles, scope, created) VALUES (?, ?, ?, ?)
           ON CONFLICT (name) DO UPDATE SET roles = excluded.roles, scope = excluded.scope,
           disabled = NULL""",
        (name, write_roles(roles), write_scope(None), now),
    )
    return new


def set_password(db: Database, name: str, password_hash: str) -> None:
    """Give `name` a password (hashed); whoever was logged in with the old one is out."""
    db.execute("UPDATE person SET password_hash = ? WHERE name = ?", (password_hash, name))
    sessions.end_all(db, name)


def password_hash(conn: sqlite3.Connection, name: str) -> str | None:
    """Return the stored hash; None when there is no such person, no password or it is disabled."""
    row = conn.execute(
        "SELECT password_hash FROM person WHERE name = ? AND disabled IS NULL", (name,)
    ).fetchone()
    return None if row is None else row[0]


def make_link(db: Database, name: str, now: int) -> str:
    """Return the code of a new login link for `name`; spent and old links are cleared away."""
    db.execute("DELETE FROM login_link WHERE expires <= ? OR used IS NOT NULL", (now,))
    code = mint()
    db.execute(
        "INSERT INTO login_link (code_hash, person, expires) VALUES (?, ?, ?)",
        (stored(code), name, now + LINK_VALID),
    )
    return code


def use_link(db: Database, code: str, now: int) -> str | None:
    """Use up the link and return whose it was; None: unknown, used, or too old."""
    row = db.execute(
        """UPDATE login_link SET used = ? WHERE code_hash = ? AND used IS NULL AND expires > ?
           AND person IN (SELECT name FROM person WHERE disabled IS NULL) RETURNING person""",
        (now, stored(code), now),
    ).fetchone()
    return None if row is None else str(row[0])
