"""Keys of gateways in the tables: which key speaks for which gateway, and whether it may now.

How a key gets here (a code, six digits, an approval) is the business of enrolment; here stands what
every request asks. A key that has ended never comes back. Writing runs in the writer thread.
"""

import sqlite3
from dataclasses import dataclass
from typing import Final

from sqlite_utils import Database as Tables

from central.identity import audit
from protocols.signing.keys import PublicKey

PENDING: Final = "pending"
ACTIVE: Final = "active"
HELD: Final = "held"
REVOKED: Final = "revoked"
REPLACED: Final = "replaced"


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayKey:
    """A key as kept: whose it is, and its state (`pending`, `active`, ...)."""

    keyid: str
    gateway: str
    public: PublicKey
    state: str


def find(conn: sqlite3.Connection, keyid: str) -> GatewayKey | None:
    """Return a key, whatever became of it. Raises KeyUnusable for an algorithm of a later day."""
    row = conn.execute(
        "SELECT gateway, alg, public, state FROM gateway_key WHERE keyid = ?", (keyid,)
    ).fetchone()
    if row is None:
        return None
    return GatewayKey(keyid=keyid, gateway=row[0], public=PublicKey(row[1], row[2]), state=row[3])


def has_active(conn: sqlite3.Connection, gateway: str) -> bool:
    """Return whether the gateway has to sign what it sends; a key that is held still binds it."""
    found = conn.execute(
        "SELECT 1 FROM gateway_key WHERE gateway = ? AND state IN ('active', 'held')", (gateway,)
    )
    return found.fetchone() is not None


def any_active(conn: sqlite3.Connection) -> bool:
    """Return whether any gateway has a key at all."""
    found = conn.execute("SELECT 1 FROM gateway_key WHERE state = 'active' LIMIT 1")
    return found.fetchone() is not None


def add(db: Tables, gateway: str, public: PublicKey, by: str, now: int) -> list[str]:
    """Trust `public` for `gateway` from now on; return the keys this replaces.

    The word of `by` alone, without a code: for one who stands before both machines. Whoever calls
    tells the front desk after the commit (`FrontDesk.revoked`).
    """
    rows = db.execute(
        "UPDATE gateway_key SET state = 'replaced', ended = ? "
        "WHERE gateway = ? AND state IN ('active', 'held') RETURNING keyid",
        (now, gateway),
    ).fetchall()
    ended = [str(row[0]) for row in rows]
    db.execute(
        "INSERT INTO gateway_key(keyid, gateway, alg, public, state, created, approved_by, "
        "approved) VALUES (?, ?, ?, ?, 'active', ?, ?, ?)",
        (public.keyid, gateway, public.alg, public.raw, now, by, now),
    )
    _note(db, "GATEWAY_KEY_ADDED", gateway, (by, now), key=public.keyid, ended=", ".join(ended))
    return ended


def revoke(db: Tables, keyid: str, by: str, now: int) -> str | None:
    """Trust a key no more; returns its gateway, None when there is nothing to end.

    Whoever calls tells the front desk after the commit (`FrontDesk.revoked`).
    """
    row = db.execute(
        "UPDATE gateway_key SET state = 'revoked', ended = ? "
        "WHERE keyid = ? AND state IN ('pending', 'active', 'held') RETURNING gateway",
        (now, keyid),
    ).fetchone()
    if row is None:
        return None
    _note(db, "GATEWAY_KEY_REVOKED", str(row[0]), (by, now), key=keyid)
    return str(row[0])


def _note(db: Tables, action: str, gateway: str, who: tuple[str, int], **detail: str) -> None:
    by, now = who
    subject = f"gateway/{gateway}"
    audit.append(db, audit.Act(time=now, actor=by, action=action, subject=subject, detail=detail))
