"""Two machines with one key: which of their starts may deliver (克隆).

A copied card speaks with the same key from a start (boot) of its own, and the two take turns: old,
new, old. Of two such starts the one a person approved may go on, else the older; the other is held:
its requests are refused, it keeps what it has, and nothing of either is discarded. Runs in the
writer thread.
"""

import sqlite3
from dataclasses import dataclass

from sqlite_utils import Database as Tables

from central import events
from central.effects import CollectorEvent
from protocols.words import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBoot:
    """A start that was held: `state` held, approved or refused."""

    gateway: str
    boot: str
    keyid: str
    since: int
    state: str
    decided_by: str | None
    decided: int | None


def stays_out(conn: sqlite3.Connection, gateway: str, boot: str) -> bool:
    """Whether what this start sends has to wait for a person."""
    state = _state(conn, gateway, boot)
    return state is not None and state != "approved"


def hold(db: Tables, gateway: str, boots: tuple[str, str], now: int) -> list[CollectorEvent]:
    """Hold one of two starts that take turns with one key; nothing for a gateway without a key.

    `boots`: either order; which is the older is what the table of boots says.
    """
    key = db.execute(
        "SELECT keyid FROM gateway_key WHERE gateway = ? AND state = 'active'", (gateway,)
    ).fetchone()
    if key is None:
        return []
    boot = _which(db.conn, gateway, boots)
    if boot is None or _state(db.conn, gateway, boot) == "held":
        return []
    db.execute(
        "INSERT INTO held_boot(gateway, boot, keyid, since, state) VALUES (?, ?, ?, ?, 'held') "
        "ON CONFLICT (gateway, boot) DO UPDATE SET state = 'held', since = excluded.since, "
        "decided_by = NULL, decided = NULL",
        (gateway, boot, key[0], now),
    )
    other = boots[0] if boot == boots[1] else boots[1]
    params: dict[str, Value] = {"gateway": gateway, "boot": boot, "other": other}
    return [events.record(db, (now, now), events.SECURITY, "BOOT_HELD", gateway, params)]


def decide(db: Tables, found: HeldBoot, by: str, now: int, *, approved: bool) -> None:
    """Let a start deliver, or keep it out."""
    db.execute(
        "UPDATE held_boot SET state = ?, decided_by = ?, decided = ? "
        "WHERE gateway = ? AND boot = ?",
        ("approved" if approved else "refused", by, now, found.gateway, found.boot),
    )


def find(conn: sqlite3.Connection, gateway: str, boot: str) -> HeldBoot | None:
    """Return a start that was held."""
    found = [each for each in listed(conn, gateway) if each.boot == boot]
    return found[0] if found else None


def listed(conn: sqlite3.Connection, gateway: str | None = None) -> list[HeldBoot]:
    """Return every start that was held, those that wait first."""
    rows = conn.execute(
        "SELECT gateway, boot, keyid, since, state, decided_by, decided FROM held_boot "
        "WHERE ? IS NULL OR gateway = ? ORDER BY state <> 'held', since DESC LIMIT 500",
        (gateway, gateway),
    )
    names = HeldBoot.__slots__
    return [HeldBoot(**dict(zip(names, row, strict=True))) for row in rows]


def _which(conn: sqlite3.Connection, gateway: str, boots: tuple[str, str]) -> str | None:
    """Return which to hold: the newer, unless a person approved exactly one of them."""
    approved = [boot for boot in boots if _state(conn, gateway, boot) == "approved"]
    if len(approved) == 2:
        return None
    if approved:
        return boots[0] if boots[1] == approved[0] else boots[1]
    rows = conn.execute(
        "SELECT boot FROM boot WHERE gateway = ? AND boot IN (?, ?) ORDER BY learned DESC, boot",
        (gateway, *boots),
    ).fetchall()
    return str(rows[0][0]) if len(rows) == 2 else None


def _state(conn: sqlite3.Connection, gateway: str, boot: str) -> str | None:
    row = conn.execute(
        "SELECT state FROM held_boot WHERE gateway = ? AND boot = ?", (gateway, boot)
    ).fetchone()
    return None if row is None else str(row[0])
