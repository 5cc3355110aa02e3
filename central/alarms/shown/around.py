"""What stands around an alarm: the first of its group, and of a fault what is silent.

Read beside the episodes of a page, or of one that is told.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from central.alarms.acts.said import Said
from central.alarms.journal.episode import Episode, EpisodeFilter, FaultShown, SiteBelow
from central.alarms.journal.records import EpisodeRow
from central.alarms.many import first_ups
from central.alarms.shown import messages, reading
from central.alarms.shown.first_up import FirstUp
from central.alarms.shown.listing import Page, Resolved
from central.alarms.shown.messages import Heard
from central.alarms.shown.reading import Detail
from central.faults import standing
from central.faults.places import BUS, DEVICE
from central.faults.standing import FaultRow
from central.registry import Entry
from protocols.alarms.rule import Level
from protocols.wire.manifest import Manifest
from protocols.words import Label


class Around(NamedTuple):
    """Of one episode."""

    first_up: FirstUp | None = None
    fault: FaultRow | None = None


ALONE: Final = Around()


def of(conn: sqlite3.Connection, numbers: Iterable[int]) -> dict[int, Around]:
    """Return what stands around episodes, by their numbers."""
    asked = list(numbers)
    firsts, faults = first_ups.of(conn, asked), standing.of(conn, asked)
    return {number: Around(firsts.get(number), faults.get(number)) for number in asked}


def page(
    conn: sqlite3.Connection, asked: EpisodeFilter, resolve: Callable[[], Resolved]
) -> tuple[Page, dict[int, Said], dict[int, Heard], dict[int, Around]]:
    """Return a page, of its rows what people said and were told, and what stands around them."""
    found, known, heard = reading.page(conn, asked, resolve())
    return found, known, heard, of(conn, [row.number for row in found.rows])


def detail(conn: sqlite3.Connection, id_: str) -> tuple[EpisodeRow, Detail, Around] | None:
    """Return an episode with all of it, or None."""
    found = reading.detail(conn, id_)
    if found is None:
        return None
    row, known = found
    return row, known, of(conn, [row.number])[row.number]


def told(conn: sqlite3.Connection, ids: Iterable[str]) -> dict[str, tuple[Around, Heard]]:
    """Return what stands around episodes, and what is told of them, by their ids."""
    numbers = dict(
        conn.execute(
            "SELECT id, number FROM episode WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(ids)),),
        ).fetchall()
    )
    heard, near = messages.heard_of(conn, numbers.values()), of(conn, numbers.values())
    return {id_: (near[number], heard[number]) for id_, number in numbers.items()}


def shown(
    episode: Episode,
    around: Around,
    entry: Entry | None,
    heard: Heard | None,
    ladder: Sequence[Level],
) -> Episode:
    """Return the episode with it, and with what people are told of it where that was `heard`.

    `entry` is the gateway of a fault. A fault is shown under the name of what is silent, and has no
    value of its own.
    """
    row = around.fault
    if row is None:
        told = None if heard is None else messages.told(episode, heard, ladder)
        return replace(episode, first_up=around.first_up, told=told)
    fault = _fault(row, entry)
    device = row.device.partition("/")[2] if row.device else ""
    silent = replace(
        episode,
        fault=fault,
        label=fault.label,
        object=None,
        object_label=None,
        device=device,
        device_label=fault.device_label or Label(device),
        quantity="",
        unit="",
        decimals=None,
        value=None,
        value_time=None,
        value_quality=None,
        value_at_raise=None,
        time_to_next=None,
    )
    return silent if heard is None else replace(silent, told=messages.told(silent, heard, ladder))


def _fault(row: FaultRow, entry: Entry | None) -> FaultShown:
    manifest = None if entry is None else entry.manifest
    known = manifest or entry
    gateway = Label(row.gateway) if known is None else known.label
    device = None
    if row.kind == DEVICE:
        devices = manifest.devices if manifest else ()
        named = {f"{each.site}/{each.name}": each.label for each in devices}
        device = named.get(row.device or "", Label(row.device or ""))
    return FaultShown(
        place=row.kind,
        gateway=row.gateway,
        gateway_label=gateway,
        bus=row.bus,
        device=None if row.device is None else row.device.partition("/")[2],
        device_label=device,
        label=device or (Label(row.bus or "") if row.kind == BUS else gateway),
        since=row.since,
        devices=row.devices,
        points=row.points,
        concluded=row.concluded,
        shared=() if manifest is None or row.kind == DEVICE else _shared(manifest, row.bus),
    )


def _shared(manifest: Manifest, bus: str | None) -> tuple[SiteBelow, ...]:
    """Return what lies below a gateway that serves several sites, or below a bus of it, by site."""
    if len(manifest.sites) < 2:
        return ()
    on = {(each.site, each.name) for each in manifest.devices if bus in (None, each.bus)}
    points = Counter(place for each in manifest.points if (place := (each.site, each.device)) in on)
    devices = Counter(site for site, _ in points)
    return tuple(
        SiteBelow(site, count, sum(n for (of, _), n in points.items() if of == site))
        for site, count in devices.items()
    )
