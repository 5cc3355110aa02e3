"""Filings (报备) and platform faults (平台故障) as kept: added, ended, withdrawn, never deleted.

Each act and its line in the audit are one transaction. Which intervals are taken out of a question
is answered from the same tables, in the snapshot of the question.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from sqlite_utils import Database as Tables

from central.calendar.intervals import NOTHING, Intervals
from protocols.errors import FengsuiError

FOREVER: Final = 2**62
MOST_LISTED: Final = 1_000


class Kind(StrEnum):
    """Who could not deliver: those who filed, or we."""

    FILING = "filing"
    PLATFORM_FAULT = "platform_fault"


class ExemptionUnknown(FengsuiError):
    """There is none of that number and kind in scope."""

    code = "EXEMPTION_UNKNOWN"


class ExemptionOver(FengsuiError):
    """It was ended or withdrawn before."""

    code = "EXEMPTION_OVER"


class ExemptionNotBegun(FengsuiError):
    """It would end before it began."""

    code = "EXEMPTION_NOT_BEGUN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """One interval, [start, until) µs of the data's time; `created` and the acts in real time.

    `site` None: the whole platform; `points` are ids, none of them: all of the site.
    """

    id: int = 0
    kind: Kind
    category: str
    site: str | None
    points: tuple[str, ...] = ()
    start: int
    until: int | None
    reason: str
    reference: str = ""
    created: int
    created_by: str
    ended: int | None = None
    ended_by: str | None = None
    withdrawn: int | None = None
    withdrawn_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which ones to list, newest first: of a kind, of sites (None: all), meeting [start, end).

    What is of the whole platform is everyone's.
    """

    kind: Kind
    sites: Collection[str] | None
    start: int
    end: int
    limit: int = 100
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Exempt:
    """Exempt intervals of a span, by whose they are."""

    platform: Intervals = field(default=NOTHING)
    sites: dict[str, Intervals] = field(default_factory=dict)
    points: dict[int, Intervals] = field(default_factory=dict)

    def of(self, site: str, number: int) -> Intervals:
        """Return when nothing is owed by the point with that number, united."""
        own = self.sites.get(site, NOTHING).union(self.points.get(number, NOTHING))
        return self.platform.union(own)


def add(tables: Tables, new: Exemption, record: Callable[[Tables, int], None]) -> Exemption:
    """Keep a new one; `record` writes the audit. Raises ExemptionUnknown: no such point."""
    numbers = [_number(tables, point) for point in new.points]
    cursor = tables.execute(
        "INSERT INTO exemption(kind, category, site, start, until, reason, reference, created, "
        "created_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(new.kind.value, new.category, new.site, new.start, new.until),
            *(new.reason, new.reference, new.created, new.created_by),
        ),
    )
    made = int(cursor.lastrowid or 0)
    for number in dict.fromkeys(numbers):
        tables.execute("INSERT INTO exemption_point VALUES (?, ?)", (made, number))
    record(tables, made)
    return find(tables.conn, new.kind, made)


def end(tables: Tables, known: Exemption, at: int, by: str, now: int) -> Exemption:
    """End it at `at`, which may lie ahead. Raises ExemptionOver or ExemptionNotBegun."""
    found = _standing(tables, known)
    if found.ended is not None:
        raise ExemptionOver(id=found.id)
    if at <= found.start:
        raise ExemptionNotBegun(id=found.id)
    tables.execute(
        "UPDATE exemption SET until = ?, ended = ?, ended_by = ? WHERE id = ?",
        (at, now, by, found.id),
    )
    return find(tables.conn, known.kind, known.id)


def withdraw(tables: Tables, known: Exemption, by: str, now: int) -> Exemption:
    """Take it back: it never counted. Raises ExemptionOver."""
    found = _standing(tables, known)
    tables.execute(
        "UPDATE exemption SET withdrawn = ?, withdrawn_by = ? WHERE id = ?", (now, by, found.id)
    )
    return find(tables.conn, known.kind, known.id)


_NAMES: Final = (
    *("id", "kind", "category", "site", "start", "until", "reason", "reference"),
    *("created", "created_by", "ended", "ended_by", "withdrawn", "withdrawn_by"),
)
_COLUMNS: Final = (
    "SELECT id, kind, category, site, start, until, reason, reference, created, created_by, "
    "ended, ended_by, withdrawn, withdrawn_by FROM exemption"
)
_EXEMPT: Final = (
    "SELECT site, start, coalesce(until, ?), point FROM exemption "
    "LEFT JOIN exemption_point ON exemption = id"
)
_MEETS: Final = "kind = ? AND start < ? AND coalesce(until, ?) > ?"


def find(conn: sqlite3.Connection, kind: Kind, number: int) -> Exemption:
    """Return one. Raises ExemptionUnknown."""
    rows = conn.execute(f"{_COLUMNS} WHERE kind = ? AND id = ?", (kind.value, number)).fetchall()
    if not rows:
        raise ExemptionUnknown(id=number)
    return _shaped(conn, rows)[0]


def listed(conn: sqlite3.Connection, wanted: Wanted) -> list[Exemption]:
    """Return those wanted, newest first; the withdrawn ones too."""
    sites = None if wanted.sites is None else sorted(wanted.sites)
    chosen = (
        "" if sites is None else f"AND (site IS NULL OR site IN ({','.join('?' * len(sites))}))"
    )
    before = FOREVER if wanted.before is None else wanted.before
    rows = conn.execute(
        f"{_COLUMNS} WHERE {_MEETS} AND id < ? {chosen} ORDER BY id DESC LIMIT ?",
        (
            *(wanted.kind.value, wanted.end, FOREVER, wanted.start, before),
            *(sites or ()),
            min(wanted.limit, MOST_LISTED),
        ),
    ).fetchall()
    return _shaped(conn, rows)


def exempt(conn: sqlite3.Connection, kinds: Iterable[Kind], start: int, end: int) -> Exempt:
    """Return what is exempt within [start, end) by these kinds, whatever the site."""
    platform: list[tuple[int, int]] = []
    sites: dict[str, list[tuple[int, int]]] = {}
    points: dict[int, list[tuple[int, int]]] = {}
    for kind in kinds:
        rows = conn.execute(
            f"{_EXEMPT} WHERE withdrawn IS NULL AND {_MEETS}",
            (FOREVER, kind.value, end, FOREVER, start),
        )
        for site, first, last, point in rows:
            if point is not None:
                own = points.setdefault(point, [])
            else:
                own = platform if site is None else sites.setdefault(site, [])
            own.append((max(first, start), min(last, end)))
    return Exempt(
        Intervals.of(platform),
        {site: Intervals.of(pairs) for site, pairs in sites.items()},
        {point: Intervals.of(pairs) for point, pairs in points.items()},
    )


def _standing(tables: Tables, known: Exemption) -> Exemption:
    found = find(tables.conn, known.kind, known.id)
    if found.withdrawn is not None:
        raise ExemptionOver(id=found.id)
    return found


def _number(tables: Tables, point: str) -> int:
    row = tables.execute("SELECT number FROM point WHERE id = ?", [point]).fetchone()
    if row is None:
        raise ExemptionUnknown(id=point)
    return int(row[0])


def _shaped(conn: sqlite3.Connection, rows: list[tuple[Any, ...]]) -> list[Exemption]:
    found = []
    for row in rows:
        points = conn.execute(
            "SELECT point.id FROM exemption_point JOIN point ON point.number = point "
            "WHERE exemption = ? ORDER BY point.id",
            (row[0],),
        ).fetchall()
        fields = dict(zip(_NAMES, row, strict=True)) | {"kind": Kind(row[1])}
        found.append(Exemption(**fields, points=tuple(name for (name,) in points)))
    return found
