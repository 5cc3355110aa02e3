"""Faults, losses, things put aside, matters of security: one table, never updated, never 报警."""

import json
import sqlite3
from collections.abc import Mapping
from typing import Final

from sqlite_utils import Database as Tables

from central.effects import CollectorEvent, EventPage
from protocols.words import Value

FAULT: Final = "fault"
LOSS: Final = "loss"
QUARANTINE: Final = "quarantine"
SECURITY: Final = "security"

REPEAT: Final = 60_000_000
"""The same thing about the same subject is told once a minute; the figures count every case."""


def record(
    tables: Tables,
    times: tuple[int, int],
    kind: str,
    code: str,
    subject: str,
    params: Mapping[str, Value],
) -> CollectorEvent:
    """Write one event inside the caller's transaction. `times`: when it happened, and now."""
    time, now = times
    written = tables.conn.execute(
        "INSERT INTO event(time, recorded, kind, code, subject, params) VALUES (?, ?, ?, ?, ?, ?)",
        (time, now, kind, code, subject, json.dumps(dict(params), ensure_ascii=False)),
    )
    return CollectorEvent(
        id=int(written.lastrowid or 0),
        time=time,
        kind=kind,
        code=code,
        subject=subject,
        params=dict(params),
    )


def record_once(
    tables: Tables, now: int, kind: str, code: str, subject: str, params: Mapping[str, Value]
) -> list[CollectorEvent]:
    """Write the event unless the same code and subject was written within the last minute."""
    known = tables.conn.execute(
        "SELECT 1 FROM event WHERE code = ? AND subject = ? AND recorded > ? LIMIT 1",
        (code, subject, now - REPEAT),
    ).fetchone()
    return [] if known else [record(tables, (now, now), kind, code, subject, params)]


def page(
    conn: sqlite3.Connection, limit: int, cursor: str | None, kind: str | None = None
) -> EventPage:
    """Return events newest first. ValueError: the cursor is not ours."""
    before = int(cursor) if cursor else 2**63 - 1
    rows = conn.execute(
        "SELECT id, time, kind, code, subject, params FROM event WHERE id < ? "
        "AND (? IS NULL OR kind = ?) ORDER BY id DESC LIMIT ?",
        (before, kind, kind, limit + 1),
    ).fetchall()
    items = tuple(
        CollectorEvent(
            id=row[0],
            time=row[1],
            kind=row[2],
            code=row[3],
            subject=row[4],
            params=json.loads(row[5]),
        )
        for row in rows[:limit]
    )
    return EventPage(items=items, next=str(items[-1].id) if len(rows) > limit else None)
