"""Shelves that a second person has to confirm: asked for, confirmed or refused, all of it kept.

A request nobody decided within `WAITS` has lapsed: what was asked for then is not what is wanted
now. The shelf begins when it is confirmed.
"""

import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from central.alarms.acts.asked import Deed, Wish
from central.alarms.tracked import Tracked
from protocols.alarms.rule import Colour, Rule
from protocols.clock import MINUTE
from protocols.errors import FengsuiError, IllegalTransition

WAITS: Final = 60 * MINUTE
_COLUMNS: Final = (
    "id, rule, site, seconds, one_shot, reason, asked, asked_by, decision, decided, decided_by"
)


class ShelfRequestUnknown(FengsuiError):
    """There is no such request."""

    code = "SHELF_REQUEST_UNKNOWN"


class SamePerson(IllegalTransition):
    """The second person is another one."""

    code = "SHELF_SAME_PERSON"


class Decided(IllegalTransition):
    """Somebody decided it already, or it lapsed."""

    code = "SHELF_REQUEST_DECIDED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfRequest:
    """What was asked for, by whom, and what came of it; times in µs UTC.

    `decision` is confirmed, refused or lapsed; None: it waits.
    """

    id: int
    rule: str
    site: str
    seconds: float
    one_shot: bool
    reason: str
    asked: int
    asked_by: str
    decision: str | None = None
    decided: int | None = None
    decided_by: str | None = None


def red(rule: Rule) -> bool:
    """Return whether the rule can be red: a shelf would hide that too."""
    return any(level.colour is Colour.RED for level in rule.levels)


def ask(conn: sqlite3.Connection, wish: Wish, tracked: Tracked) -> int:
    """Write a request and return its number."""
    written = conn.execute(
        "INSERT INTO shelf_request(rule, site, seconds, one_shot, reason, asked, asked_by) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            tracked.rule.id,
            tracked.site,
            wish.seconds,
            int(wish.one_shot),
            wish.text,
            wish.now,
            wish.person,
        ),
    )
    return int(written.lastrowid or 0)


def decide(conn: sqlite3.Connection, wish: Wish) -> ShelfRequest | FengsuiError:
    """Write a decision; return the request, or why it cannot be. Raises ShelfRequestUnknown."""
    found = find(conn, wish.request or 0, wish.now)
    if found.decision is not None:
        by, at = found.decided_by or "", found.decided or found.asked + WAITS
        return Decided(request=found.id, decision=found.decision, by=by, at=at)
    if found.asked_by == wish.person and wish.deed is Deed.CONFIRM_SHELF:
        return SamePerson(request=found.id, by=wish.person)
    decision = "confirmed" if wish.deed is Deed.CONFIRM_SHELF else "refused"
    conn.execute(
        "UPDATE shelf_request SET decision = ?, decided = ?, decided_by = ? WHERE id = ?",
        (decision, wish.now, wish.person, found.id),
    )
    return found


def reopen(conn: sqlite3.Connection, wish: Wish) -> None:
    """Take a confirmation back in its own transaction: the shelf could not be put."""
    conn.execute(
        "UPDATE shelf_request SET decision = NULL, decided = NULL, decided_by = NULL WHERE id = ?",
        (wish.request,),
    )


def find(conn: sqlite3.Connection, number: int, now: int) -> ShelfRequest:
    """Return a request. Raises ShelfRequestUnknown."""
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM shelf_request WHERE id = ?",  # noqa: S608
        (number,),
    ).fetchone()
    if row is None:
        raise ShelfRequestUnknown(request=number)
    return _read(row, now)


def listed(
    conn: sqlite3.Connection, now: int, most: int, sites: Collection[str] | None = None
) -> list[ShelfRequest]:
    """Return the newest requests of `sites` (None: of all), the newest first."""
    here, told = "", "" if sites is None else json.dumps(sorted(sites))
    if sites is not None:
        here = "WHERE site IN (SELECT value FROM json_each(:sites)) "
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM shelf_request {here}ORDER BY id DESC LIMIT :most",  # noqa: S608
        {"sites": told, "most": most},
    )
    return [_read(row, now) for row in rows]


def _read(row: tuple[object, ...], now: int) -> ShelfRequest:
    found = dict(zip(_COLUMNS.split(", "), row, strict=True))
    request = ShelfRequest(**found | {"one_shot": bool(found["one_shot"])})  # type: ignore[arg-type]
    if request.decision is None and request.asked + WAITS <= now:
        return ShelfRequest(**found | {"one_shot": request.one_shot, "decision": "lapsed"})  # type: ignore[arg-type]
    return request
