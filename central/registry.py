"""What is connected: gateways by hand, everything else from the manifests they send.

A newly configured point appears without a second configuration. Kept in memory on the event loop
and changed only after the transaction that changed the tables; built anew from the current
manifests at start. A site described by two gateways is described by the one created first.
"""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
from sqlite_utils import Database as Tables

from central.contacts import Contacts
from central.database import Database
from central.known_manifests import read_known
from central.point_index import PointIndex
from central.registry_records import GatewayRecord, PointRecord, SiteRecord
from protocols.clock import Clock
from protocols.errors import FengsuiError
from protocols.wire.manifest import Manifest
from protocols.words import NAME, Label

LOADING: Final = 600.0
"""Real seconds one gateway's points may take at the start: a slow machine starts too."""


class GatewayExists(FengsuiError):
    """A gateway of that name is there already."""

    code = "GATEWAY_EXISTS"


class NameRefused(FengsuiError):
    """Not a logical name: lower case letters, digits, `_`, `-`, `.`; at most 63."""

    code = "NAME_REFUSED"


@dataclass(frozen=True, slots=True)
class Entry:
    """One gateway as created, its current manifest, and the numbers of the manifest's points."""

    name: str
    label: Label
    site: str | None
    created: int
    manifest: Manifest | None = None
    numbers: tuple[int, ...] = ()


class Registry:
    """Answers from memory; see the module's promises."""

    def __init__(self, db: Database, clock: Clock, contacts: Contacts) -> None:
        self._db = db
        self._clock = clock
        self._contacts = contacts
        self._entries: dict[str, Entry] = {}
        self._sites: dict[str, SiteRecord] | None = {}
        """None: to be made anew when somebody asks."""
        self._objects: dict[str, Label] | None = {}
        """By `site/object`; None as of the sites."""
        self._points: dict[str, PointRecord] = {}
        self._by_number: dict[int, PointRecord] = {}
        self.index = PointIndex()
        """Sites and names by number, as arrays."""

    async def load(self) -> None:
        """Read every gateway and its current manifest."""
        for name in await self._db.read(_names):
            entry = await self._db.read(partial(read_entry, name=name), deadline=LOADING)
            if entry is not None:
                self.put(entry)

    def put(self, entry: Entry) -> None:
        """Take a gateway, or its new manifest, after the commit."""
        known = self._entries.get(entry.name)
        if known is not None:
            self.index.drop(known.numbers)
            for number in known.numbers:
                old = self._by_number.pop(number, None)
                if old is not None:
                    self._points.pop(old.id, None)
        self._entries[entry.name] = entry
        points = _points(entry)
        for point in points:
            self._points[point.id] = self._by_number[point.number] = point
        self.index.put(points)
        self._sites = self._objects = None

    def entry(self, gateway: str) -> Entry | None:
        """Return what is known of a gateway, without its contact."""
        return self._entries.get(gateway)

    def sites(self) -> list[SiteRecord]:
        """Return every site, by name."""
        known = self._known_sites()
        return [known[name] for name in sorted(known)]

    def site(self, name: str) -> SiteRecord | None:
        """Return one site."""
        return self._known_sites().get(name)

    def object_label(self, subject: str) -> Label | None:
        """Return what the object `site/object` is called; None: no gateway knows it."""
        if self._objects is None:
            self._objects = _object_labels(self._entries.values())
        return self._objects.get(subject)

    def names(self) -> list[str]:
        """Return the names of all gateways."""
        return list(self._entries)

    def gateways(self) -> list[GatewayRecord]:
        """Return every gateway with its state, by name."""
        return [self._contacts.record(self._entries[name]) for name in sorted(self._entries)]

    def gateway(self, name: str) -> GatewayRecord | None:
        """Return one gateway with its state."""
        entry = self._entries.get(name)
        return self._contacts.record(entry) if entry else None

    def points(self, site: str | None = None) -> list[PointRecord]:
        """Return the points of the current manifests, in their order."""
        return [p for p in self._points.values() if site is None or p.site == site]

    def point(self, id: str) -> PointRecord | None:  # noqa: A002  # the glossary's word
        """Return the point `site/gateway/device/point`."""
        return self._points.get(id)

    def by_number(self, number: int) -> PointRecord | None:
        """Return the point with the registry's own number."""
        return self._by_number.get(number)

    def number(self, id: str) -> int | None:  # noqa: A002
        """Return the registry's number of a point."""
        point = self._points.get(id)
        return point.number if point else None

    def numbers(self) -> list[int]:
        """Return the numbers of all current points."""
        return list(self._by_number)

    def _known_sites(self) -> dict[str, SiteRecord]:
        if self._sites is None:
            self._sites = _sites(self._entries.values())
        return self._sites

    async def add_gateway(
        self, name: str, site: str | None = None, label: Label | None = None
    ) -> GatewayRecord:
        """Create a gateway. Raises NameRefused or GatewayExists."""
        if not NAME.fullmatch(name):
            raise NameRefused(name=name)
        entry = Entry(name, label or Label(name), site, self._clock.now())
        await self._db.write(
            lambda tables: insert_gateway(tables, entry), lambda _: self.put(entry)
        )
        return self._contacts.record(entry)


def number_points(tables: Tables, manifest: Manifest) -> tuple[int, ...]:
    """Return the numbers of the manifest's points, giving new ones a number (writer thread)."""
    ids = [str(manifest.point_id(index)) for index in range(len(manifest.points))]
    tables.conn.executemany(
        "INSERT OR IGNORE INTO point(id, gateway) VALUES (?, ?)",
        [(id_, manifest.gateway) for id_ in ids],
    )
    return numbers_of(tables.conn, manifest.gateway, ids)


def numbers_of(conn: sqlite3.Connection, gateway: str, ids: Iterable[str]) -> tuple[int, ...]:
    """Return the numbers of a gateway's points, which all have one."""
    known = _numbers(conn, gateway)
    return tuple(known[id_] for id_ in ids)


def read_entry(
    conn: sqlite3.Connection, name: str, current: Manifest | None = None
) -> Entry | None:
    """Return a gateway with its current manifest from the tables; `current`: it is known."""
    row = conn.execute(
        "SELECT g.name, g.label, g.site, g.created, m.body, m.digest, m.numbers FROM gateway g "
        "LEFT JOIN manifest m ON m.digest = g.manifest WHERE g.name = ?",
        (name,),
    ).fetchone()
    if row is None:
        return None
    entry = Entry(row[0], Label(*json.loads(row[1])), row[2], row[3])
    if row[4] is None:
        return entry
    manifest = read_known(row[4], row[5]) if current is None else current
    if row[6] is not None:
        kept = tuple(np.frombuffer(row[6], "<i8").tolist())
        return replace(entry, manifest=manifest, numbers=kept)
    ids = [str(manifest.point_id(index)) for index in range(len(manifest.points))]
    return replace(entry, manifest=manifest, numbers=numbers_of(conn, name, ids))


def _names(conn: sqlite3.Connection) -> list[str]:
    return [row[0] for row in conn.execute("SELECT name FROM gateway ORDER BY created, name")]


def _numbers(conn: sqlite3.Connection, gateway: str) -> dict[str, int]:
    return dict(conn.execute("SELECT id, number FROM point WHERE gateway = ?", (gateway,)))


def insert_gateway(tables: Tables, entry: Entry) -> None:
    """Write a new gateway (writer thread). Raises GatewayExists."""
    found = tables.conn.execute(
        "INSERT OR IGNORE INTO gateway(name, label, site, created) VALUES (?, ?, ?, ?)",
        (entry.name, json.dumps([entry.label.zh, entry.label.en]), entry.site, entry.created),
    )
    if found.rowcount == 0:
        raise GatewayExists(name=entry.name)


def _points(entry: Entry) -> list[PointRecord]:
    manifest = entry.manifest
    if manifest is None:
        return []
    devices = {(device.site, device.name): device.label for device in manifest.devices}
    objects = {(item.site, item.name): item.label for item in manifest.objects}
    return [
        PointRecord(
            number=number,
            id=f"{point.site}/{manifest.gateway}/{point.device}/{point.name}",
            site=point.site,
            gateway=manifest.gateway,
            device=point.device,
            label=point.label,
            device_label=devices.get((point.site, point.device), Label(point.device)),
            object=point.object,
            object_label=objects.get((point.site, point.object)) if point.object else None,
            quantity=point.quantity,
            unit=point.unit,
            low=point.low,
            high=point.high,
            type=point.type,
            decimals=point.decimals,
            stale=point.stale,
            enumeration=point.enumeration,
            limits=point.limits,
        )
        for number, point in zip(entry.numbers, manifest.points, strict=True)
    ]


def _object_labels(entries: Iterable[Entry]) -> dict[str, Label]:
    """Return what objects are called by the gateway that named each of them first."""
    labels: dict[str, Label] = {}
    for entry in sorted(entries, key=lambda item: (item.created, item.name)):
        for item in entry.manifest.objects if entry.manifest else ():
            labels.setdefault(f"{item.site}/{item.name}", item.label)
    return labels


def _sites(entries: Iterable[Entry]) -> dict[str, SiteRecord]:
    sites: dict[str, SiteRecord] = {}
    for entry in sorted(entries, key=lambda item: (item.created, item.name)):
        for site in entry.manifest.sites if entry.manifest else ():
            if site.name not in sites:
                sites[site.name] = SiteRecord(
                    name=site.name,
                    label=site.label,
                    region=site.region,
                    domain=site.domain,
                    longitude=site.longitude,
                    latitude=site.latitude,
                )
    return sites
