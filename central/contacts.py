"""Whether each gateway is in contact, and what it last told of itself.

One gateway gone is one item (网关离线), never an alarm and never the return of one: its points keep
their values and age (`central.faults`, in the same transaction). Judged by the clock that never
jumps; after a start every gateway is given the full time before it is called offline, because it
was we who were away.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlite_utils import Database as Tables

from central import events
from central.database import Database, Urgency
from central.effects import CollectorEvent, Effects
from central.faults.following import Following, Nothing
from central.health import Health, read_health
from central.registry_records import BusState, DeviceState, GatewayRecord
from protocols.clock import Clock
from protocols.wire.headers import ClockReport

if TYPE_CHECKING:
    from central.registry import Entry

OFFLINE_AFTER: Final = 30_000_000
"""Microseconds of the collector's clock without any request of the gateway."""


@dataclass(frozen=True, slots=True)
class Contact:
    """Times are µs UTC; `offline_since` is the last contact before the silence.

    `heard` is the last contact on the clock that never jumps (None: before our start).
    """

    last: int | None = None
    offline_since: int | None = None
    purpose: str | None = None
    health: Health = Health()  # noqa: RUF009  # frozen
    heard: int | None = None


_NEVER: Final = Contact()


class _Became(NamedTuple):
    """The event of a contact that was lost or is back, and what followed."""

    event: CollectorEvent
    followed: Any


class Contacts:
    """Kept on the event loop; `tell` is given what changed."""

    def __init__(self, db: Database, clock: Clock, tell: Callable[[Effects], None]) -> None:
        self._db = db
        self._clock = clock
        self._tell = tell
        self._contacts: dict[str, Contact] = {}
        self._started = clock.mono()
        self._wake = asyncio.Event()
        self._patience: dict[str, int] = {}
        self._buses: dict[str, tuple[Entry, Health, tuple[BusState, ...]]] = {}
        """What was made of what was described and told, until either changes."""
        self.following: Following = Nothing()
        self.measured: Callable[[str, ClockReport, int], object] = lambda *_: None
        """Is told the clocks of every report of health, and when it was here."""

    async def load(self) -> None:
        """Read what was known before the start."""
        self._contacts = await self._db.read(_contacts)

    def expect(self, gateway: str, patience: int) -> None:
        """Let a gateway be silent for so long (µs) before it is offline: a virtual one's own."""
        self._patience[gateway] = patience

    def contact(self, gateway: str) -> Contact:
        """Return the contact with `gateway`."""
        return self._contacts.get(gateway, _NEVER)

    async def seen(self, gateway: str) -> None:
        """Note that a request of `gateway` is here; tells once when it was offline."""
        now, contact = self._clock.now(), self._contacts.get(gateway, _NEVER)
        # Of every request: to replace two of its fields costs several times as much.
        self._contacts[gateway] = Contact(
            now, None, contact.purpose, contact.health, self._clock.mono()
        )
        self._wake.set()
        if contact.offline_since is not None:
            away, follow = contact.offline_since, self.following.back(gateway, now)
            try:
                await self._db.write(
                    lambda tables: _Became(
                        _mark_online(tables, gateway, away, now), follow(tables)
                    ),
                    self._told(gateway),
                    urgency=Urgency.URGENT,  # the first request after an outage is an alarm's
                )
            except sqlite3.Error:  # its return has not been told: the next request tells it
                self._contacts[gateway] = replace(self.contact(gateway), offline_since=away)
                raise
        elif contact.last is None:
            self._tell(Effects(gateways=[gateway]))

    def committed(self, gateway: str, purpose: str) -> None:
        """Take the purpose of the stream that was just written."""
        contact = self.contact(gateway)
        if contact.purpose != purpose:
            self._contacts[gateway] = replace(contact, purpose=purpose)
            self._tell(Effects(gateways=[gateway]))

    async def health(self, gateway: str, body: bytes) -> None:
        """Take what the gateway says of itself. Raises WireError."""
        now = self._clock.now()
        health = read_health(body).met(now)
        if health.report is not None:
            self.measured(gateway, health.report, now)

        follow = self.following.reported(gateway, health, now)

        def work(tables: Tables) -> Any:
            tables.conn.execute(
                "UPDATE gateway SET health = ?, last_contact = ? WHERE name = ?",
                (body.decode(), now, gateway),
            )
            return follow(tables)

        await self._db.write(work, self.following.done)
        self._contacts[gateway] = replace(self.contact(gateway), health=health)
        self._tell(Effects(gateways=[gateway]))

    def online(self, gateway: str) -> bool:
        """Return whether the gateway has been in contact and is not overdue."""
        contact = self.contact(gateway)
        return contact.last is not None and contact.offline_since is None

    async def watch(self) -> None:
        """Call gateways offline when their time is up; runs until cancelled."""
        while True:
            self._wake.clear()
            deadlines = [self._deadline(g, c) for g, c in self._contacts.items() if _is_online(c)]
            if not deadlines:
                await self._wake.wait()
                continue
            await self._clock.sleep(max(1_000, min(deadlines) - self._clock.mono()))
            await self._check(self._clock.now())

    async def _check(self, now: int) -> None:
        for gateway, contact in list(self._contacts.items()):
            if not _is_online(contact) or self._deadline(gateway, contact) > self._clock.mono():
                continue
            since = contact.last or now
            self._contacts[gateway] = replace(contact, offline_since=since)
            try:
                await self._db.write(self._lost(gateway, since, now), self._told(gateway))
            except sqlite3.Error:  # not told: it is tried again
                if self.contact(gateway).heard == contact.heard:
                    self._contacts[gateway] = contact
                raise

    def _deadline(self, gateway: str, contact: Contact) -> int:
        patience = self._patience.get(gateway, OFFLINE_AFTER)
        return (self._started if contact.heard is None else contact.heard) + patience

    def _lost(self, gateway: str, since: int, now: int) -> Callable[[Tables], _Became | None]:
        """Return what writes that a gateway is offline, unless it was heard meanwhile."""
        follow = self.following.silent(gateway, since, now)

        def work(tables: Tables) -> _Became | None:
            if self.contact(gateway).offline_since != since:
                return None
            return _Became(_mark_offline(tables, gateway, since, now), follow(tables))

        return work

    def _told(self, gateway: str) -> Callable[[_Became | None], None]:
        def tell(became: _Became | None) -> None:
            if became is not None:
                self._tell(Effects(gateways=[gateway], events=[became.event]))
                self.following.done(became.followed)

        return tell

    def record(self, entry: "Entry") -> GatewayRecord:
        """Return the gateway with its state, for people."""
        contact = self.contact(entry.name)
        health, manifest = contact.health, entry.manifest
        state = "never" if contact.last is None else "online"
        return GatewayRecord(
            name=entry.name,
            label=manifest.label if manifest else entry.label,
            site=entry.site or (manifest.sites[0].name if manifest and manifest.sites else None),
            created=entry.created,
            state="offline" if contact.offline_since is not None else state,
            last_contact=contact.last,
            offline_since=contact.offline_since,
            backlog=health.backlog,
            buffer=health.buffer,
            purpose=contact.purpose or "production",
            version=health.version,
            clock=health.clock,
            points=len(manifest.points) if manifest else 0,
            sites=tuple(site.name for site in manifest.sites) if manifest else (),
            buses=self._known_buses(entry, health),
        )

    def _known_buses(self, entry: "Entry", health: Health) -> tuple[BusState, ...]:
        known = self._buses.get(entry.name)
        if known is not None and known[0] is entry and known[1] is health:
            return known[2]
        buses = _buses(entry, health)
        self._buses[entry.name] = entry, health, buses
        return buses


def _is_online(contact: Contact) -> bool:
    return contact.last is not None and contact.offline_since is None


def _buses(entry: "Entry", health: Health) -> tuple[BusState, ...]:
    """Join what the manifest lists with the states the gateway told."""
    buses: dict[str, list[DeviceState]] = {}
    protocols: dict[str, str] = {}
    for device in entry.manifest.devices if entry.manifest else ():
        state, since = health.devices.get(f"{device.site}/{device.name}", ("unknown", None))
        protocols[device.bus] = device.protocol
        buses.setdefault(device.bus, []).append(
            DeviceState(
                name=device.name,
                label=device.label,
                site=device.site,
                state=state,
                since=since,
            )
        )
    return tuple(
        BusState(
            name=name,
            protocol=protocols[name],
            state=health.buses.get(name, "unknown"),
            devices=tuple(devices),
        )
        for name, devices in buses.items()
    )


def _contacts(conn: sqlite3.Connection) -> dict[str, Contact]:
    rows = conn.execute("SELECT name, last_contact, offline_since, purpose, health FROM gateway")
    return {
        name: Contact(last, offline, purpose, read_health(health.encode()) if health else Health())
        for name, last, offline, purpose, health in rows
    }


def _mark_offline(tables: Tables, gateway: str, since: int, now: int) -> CollectorEvent:
    tables.conn.execute("UPDATE gateway SET offline_since = ? WHERE name = ?", (since, gateway))
    params: Mapping[str, int] = {"since": since}
    return events.record(tables, (now, now), events.FAULT, "GATEWAY_OFFLINE", gateway, params)


def _mark_online(tables: Tables, gateway: str, since: int, now: int) -> CollectorEvent:
    tables.conn.execute(
        "UPDATE gateway SET offline_since = NULL, last_contact = ? WHERE name = ?", (now, gateway)
    )
    seconds = (now - since) // 1_000_000
    return events.record(
        tables, (now, now), events.FAULT, "GATEWAY_ONLINE", gateway, {"seconds": seconds}
    )
