"""Faults, losses, things put aside, matters of security: one table, never updated, never 报警.

What is a matter of security stands in the audit too, whose chain nobody can take a line out of.
"""

import json
import sqlite3
from collections.abc import Collection, Mapping
from itertools import chain
from typing import Final

from sqlite_utils import Database as Tables

from central.effects import CollectorEvent, EventPage
from central.identity import audit
from protocols.clock import SystemClock
from protocols.words import Value

FAULT: Final = "fault"
LOSS: Final = "loss"
QUARANTINE: Final = "quarantine"
SECURITY: Final = "security"

ACTOR: Final = "collector"
"""Who noticed it: the audit's actor."""
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
    """Write one event inside the caller's transaction. `times`: when it happened, and now.

    One of security is entered in the audit in the same transaction, under real time.
    """
    time, now = times
    written = tables.conn.execute(
        "INSERT INTO event(time, recorded, kind, code, subject, params) VALUES (?, ?, ?, ?, ?, ?)",
        (time, now, kind, code, subject, json.dumps(dict(params), ensure_ascii=False)),
    )
    if kind == SECURITY:
        act = audit.Act(
            time=SystemClock().now(), actor=ACTOR, action=code, subject=subject, detail=params
        )
        audit.append(tables, act)
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
    conn: sqlite3.Connection,
    limit: int,
    cursor: str | None,
    kind: str | Collection[str] = (),
    code: str | None = None,
) -> EventPage:
    """Return events newest first, of some kinds or one code. ValueError: the cursor is not ours."""
    before = int(cursor) if cursor else 2**63 - 1
    kinds = (kind,) if isinstance(kind, str) else kind
    wanted = [("kind", sorted(kinds)), ("code", [] if code is None else [code])]
    rows = conn.execute(
        "SELECT id, time, kind, code, subject, params FROM event WHERE id < ? "  # noqa: S608
        + "".join(f"AND {name} IN ({','.join('?' * len(each))}) " for name, each in wanted if each)
        + "ORDER BY id DESC LIMIT ?",
        (before, *chain.from_iterable(each for _, each in wanted), limit + 1),
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
