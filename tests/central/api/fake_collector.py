"""A collector in memory: two sites, one gateway each, one open alarm at each."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from central.alarms.acts import asked
from central.alarms.acts.asked import Deed
from central.alarms.acts.overlays import Laid
from central.alarms.figures.kpis import kpis
from central.alarms.journal.episode import (
    Acknowledgement,
    Episode,
    EpisodeDetail,
    EpisodePage,
    JournalLine,
)
from central.alarms.many.flooding import Flooding
from central.alarms.settings import USUAL
from central.alarms.shown.crowd import Crowd
from central.backfills.closing import Backfills, Beside
from central.backfills.noting import Noting
from central.backup.backups import Backups
from central.calendar.settings import own_holidays
from central.clock_told import ClockTold
from central.contacts import Contacts
from central.door.figures import DoorFigures
from central.door.forgetting import Forgetting
from central.door.limits import Limits
from central.effects import CollectorEvent, EventPage
from central.evidence.keeping import Keeping
from central.evidence.rebuilding import Rebuilding
from central.evidence.retention import Retention
from central.identity.audit import Act, append
from central.ingest.admission import Admission
from central.ingest.figures import Figures
from central.overview import GatewayCount, Levels, Overview, Platform, SiteState, Timeliness
from central.point_index import PointIndex
from central.registry import GatewayExists
from central.registry_records import (
    Backlog,
    BufferState,
    BusState,
    DeviceState,
    GatewayRecord,
    PointRecord,
    SiteRecord,
)
from central.rules.rulebook import Rulebook, RulesBehind
from central.space import Space
from central.store.checks.scrub import Scrub
from central.store.columns import Columns
from central.store.damage import Damage
from central.store.families import Families
from central.store.heads.heads import Heads
from central.store.interface import FLAG_ESTIMATED, FLAG_LATE, Row
from central.store.queries.queries import Behind, Queries
from central.store.tiers.keeping import StoreKeeping
from central.store.tiers.retention import StoreRetention
from central.store.views.gathering import Readings as Several
from central.store.views.gathering import joined
from protocols.alarms.flood import Bounds
from protocols.alarms.rule import Colour, Level
from protocols.errors import IllegalTransition, IngestError
from protocols.wire.answer import Answer
from protocols.wire.cursors import Cursor, Cursors
from protocols.words import Label, Purpose
from tests.central.store.queries.list_source import ListSource, reading

NOW = 1_781_272_800_000_000  # 2026-06-12T22:00:00+08:00
SITES = ("qingyun", "honghaiwan")
LEVEL = Level(name="HH", colour=Colour.RED, op=">=", limit=90.0, status="E", confirmed_by="示例")


RULE = "qingyun/gw-qingyun/device/level:high"


def point_id(site):
    return f"{site}/gw-{site}/device/level"


def site_record(name):
    return SiteRecord(
        name=name,
        label=Label(f"{name}(示例)", name),
        region="441523",
        domain="flood_drought",
        longitude=115.6,
        latitude=23.2,
    )


def site_state(name):
    return SiteState(
        name=name,
        label=Label(f"{name}(示例)", name),
        region="441523",
        domain="flood_drought",
        longitude=115.6,
        latitude=None,
        worst="red",
        open=1,
        unacknowledged=1,
        levels=Levels(red=1),
        blind=False,
        points=1,
    )


def gateway_record(site):
    device = DeviceState(
        name="device", label=Label("设备"), site=site, state="online", since=NOW - 5
    )
    return GatewayRecord(
        name=f"gw-{site}",
        label=Label("网关"),
        site=site,
        created=NOW - 100,
        state="online",
        last_contact=NOW,
        offline_since=None,
        backlog=Backlog(readings=7, oldest=NOW - 9, alarm_readings=1),
        buffer=BufferState(bytes=4096, hours_left=12.5, medium="memory", drops={"quota": 3}),
        purpose="production",
        version="0.1.0",
        clock=ClockTold(state=1, offset=20_000, within=5_000),
        points=1,
        sites=(site,),
        buses=(BusState(name="bus", protocol="modbus", state="online", devices=(device,)),),
    )


def point_record(number, site):
    return PointRecord(
        number=number,
        id=point_id(site),
        site=site,
        gateway=f"gw-{site}",
        device="device",
        label=Label("液位", "level"),
        device_label=Label("设备"),
        object="tank",
        object_label=Label("储罐"),
        quantity="tank_level",
        unit="%",
        low=0.0,
        high=100.0,
        type="float",
        decimals=1,
        stale=180.0,
        enumeration=((0, Label("停")), (1, Label("行"))),
        limits=(LEVEL,),
    )


def episode(site):
    return Episode(
        id=f"alarm-{site}",
        rule=f"{point_id(site)}#limit",
        point=point_id(site),
        site=site,
        site_label=Label(f"{site}(示例)", site),
        region="441523",
        object="tank",
        object_label=Label("储罐"),
        device="device",
        device_label=Label("设备"),
        label=Label("液位", "level"),
        quantity="tank_level",
        unit="%",
        decimals=1,
        level=LEVEL,
        state="UNACK",
        raised=NOW - 60_000_000,
        returned=None,
        closed=None,
        acknowledged=None,
        value=92.4,
        value_time=NOW - 12_000_000,
        value_quality=0,
        value_at_raise=90.2,
        occurrence=1,
        late=False,
        purpose=Purpose.DRILL,
    )


class FakeRegistry:
    def __init__(self):
        self._gateways = {f"gw-{site}": gateway_record(site) for site in SITES}
        self._points = {point_id(s): point_record(n, s) for n, s in enumerate(SITES)}
        self._by_number = {p.number: p for p in self._points.values()}
        self.index = PointIndex()
        self.index.put(self._points.values())

    def sites(self):
        return [site_record(name) for name in SITES]

    def site(self, name):
        return site_record(name) if name in SITES else None

    def gateways(self):
        return list(self._gateways.values())

    def gateway(self, name):
        return self._gateways.get(name)

    def entry(self, name):
        return None

    def points(self, site=None):
        return [p for p in self._points.values() if site is None or p.site == site]

    def point(self, name):
        return self._points.get(name)

    def number(self, name):
        return self._points[name].number

    def by_number(self, number):
        return self._by_number.get(number)

    def object_label(self, subject):
        return None

    async def add_gateway(self, name, site=None, label=None):
        if name in self._gateways:
            raise GatewayExists(name=name)
        self._gateways[name] = replace(
            gateway_record(site or "nowhere"), name=name, label=label or Label(name), site=site
        )
        return self._gateways[name]


class FakeStore:
    def __init__(self, registry):
        self.damage = Damage()
        self.set_aside = SimpleNamespace(
            pieces=0, readings=0, now=lambda: NOW, settled=lambda piece: None
        )
        self.sealer = SimpleNamespace(deaths=0)
        self.unseen = SimpleNamespace(inside=0)
        self.merging = SimpleNamespace(figures=SimpleNamespace(inside=0))
        self.heads = Heads(registry)
        self._registry = registry
        self._time = NOW - 12_000_000
        for site in SITES:
            self.become(site)

    def become(self, site, value=92.4, quality=0):
        """Give a site's point a new head; return what changed."""
        number = self._registry.number(point_id(site))
        row = Row(number, self._time, 1, value, quality, 0)
        return self.heads.take(Columns.of([row]), NOW)


class FakeSource:
    """A list of readings of each point, by number."""

    def __init__(self):
        level = [
            reading(NOW + n * 1_000_000, value=float(n), received=NOW + n * 1_000_000 + 500_000)
            for n in range(10)
        ]
        level[3] = level[3]._replace(received=NOW + 60_000_000, flags=FLAG_LATE)
        level[4] = level[4]._replace(value="行", quality=0x80310000, flags=FLAG_ESTIMATED)
        self.points = {0: ListSource(level), 1: ListSource(level[:1])}
        self.asked = None

    def read(self, number, *span):
        return self.points[number].read(number, *span)

    def rolled(self, number, *span):
        return iter(())

    def pieces(self, number, *span):
        self.asked = span
        return self.points[number].pieces(number, *span)

    def blocks(self, number, *span):
        self.asked = span
        return self.points[number].blocks(number, *span)

    def newest(self, number, at):
        return self.points[number].newest(number, at)

    def newest_arrived(self, number, by):
        return self.points[number].newest_arrived(number, by)

    def newest_of(self, numbers, at, check):
        return self._each(numbers, at, self.newest)

    def newest_arrived_of(self, numbers, by, check):
        return self._each(numbers, by, self.newest_arrived)

    def together(self, numbers, check):
        return self

    def counts(self, numbers, start, end, check):
        return np.array([len(self.read(number, start, end)) for number in numbers.tolist()])

    def _each(self, numbers, at, newest):
        found = {number: newest(number, at) for number in numbers.tolist()}
        return joined(
            [Several(np.full(len(one), number), one) for number, one in found.items() if len(one)]
        )


class FakeAlarms:
    def __init__(self, db):
        self.db = db
        self.found = {f"alarm-{site}": episode(site) for site in SITES}
        self.keys = {}

    async def episodes(self, wanted):
        items = [e for e in self.found.values() if wanted.sites is None or e.site in wanted.sites]
        return EpisodePage(items=tuple(items), total=len(items), next=None)

    async def episode(self, name):
        found = self.found.get(name)
        if found is None:
            return None
        line = JournalLine(
            time=NOW, recorded=NOW, event="RAISE", level="HH", value=90.2, actor=None, comment=""
        )
        return EpisodeDetail(episode=found, journal=(line,), levels=(LEVEL,))

    async def sites(self, names):
        return {name: self.found[name].site for name in names if name in self.found}

    async def place(self, *, alarm=None, rule=None):
        return ("qingyun", point_id("qingyun")) if rule == RULE or alarm in self.found else None

    async def kpis(self, period, sites):
        return kpis((), {}, period)

    async def with_told(self, found):
        return list(found)

    def overlays(self):
        return [Laid(RULE, 0, "qingyun", ())]

    async def do_all(self, wishes):
        return [await self._done(wish) for wish in wishes]

    async def do(self, wish):
        answer = await self._done(wish)
        if answer.refused is not None:
            raise answer.refused
        return answer

    async def _done(self, wish):
        laid = Laid(RULE, 0, "qingyun", ())
        if wish.deed is not Deed.ACKNOWLEDGE:
            return asked.Answer(episode=self.found.get(wish.alarm), laid=laid)
        seen = self.found[wish.alarm].acknowledged
        if seen is not None and self.keys.get(wish.key) != wish.person:
            refused = IllegalTransition("ALREADY_ACKNOWLEDGED", by=seen.by, at=seen.at)
            return asked.Answer(episode=self.found[wish.alarm], refused=refused)
        if seen is None:
            act = Act(
                time=wish.acted,
                actor=wish.person,
                action="ALARM_ACKNOWLEDGED",
                subject=f"alarm/{wish.alarm}",
            )
            await self.db.write(lambda tables: append(tables, act))
        self.keys[wish.key] = wish.person
        self.found[wish.alarm] = replace(
            self.found[wish.alarm],
            state="ACKED",
            acknowledged=Acknowledgement(by=wish.person, at=wish.now, comment=wish.text),
        )
        return asked.Answer(episode=self.found[wish.alarm])


class FakeIngest:
    def __init__(self, clock):
        self.clock = clock
        self.calls = []
        self.refusal = None
        self.figures = Figures()
        self.admission = Admission(self.figures)

    async def put_manifest(self, gateway, digest, body, encoding, sent):
        self.calls.append((gateway, digest, body, encoding))

    async def put_stream(self, gateway, stream, body, sent):
        self.calls.append((gateway, stream, body))

    async def post_batches(self, gateway, stream, request):
        self.calls.append((gateway, stream, request))
        if self.refusal:
            raise self.refusal
        return Answer(
            stream=stream,
            committed=10,
            safe=10,
            incarnation="0" * 32,
            credit=1,
            retry_after_ms=0,
            now=self.clock.now(),
            nonce=request.nonce,
        )

    async def cursors(self, gateway, body, nonce):
        self.calls.append((gateway, body, nonce))
        return Cursors(incarnation="0" * 32, nonce=nonce, streams={"a" * 32: Cursor(10, 7)})

    async def post_health(self, gateway, body):
        self.calls.append((gateway, body))


def gap(expected):
    return IngestError("GAP", 409, expected=expected)


class FakeDoor:
    """Makes virtual gateways; nothing is handed in."""

    def __init__(self, db, clock):
        self.figures = DoorFigures()
        self.limits = Limits()
        self.forgetting = Forgetting(db, clock)
        self.created = []
        self.began = NOW

    async def create(self, wanted):
        self.created.append(wanted)


def rulebook(db, clock):
    """A library without rules, for no points."""
    registry = SimpleNamespace(names=list, point=lambda name: None)
    return Rulebook(RulesBehind(db, None, registry, clock, lambda opened: None), None)


class FakeCollector:
    """What the API asks of a collector; the database is real, everything else in memory."""

    def __init__(self, db, clock):
        self.db = db
        self.clock = clock
        self.config = SimpleNamespace(backup=None, alarms=USUAL)
        self.registry = FakeRegistry()
        self.store = FakeStore(self.registry)
        self.rebuilding = Rebuilding(db, self.store)
        self.source = FakeSource()
        story = SimpleNamespace(now=lambda: NOW + 10_000_000)
        behind = Behind(db, self.registry, story, own_holidays(), self.ask)
        self.queries = Queries(behind)
        self.alarms = FakeAlarms(db)
        self.crowd = Crowd(db, Flooding(Bounds()), Bounds())
        self.ingest = FakeIngest(clock)
        self.backups = Backups(db, clock, None, lambda effects: None)
        self.retention = Retention(db, clock, Keeping())
        domains = dict.fromkeys(SITES, "flood_drought")
        self.space = Space(db, clock, None, lambda effects: None)
        self.store_retention = StoreRetention(db, clock, StoreKeeping(), Families(), domains.get)
        self.scrub = Scrub(db, clock, self.store.damage, lambda effects: None)
        self.door = FakeDoor(db, clock)
        self.rules = rulebook(db, clock)
        self.gateways = Contacts(db, clock, lambda effects: None)
        beside = Beside(self.gateways, None, lambda effects: None)
        self.backfills = Backfills(db, clock, Noting(), beside)
        self.listeners = []
        subjects = ("gw-qingyun", "honghaiwan/gw-honghaiwan/device", "gw-honghaiwan")
        self.happened = tuple(
            CollectorEvent(id=n, time=NOW, kind="fault", code="X", subject=s, params={"n": n})
            for n, s in reversed(list(enumerate(subjects, 1)))
        )

    async def close(self):
        """End the threads of what is real in it."""
        await self.backups.close()
        await self.store_retention.close()

    async def ask(self, work):
        return work(self.source)

    async def overview(self, scope=None):
        sites = [site for site in SITES if scope is None or site in scope]
        return Overview(
            now=self.clock.now(),
            levels=Levels(red=len(sites)),
            unacknowledged=len(sites),
            gateways=GatewayCount(total=len(sites), offline=0),
            points=len(sites),
            platform=Platform(
                ingest_p99_ms=2.65,
                backlog_readings=14,
                backup="not_configured",
                readings_per_s=120.5,
                loss_today=0,
                quarantined_today=0,
                last_evaluation=NOW,
            ),
            sites=tuple(site_state(name) for name in sites),
            timeliness=(Timeliness(upto_s=10, count=1), Timeliness(upto_s=None, count=1)),
        )

    async def events(self, limit=100, cursor=None, kind=(), code=None):
        before = int(cursor) if cursor else 99
        items = [
            event
            for event in self.happened
            if event.id < before and (not kind or event.kind in kind) and code in (None, event.code)
        ]
        more = len(items) > limit
        return EventPage(
            items=tuple(items[:limit]), next=str(items[limit - 1].id) if more else None
        )
