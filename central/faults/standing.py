"""Places that are silent, and the faults told of them, in the tables.

`fault_place` has a row for each place that ever was silent, `fault` one for each episode: what was
below it then stays told.
"""

import json
import sqlite3
from collections.abc import Iterable
from typing import Final, NamedTuple

from central.alarms.many.silence import read_below, write_below
from central.faults.places import Place

_PUT: Final = (
    "INSERT INTO fault_place(rule, kind, gateway, bus, device, site, since, held, ended, "
    "concluded, devices, points, below) VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, ?, ?) "
    "ON CONFLICT(rule) DO UPDATE SET site = excluded.site, bus = excluded.bus, "
    "since = excluded.since, held = excluded.held, ended = NULL, concluded = excluded.concluded, "
    "devices = excluded.devices, points = excluded.points, below = excluded.below"
)
_SHOWN: Final = "kind, gateway, bus, device, since, concluded, devices, points"
_BEGUN: Final = (
    f"INSERT OR REPLACE INTO fault(episode, rule, {_SHOWN}, below) "  # noqa: S608
    f"SELECT ?, rule, {_SHOWN}, below FROM fault_place WHERE rule = ?"
)
_LISTED: Final = "(SELECT value FROM json_each(?))"


class Standing(NamedTuple):
    """A place that is silent since `since` (µs UTC: the last that was heard)."""

    rule: str
    kind: str
    bus: str | None
    device: str | None
    since: int
    points: tuple[int, ...]


class FaultRow(NamedTuple):
    """What an episode of a fault is about; `since` µs UTC, the last that was heard."""

    kind: str
    gateway: str
    bus: str | None
    device: str | None
    since: int
    concluded: bool
    devices: int
    points: int


def begin(conn: sqlite3.Connection, place: Place, since: int, now: int) -> None:
    """Let a place be silent."""
    conn.execute(
        _PUT,
        (
            place.rule,
            place.kind,
            place.gateway,
            place.bus,
            place.device,
            place.site,
            since,
            now,
            place.concluded,
            place.devices,
            len(place.points),
            write_below(place.points),
        ),
    )


def end(conn: sqlite3.Connection, rule: str, now: int) -> None:
    """Let a place be heard again."""
    conn.execute("UPDATE fault_place SET ended = ? WHERE rule = ?", (now, rule))


def standing(conn: sqlite3.Connection, gateway: str) -> list[Standing]:
    """Return what of a gateway is silent."""
    rows = conn.execute(
        "SELECT rule, kind, bus, device, since, below FROM fault_place INDEXED BY fault_place_open "
        "WHERE ended IS NULL AND gateway = ?",
        (gateway,),
    )
    return [
        Standing(rule, kind, bus, device, since, tuple(read_below(below)))
        for rule, kind, bus, device, since, below in rows.fetchall()
    ]


def begun(conn: sqlite3.Connection, episodes: Iterable[tuple[int, str]]) -> None:
    """Keep what each episode (its number, its rule) is about."""
    conn.executemany(_BEGUN, episodes)


def of(conn: sqlite3.Connection, numbers: Iterable[int]) -> dict[int, FaultRow]:
    """Return what episodes are about, of those that are faults, by their numbers."""
    rows = conn.execute(
        f"SELECT episode, {_SHOWN} FROM fault WHERE episode IN {_LISTED}",  # noqa: S608
        (json.dumps(list(numbers)),),
    )
    return {
        number: FaultRow(kind, gateway, bus, device, since, bool(concluded), devices, points)
        for number, kind, gateway, bus, device, since, concluded, devices, points in rows
    }


def below(conn: sqlite3.Connection, episode: str) -> tuple[int, ...] | None:
    """Return the points below the place of a fault, by its episode's id; None: it is no fault."""
    row = conn.execute(
        "SELECT f.below FROM episode e JOIN fault f ON f.episode = e.number WHERE e.id = ?",
        (episode,),
    ).fetchone()
    return None if row is None else tuple(read_below(row[0]))
