"""Which alarm of an object was the first, kept as groups (首出): `protocols.alarms.first_up`.

An object is a bund, a tank, a crane; where a point has none it is the site. Test and drill have
groups of their own. What is told late may have begun earlier than the first: the mark moves.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from central.alarms.journal.records import EpisodeRow
from central.alarms.shown.first_up import FirstUp
from protocols.alarms import first_up
from protocols.alarms.first_up import Group
from protocols.words import Purpose

_NEWEST: Final = (
    "SELECT number, first, began, followers FROM alarm_group WHERE name = ? "
    "ORDER BY began DESC LIMIT 1"
)
_PUT: Final = (
    "INSERT INTO alarm_group(number, name, first, began, followers) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT(number) DO UPDATE SET first = excluded.first, began = excluded.began, "
    "followers = excluded.followers"
)
ObjectOf = Callable[[int], str | None]
"""The object of a point, by the registry's number."""


@dataclass(slots=True)
class _Kept:
    """A group as it becomes; `number` is its row's."""

    number: int
    group: Group


class _Groups:
    """The newest group of each name, as far as asked for, in one commit."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn
        self._newest: dict[str, _Kept | None] = {}
        self._changed: dict[int, tuple[str, Group]] = {}
        self._next = 0

    def newest(self, name: str) -> _Kept | None:
        """Return it, or None."""
        if name not in self._newest:
            row = self._conn.execute(_NEWEST, (name,)).fetchone()
            kept = None if row is None else _Kept(row[0], Group(str(row[1]), row[2], row[3]))
            self._newest[name] = kept
        return self._newest[name]

    def begin(self, name: str, group: Group, *, newest: bool) -> int:
        """Keep a new group and return its number."""
        if not self._next:
            row = self._conn.execute("SELECT coalesce(max(number), 0) FROM alarm_group").fetchone()
            self._next = row[0]
        self._next += 1
        self._changed[self._next] = name, group
        if newest:
            self._newest[name] = _Kept(self._next, group)
        return self._next

    def go_on(self, name: str, kept: _Kept, group: Group) -> int:
        """Keep a group that changed and return its number."""
        kept.group = group
        self._changed[kept.number] = name, group
        return kept.number

    def write(self) -> None:
        """Write what changed."""
        self._conn.executemany(
            _PUT,
            [
                (number, name, int(group.first), group.began, group.followers)
                for number, (name, group) in self._changed.items()
            ],
        )


def mark(conn: sqlite3.Connection, rows: Sequence[EpisodeRow], object_of: ObjectOf) -> list[int]:
    """Put new episodes into groups, in the transaction that wrote them.

    Returns other episodes of which the mark is another now.
    """
    found, others = dict[int, int](), list[int]()
    groups = _Groups(conn)
    for row in sorted(rows, key=lambda each: (each.raised, each.number)):
        name, alarm = _name(row, object_of(row.point)), str(row.number)
        kept = groups.newest(name)
        before = None if kept is None else kept.group
        group, marked = first_up.began(before, alarm, row.raised)
        if kept is None or before is None or (group.first == alarm and group.followers == 0):
            found[row.number] = groups.begin(name, group, newest=True)
        elif group is before:  # it began long before the others, and stands for itself
            found[row.number] = groups.begin(name, Group(alarm, row.raised), newest=False)
        else:
            found[row.number] = groups.go_on(name, kept, group)
            if marked.instead_of is not None:
                others.append(int(marked.instead_of))
            elif group.followers == 1:
                others.append(int(group.first))
    groups.write()
    conn.executemany("INSERT INTO grouped_alarm(episode, grp) VALUES (?, ?)", found.items())
    return [number for number in dict.fromkeys(others) if number not in found]


def _name(row: EpisodeRow, thing: str | None) -> str:
    name = f"{row.site}/{thing or ''}"
    return name if row.purpose is Purpose.PRODUCTION else f"{name} {row.purpose.name.lower()}"


def of(conn: sqlite3.Connection, numbers: Iterable[int]) -> dict[int, FirstUp]:
    """Return what episodes are in their groups, by their numbers; those in none are left out."""
    rows = conn.execute(
        "SELECT m.episode, e.id, g.first, g.followers FROM grouped_alarm m "
        "JOIN alarm_group g ON g.number = m.grp JOIN episode e ON e.number = g.first "
        "WHERE m.episode IN (SELECT value FROM json_each(?))",
        (json.dumps(list(numbers)),),
    )
    return {
        number: FirstUp(id_, first == number, followers) for number, id_, first, followers in rows
    }
