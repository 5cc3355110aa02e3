"""What lies over rules now, as a table people can ask: one row for each layer of each rule.

The machine of a rule remembers its overlay by itself; this says it to whoever lists what is
shelved, suppressed or out of service, and since when, by whom and why.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from protocols.alarms.machine import Entry
from protocols.alarms.overlay import Overlay
from protocols.alarms.word import Word

SHELVED: Final = "SHELVED"
SUPPRESSED: Final = "SUPPRESSED"
OUT_OF_SERVICE: Final = "OUT_OF_SERVICE"
LAYERS: Final = (OUT_OF_SERVICE, SUPPRESSED, SHELVED)
"""The strongest first: what a rule is said to be."""
WORDS: Final = frozenset(
    {
        Word.SHELVE,
        Word.UNSHELVE,
        Word.UNSHELVE_AUTO,
        Word.SUPPRESS,
        Word.UNSUPPRESS,
        Word.OOS_ON,
        Word.OOS_OFF,
    }
)
"""After each of these `note` has something to say."""
_COLUMNS: Final = "name, since, until, one_shot, person, reason"
_PUTS: Final = {
    Word.SHELVE: SHELVED,
    Word.SUPPRESS: SUPPRESSED,
    Word.OOS_ON: OUT_OF_SERVICE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One of the LAYERS over a rule: since when, until when (None: until a person ends it), why."""

    name: str
    since: int
    until: int | None
    one_shot: bool
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Laid:
    """What lies over a rule now, the strongest layer first; none: it is free."""

    rule: str
    point: int
    site: str
    layers: tuple[Layer, ...]


def note(
    conn: sqlite3.Connection, rule: str, place: tuple[int, str], overlay: Overlay, entry: Entry
) -> Laid:
    """Make the rule's rows those of `overlay`, as it is after `entry`; return what lies there.

    `place` is the number of the point the rule is shown at, and its site.
    """
    until, one_shot = (overlay.shelf.until, overlay.shelf.one_shot) if overlay.shelf else (None, 0)
    there = {
        SHELVED: overlay.shelf is not None,
        SUPPRESSED: overlay.suppressed,
        OUT_OF_SERVICE: overlay.out_of_service,
    }
    gone = [(rule, name) for name, stands in there.items() if not stands]
    conn.executemany("DELETE FROM overlay WHERE rule = ? AND name = ?", gone)
    put = _PUTS.get(entry.word)
    if put is not None and there[put]:
        shelf = (until, int(one_shot)) if put == SHELVED else (None, 0)
        conn.execute(
            "INSERT OR REPLACE INTO overlay(rule, name, point, site, since, until, one_shot, "
            "person, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (rule, put, *place, entry.time, *shelf, entry.by, entry.reason),
        )
    return over(conn, rule, place)


def over(conn: sqlite3.Connection, rule: str, place: tuple[int, str]) -> Laid:
    """Return what lies over a rule, and no layer where it is free."""
    rows = conn.execute(f"SELECT {_COLUMNS} FROM overlay WHERE rule = ?", (rule,)).fetchall()  # noqa: S608
    return Laid(rule, *place, _layers(rows))


def laid(conn: sqlite3.Connection) -> dict[str, Laid]:
    """Return what lies over every rule that is not free."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    places: dict[str, tuple[int, str]] = {}
    for rule, point, site, *layer in conn.execute(
        f"SELECT rule, point, site, {_COLUMNS} FROM overlay"  # noqa: S608
    ):
        found.setdefault(rule, []).append(tuple(layer))
        places[rule] = (point, site)
    return {rule: Laid(rule, *places[rule], _layers(rows)) for rule, rows in found.items()}


def _layers(rows: Iterable[tuple[Any, ...]]) -> tuple[Layer, ...]:
    made = [
        Layer(
            name=name, since=since, until=until, one_shot=bool(one_shot), by=person, reason=reason
        )
        for name, since, until, one_shot, person, reason in rows
    ]
    return tuple(sorted(made, key=lambda layer: LAYERS.index(layer.name)))
