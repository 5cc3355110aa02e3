"""The first screen's figures: what is wrong now, and what cannot be seen.

Test and drill alarms count in no figure. Days are the site's (UTC+8).
"""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

from central.alarms.journal.records import OpenCount, open_counts
from central.evidence.retention import EvidenceState, evidence_state
from central.registry_records import GatewayRecord, SiteRecord
from protocols.alarms.condition import DAY, SITE_OFFSET
from protocols.alarms.rule import Colour
from protocols.clock import SECOND, real_monotonic
from protocols.words import Label

if TYPE_CHECKING:
    from central.collector import Collector

AGES: Final = (10, 60, 300, 1800, 7200)
"""Seconds: the steps of the timeliness figure; the last step is everything older, or never."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Open alarms by colour."""

    red: int = 0
    orange: int = 0
    yellow: int = 0
    blue: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayCount:
    """Gateways, and how many of them are offline."""

    total: int
    offline: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """The collector's own state; times µs UTC.

    `evidence_bytes` of batches kept, the oldest of which came at `evidence_oldest` (None: none).
    `backup` is a state of `central.backup.backups.BackupState`, with the time and the bytes of the
    newest verified one, and whether the collector's own keys are with it. `disk`: what its disk has
    room for, a name of `central.space.Room` in small letters. `damaged_chunks`: stored pieces that
    cannot be read, those that were set aside among them.
    """

    ingest_p99_ms: float
    backlog_readings: int
    backup: str
    readings_per_s: float
    loss_today: int
    quarantined_today: int
    last_evaluation: int | None
    backup_time: int | None = None
    backup_bytes: int | None = None
    backup_running: bool = False
    backup_identity: str | None = None
    evidence_bytes: int = 0
    evidence_oldest: int | None = None
    disk: str = "all"
    disk_free_bytes: int = 0
    disk_reserve_bytes: int = 0
    damaged_chunks: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteState:
    """A site; `worst` is a colour's name, `blind` when no gateway that serves it is in contact."""

    name: str
    label: Label
    region: str
    domain: str
    longitude: float | None
    latitude: float | None
    worst: str | None
    open: int
    unacknowledged: int
    levels: Levels
    blind: bool
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeliness:
    """How many points' newest reading is at most `upto_s` old, and older than the step before."""

    upto_s: int | None
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Everything on the first screen; times µs UTC."""

    now: int
    levels: Levels
    unacknowledged: int
    gateways: GatewayCount
    points: int
    platform: Platform
    sites: tuple[SiteState, ...]
    timeliness: tuple[Timeliness, ...]


async def overview(collector: "Collector", scope: frozenset[str] | None) -> Overview:
    """Return the figures of the sites in `scope` (None: all)."""
    now = collector.clock.now()
    today, evidence, counted = await collector.db.read(lambda conn: _read(conn, now))
    here = _Open.by_site(each for each in counted if _sees(scope, each.site))
    everywhere = _Open.joined(here.values())
    sites = [site for site in collector.registry.sites() if _sees(scope, site.name)]
    gateways = [
        gateway
        for gateway in collector.registry.gateways()
        if scope is None or scope & {*gateway.sites, gateway.site}
    ]
    points = collector.registry.index.by_site()
    serving = _by_sites((gateway, gateway.sites) for gateway in gateways)
    return Overview(
        now=now,
        levels=everywhere.levels,
        unacknowledged=everywhere.unseen,
        gateways=GatewayCount(
            total=len(gateways), offline=sum(gateway.state == "offline" for gateway in gateways)
        ),
        points=sum(points.get(site.name, 0) for site in sites),
        platform=_platform(collector, gateways, today, evidence),
        sites=tuple(
            _site(site, here.get(site.name, _Open()), serving[site.name], points.get(site.name, 0))
            for site in sites
        ),
        timeliness=_timeliness(collector, {site.name for site in sites}, now),
    )


def _sees(scope: frozenset[str] | None, site: str) -> bool:
    return scope is None or site in scope


@dataclass(slots=True)
class _Open:
    """Open alarms, of a site or everywhere."""

    colours: Counter[Colour] = field(default_factory=Counter)
    unseen: int = 0

    @classmethod
    def by_site(cls, counted: Iterable[OpenCount]) -> "dict[str, _Open]":
        found: dict[str, _Open] = defaultdict(cls)
        for site, colour, unseen, count in counted:
            found[site].colours[colour] += count
            found[site].unseen += count if unseen else 0
        return found

    @classmethod
    def joined(cls, parts: "Iterable[_Open]") -> "_Open":
        found = cls()
        for part in parts:
            found.colours.update(part.colours)
            found.unseen += part.unseen
        return found

    @property
    def levels(self) -> Levels:
        return Levels(
            red=self.colours[Colour.RED],
            orange=self.colours[Colour.ORANGE],
            yellow=self.colours[Colour.YELLOW],
            blue=self.colours[Colour.BLUE],
        )


def _by_sites(items: Iterable[tuple[T, Iterable[str]]]) -> dict[str, list[T]]:
    found: dict[str, list[T]] = defaultdict(list)
    for item, sites in items:
        for site in sites:
            found[site].append(item)
    return found


def _site(site: SiteRecord, here: _Open, serving: list[GatewayRecord], points: int) -> SiteState:
    worst = max(here.colours, default=None)
    return SiteState(
        name=site.name,
        label=site.label,
        region=site.region,
        domain=site.domain,
        longitude=site.longitude,
        latitude=site.latitude,
        worst=worst.name.lower() if worst else None,
        open=here.colours.total(),
        unacknowledged=here.unseen,
        levels=here.levels,
        blind=all(gateway.state != "online" for gateway in serving),
        points=points,
    )


def _timeliness(collector: "Collector", sites: set[str], now: int) -> tuple[Timeliness, ...]:
    numbers = collector.registry.index.connected(sites.__contains__)
    times = collector.store.heads.times_of(numbers)
    within = [int(np.count_nonzero(times >= now - age * SECOND)) for age in AGES]
    counts = np.diff([0, *within, len(times)]).tolist()
    steps = zip((*AGES, None), counts, strict=True)
    return tuple(Timeliness(upto_s=step, count=count) for step, count in steps)


def _read(
    conn: sqlite3.Connection, now: int
) -> tuple[tuple[int, int], EvidenceState, list[OpenCount]]:
    """Return what the tables know: losses and things put aside of today, evidence, open alarms."""
    today = (now + SITE_OFFSET) // DAY * DAY - SITE_OFFSET
    return _today(conn, today), evidence_state(conn), open_counts(conn)


def _platform(
    collector: "Collector",
    gateways: list[GatewayRecord],
    today: tuple[int, int],
    evidence: EvidenceState,
) -> Platform:
    figures, backup = collector.ingest.figures, collector.backups.state()
    lost, aside = today
    return Platform(
        ingest_p99_ms=figures.latency_ms(0.99),
        backlog_readings=sum(gateway.backlog.readings for gateway in gateways),
        backup=backup.state,
        backup_time=backup.time,
        backup_bytes=backup.bytes,
        backup_running=backup.running is not None,
        backup_identity=backup.identity,
        evidence_bytes=evidence.bytes,
        evidence_oldest=evidence.oldest,
        readings_per_s=figures.readings_per_second(real_monotonic()),
        loss_today=lost,
        quarantined_today=aside,
        last_evaluation=collector.last_evaluation,
        disk=collector.space.room.name.lower(),
        disk_free_bytes=collector.space.measured.free,
        disk_reserve_bytes=collector.space.reserve,
        damaged_chunks=len(collector.store.damage.chunks) + collector.store.set_aside.pieces,
    )


def _today(conn: sqlite3.Connection, start: int) -> tuple[int, int]:
    lost = conn.execute("SELECT sum(count) FROM loss WHERE received >= ?", (start,)).fetchone()[0]
    aside = conn.execute("SELECT sum(n) FROM quarantine WHERE received >= ?", (start,)).fetchone()[
        0
    ]
    return lost or 0, aside or 0
