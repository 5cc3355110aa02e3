"""The list of alarms as SQL: which episodes, in which order, from which place on (pure but `page`).

Each view names the index it reads in its own order, so that a page costs what is on it and not what
is in the table; a place is the keys of the last item, so that nothing that comes moves the pages.
"""

import json
import re
import sqlite3
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, NamedTuple

from central.alarms.journal.episode import EpisodeFilter
from central.alarms.journal.records import ALARMS, COLUMNS, FAULTS, FREE, EpisodeRow, read_row
from central.alarms.shown import cursor as cursors
from protocols.alarms.rule import Colour
from protocols.errors import FengsuiError

MOST: Final = 500
"""Episodes on a page."""
COUNTED: Final = 100_000
"""Episodes counted; where there are more the list says so."""
VERIFIED: Final = ("real", "false", "instrument", "filed", "test")
UNVERIFIED: Final = "none"
_FAULTS: Final = {"without": ALARMS, "with": "1", "only": FAULTS}
_FEW: Final = 16
_FEW_POINTS: Final = 2_000
_UNDER: Final = (
    "number IN (SELECT (SELECT e.number FROM episode e WHERE e.point = o.point "
    "AND e.rule = o.rule ORDER BY e.raised DESC LIMIT 1) FROM overlay o WHERE o.name = '{}')"
)


class FilterUnknown(FengsuiError):
    """A filter has a value that is none; says which, and which there are."""

    code = "FILTER_UNKNOWN"


@dataclass(frozen=True, slots=True)
class Order:
    """Keys that are unique together, all falling."""

    keys: tuple[str, ...]

    def after(self) -> str:
        """Return the condition that an item comes behind a place."""
        return f"({', '.join(self.keys)}) < ({', '.join('?' * len(self.keys))})"

    def by(self) -> str:
        """Return the order."""
        return ", ".join(f"{key} DESC" for key in self.keys)


URGENT: Final = Order(("unseen", "colour", "raised", "number"))
NEWEST: Final = Order(("raised", "number"))


class View(NamedTuple):
    """A view of the list: its condition, its order, the index that has it."""

    condition: str
    order: Order
    by_index: str


VIEWS: Final = {
    "open": View(FREE, URGENT, "episode_urgent"),
    "unacknowledged": View(f"unseen = 1 AND {FREE}", URGENT, "episode_urgent"),
    "history": View("closed IS NOT NULL", NEWEST, "episode_closed"),
    "all": View("1", NEWEST, "episode_raised"),
    "shelved": View(_UNDER.format("SHELVED"), NEWEST, ""),
    "suppressed": View(_UNDER.format("SUPPRESSED"), NEWEST, ""),
    "out_of_service": View(_UNDER.format("OUT_OF_SERVICE"), NEWEST, ""),
}
"""Those under an overlay list the newest episode of each such rule, whether it is open or not."""


class Resolved(NamedTuple):
    """What names of a filter stand for: sites and numbers of points (None: any)."""

    sites: frozenset[str] | None
    points: frozenset[int] | None
    text: frozenset[int] | None
    """Points whose names hold the text that is sought."""
    in_ids: bool = False
    """Whether ids of alarms may hold it too."""

    @property
    def none(self) -> bool:
        """Whether there can be no such alarm."""
        return self.sites == frozenset() or (self.text == frozenset() and not self.in_ids)


class Page(NamedTuple):
    """Rows; `counted` of all there are, at most COUNTED + 1; where the next page begins."""

    rows: list[EpisodeRow]
    counted: int
    next: str | None


class Question(NamedTuple):
    """A list's SQL: source, condition with its values, order.

    `counted`: an index holds all that is asked by, so that it is counted without reading rows.
    """

    source: str
    where: str
    values: list[Any]
    order: Order
    counted: bool


def page(conn: sqlite3.Connection, asked: EpisodeFilter, names: Resolved) -> Page:
    """Return a page. Raises FilterUnknown, CursorUnknown, CursorElsewhere."""
    limit, found = max(1, min(asked.limit, MOST)), question(asked, names)
    width, place = len(found.order.keys), None
    if asked.cursor is not None:
        *place, counted = cursors.read(_subject(asked), asked.cursor, width + 1)
    if names.none:
        return Page([], 0, None)
    sql, values = reading(found, place, limit + 1)
    keys = conn.execute(sql, values).fetchall()
    if place is None:  # the first page counts all there are, the others say that again
        counted = len(keys) if len(keys) <= limit else _count(conn, found)
    following = None
    if len(keys) > limit:
        following = cursors.write(_subject(asked), [*keys[limit - 1], counted])
    return Page(_rows(conn, [key[-1] for key in keys[:limit]]), counted, following)


def _count(conn: sqlite3.Connection, found: Question) -> int:
    sql = counting(found)
    return int(conn.execute(sql, [*found.values, COUNTED + 1]).fetchone()[0])


def counting(found: Question) -> str:
    """Return what counts a list: in SQLite, whose rows would be as many turns of the interpreter.

    Where an index holds all that is asked by, no row of the table is read.
    """
    source = "episode INDEXED BY episode_figures" if found.counted else found.source
    return f"SELECT count(*) FROM (SELECT 1 FROM {source} WHERE {found.where} LIMIT ?)"  # noqa: S608


def reading(found: Question, place: list[int] | None, limit: int) -> tuple[str, list[Any]]:
    """Return what reads the keys of a list in its order, from a place on; the last is `number`."""
    order, where, values = found.order, found.where, list(found.values)
    if place is not None:
        where += f" AND {order.after()}"
        values += place
    sql = (
        f"SELECT {', '.join(order.keys)} FROM {found.source} "  # noqa: S608
        f"WHERE {where} ORDER BY {order.by()} LIMIT ?"
    )
    return sql, [*values, limit]


def _rows(conn: sqlite3.Connection, numbers: list[int]) -> list[EpisodeRow]:
    """Return episodes in the order of their numbers here."""
    found = conn.execute(
        f"SELECT {COLUMNS} FROM episode WHERE number IN {_LISTED}",  # noqa: S608
        (json.dumps(numbers),),
    )
    rows = {row.number: row for row in map(read_row, found)}
    return [rows[number] for number in numbers]


def question(asked: EpisodeFilter, names: Resolved) -> Question:
    """Return the list's SQL. Raises FilterUnknown."""
    view = VIEWS.get(asked.state)
    if view is None:
        raise FilterUnknown(filter="state", value=asked.state, allowed=", ".join(VIEWS))
    faults = _FAULTS.get(asked.faults)
    if faults is None:
        raise FilterUnknown(filter="faults", value=asked.faults, allowed=", ".join(_FAULTS))
    clauses, values = [view.condition, faults], list[Any]()
    for clause, *given in (*_of_names(asked, names), *_of_facts(asked)):
        clauses.append(clause)
        values += given
    counted = view.order is URGENT and _in_figures(asked)
    order, source = _way(view, asked, names, counted=counted)
    return Question(source, " AND ".join(clauses), values, order, counted)


def _in_figures(asked: EpisodeFilter) -> bool:
    """Return whether the index of the figures holds all that is asked by."""
    held = replace(asked, rule=None, point=None, object=None, verification=None)
    return replace(held, late=None, since=None, until=None, q="") == asked


def _way(view: View, asked: EpisodeFilter, names: Resolved, *, counted: bool) -> tuple[Order, str]:
    """Name the order and the index: the planner knows no figures and would take any."""
    if asked.faults == "only":
        return view.order, "episode"  # there are few: they are looked up
    if view.order is URGENT:
        by_site = names.sites is not None and (counted or len(names.sites) <= _FEW)
        if by_site or (counted and asked.purpose is not None):
            # The few that are meant are sorted sooner than looked for among all.
            return URGENT, "episode INDEXED BY episode_figures"
        return view.order, f"episode INDEXED BY {view.by_index}"
    index = view.by_index
    if index and (asked.point or asked.rule or _few_called(names)):
        index = "episode_point"
    elif index and names.points is not None:
        index = ""
    elif index and names.sites is not None and len(names.sites) == 1:
        index = "episode_site"
    return view.order, f"episode INDEXED BY {index}" if index else "episode"


def _few_called(names: Resolved) -> bool:
    """Return whether a text that is in no id is in the names of few points."""
    return names.text is not None and not names.in_ids and len(names.text) <= _FEW_POINTS


def _of_names(asked: EpisodeFilter, names: Resolved) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    if asked.point:
        found.append(("point = (SELECT number FROM point WHERE id = ?)", asked.point))
    if asked.rule:
        found.append(
            ("rule = ? AND point = (SELECT point FROM rule WHERE id = ?)", asked.rule, asked.rule)
        )
    if names.points is not None:
        found.append((f"point IN {_LISTED}", _list(names.points)))
    if names.sites is not None:
        marks = ", ".join("?" * len(names.sites))
        found.append((f"site IN ({marks})", *sorted(names.sites)))
    if names.text is not None:
        if names.in_ids:
            clause = f"(id LIKE ? OR point IN {_LISTED})"
            found.append((clause, f"%{asked.q}%", _list(names.text)))
        else:
            found.append((f"point IN {_LISTED}", _list(names.text)))
    return found


_IN_IDS: Final = re.compile(r"(A?-)?[0-9]*(-[0-9]*)?", re.IGNORECASE)


def in_ids(text: str) -> bool:
    """Return whether an alarm's id, `A-20260612-0042`, can hold the text."""
    return _IN_IDS.fullmatch(text) is not None


def _of_facts(asked: EpisodeFilter) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    if asked.levels:
        colours = sorted(_colour(name) for name in asked.levels)
        # With the plus it is only looked at: as a way in, it would break the order of the index.
        found.append((f"+colour IN ({', '.join('?' * len(colours))})", *colours))
    if asked.verification == UNVERIFIED:
        found.append(("number NOT IN (SELECT episode FROM verdict)",))
    elif asked.verification is not None:
        if asked.verification not in VERIFIED:
            allowed = ", ".join((*VERIFIED, UNVERIFIED))
            raise FilterUnknown(filter="verification", value=asked.verification, allowed=allowed)
        clause = "EXISTS (SELECT 1 FROM verdict v WHERE v.episode = number AND v.result = ?)"
        found.append((clause, asked.verification))
    for clause, value in (
        ("late = ?", asked.late),
        ("purpose = ?", asked.purpose),
        ("raised >= ?", asked.since),
        ("raised < ?", asked.until),
    ):
        if value is not None:
            found.append((clause, value))
    return found


_LISTED: Final = "(SELECT value FROM json_each(?))"
"""Any number of numbers in one value."""


def _list(numbers: Collection[int]) -> str:
    return json.dumps(sorted(numbers))


def _colour(name: str) -> int:
    colour = Colour.__members__.get(name.upper())
    if colour is None:
        allowed = ", ".join(each.lower() for each in Colour.__members__)
        raise FilterUnknown(filter="level", value=name, allowed=allowed)
    return int(colour)


def _subject(asked: EpisodeFilter) -> dict[str, Any]:
    """Return what a cursor is bound to: all but how many, and from where on."""
    subject = asdict(asked)
    del subject["cursor"], subject["limit"]
    return {
        key: sorted(value) if isinstance(value, frozenset) else value
        for key, value in subject.items()
    }
