"""Deliveries of the past in the tables, as people ask for them."""

import json
import sqlite3
from collections.abc import Collection
from typing import Any, Final, NamedTuple

from protocols.alarms.rule import Colour

_COLUMNS: Final = (
    "number, gateway, purpose, began, ended, first, newest, readings, points, lost, "
    "peak_point, peak_low, peak, peak_time"
)
_PAGE: Final = (
    f"SELECT {_COLUMNS} FROM backfill WHERE ended IS NOT NULL AND number < ? "  # noqa: S608
    "AND (? IS NULL OR gateway IN (SELECT value FROM json_each(?))) ORDER BY number DESC LIMIT ?"
)
_ONE: Final = f"SELECT {_COLUMNS} FROM backfill WHERE number = ?"  # noqa: S608
_ALARMS: Final = (
    "SELECT e.site, e.colour, e.returned IS NULL, count(*) FROM backfill_alarm b "
    "JOIN episode e ON e.number = b.episode WHERE b.backfill = ? GROUP BY 1, 2, 3"
)
_IDS: Final = (
    "SELECT e.id, e.site FROM backfill_alarm b JOIN episode e ON e.number = b.episode "
    "WHERE b.backfill = ? ORDER BY e.colour DESC, e.raised LIMIT ?"
)
NAMED: Final = 200
"""Alarms of one delivery that are named; all are counted."""


class Raised(NamedTuple):
    """Alarms a delivery told of at one site, of one colour; `standing`: not returned yet."""

    site: str
    colour: Colour
    standing: bool
    n: int


class Named(NamedTuple):
    """An alarm by its id."""

    id: str
    site: str


class PeakRow(NamedTuple):
    """The worst value, at `time` (µs UTC), of a point whose alarm stood; `low`: the least."""

    point: int
    low: bool
    value: float
    time: int


class Backfill(NamedTuple):
    """A delivery that is over; times µs UTC.

    `first` and `newest` are the times of its readings; None: alarms alone came.
    """

    number: int
    gateway: str
    purpose: str
    began: int
    ended: int
    first: int | None
    newest: int | None
    readings: int
    points: int
    lost: int
    peak: PeakRow | None
    raised: tuple[Raised, ...]
    named: tuple[Named, ...]


class GoingOn(NamedTuple):
    """A delivery that is not over: when its first and its last was here, and the times of its
    readings.
    """

    gateway: str
    purpose: str
    began: int
    last: int
    first: int | None
    newest: int | None


class Page(NamedTuple):
    """Newest first; `next` is the number to go on before."""

    items: list[Backfill]
    next: int | None


def going_on(conn: sqlite3.Connection) -> list[GoingOn]:
    """Return the deliveries that are not over."""
    rows = conn.execute(
        "SELECT gateway, purpose, began, last, first, newest FROM backfill WHERE ended IS NULL"
    )
    return [GoingOn(*row) for row in rows]


def one(conn: sqlite3.Connection, number: int) -> Backfill:
    """Return a delivery that is over."""
    return _whole(conn, conn.execute(_ONE, (number,)).fetchone())


def page(
    conn: sqlite3.Connection, gateways: Collection[str] | None, limit: int, before: int | None
) -> Page:
    """Return deliveries that are over, of `gateways` (None: of all)."""
    names = None if gateways is None else json.dumps(sorted(gateways))
    start = 2**62 if before is None else before
    rows = conn.execute(_PAGE, (start, names, names, limit + 1)).fetchall()
    items = [_whole(conn, row) for row in rows[:limit]]
    return Page(items, items[-1].number if len(rows) > limit else None)


def _whole(conn: sqlite3.Connection, row: tuple[Any, ...]) -> Backfill:
    number = row[0]
    raised = tuple(
        Raised(site, Colour(colour), bool(standing), n)
        for site, colour, standing, n in conn.execute(_ALARMS, (number,))
    )
    named = tuple(Named(*each) for each in conn.execute(_IDS, (number, NAMED)))
    peak = None if row[-1] is None else PeakRow(row[-4], bool(row[-3]), *row[-2:])
    own = dict(zip(Backfill._fields, row[:-4], strict=False))
    return Backfill(**own, peak=peak, raised=raised, named=named)
