"""The live stream's middle: what commits change is encoded once and handed to who may see it.

Values are gathered per site and sent once a second (real time), alarms at once, red before yellow,
gateways and the overview with the next second. A subscriber's queue is bounded: one that does not
keep up is cut off and counted, and the page connects again to a fresh picture. In a storm pages are
given the time to read, never more; what goes wrong here never reaches the commit that told of it:
`listen` only takes notes.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final

from central.api import gateway_shape, shapes
from central.api.alarm_stream import tellings
from central.api.backfill_stream import BackfillStream
from central.api.flood_stream import FloodStream
from central.api.newest import Marks
from central.api.scoped import overview, sees_gateway
from central.api.site_values import SiteEvent, SiteNames, portions, site_values
from central.api.subscriber import Message, Subscriber, message
from central.api.untold import Changed, Untold
from central.database import StorageError
from central.effects import Effects
from central.identity.desk import FrontDesk
from central.identity.principal import Principal
from central.store.columns import Integers
from protocols.clock import ClockState
from protocols.errors import FengsuiError

if TYPE_CHECKING:
    from central.collector import Collector

logger = logging.getLogger(__name__)

TICK: Final = 1.0
"""Real seconds between two sendings."""
CLOCK_EVERY: Final = 5
"""Ticks between two `clock` events of real time; a story's comes with every tick."""
RECOGNISE_EVERY: Final = 5
"""Ticks after which the caller is recognised anew."""
LOOK: Final = 0.1
"""Real seconds between two looks at the clock's factor."""
OVERVIEW_EVERY: Final = 2
TOGETHER: Final = 32
"""Messages of values handed over at once, so that a page is written to once for all of them."""
ALARMS: Final = 10_000
"""Alarms noted and not yet sent; beyond it every page has to connect again."""
PORTION: Final = 8
"""Alarms told between two turns of the loop: some milliseconds."""
BREATH: Final = 0.02
"""Real seconds given after a portion to pages for which much waits: alarms of one commit are not
what cuts a page off that reads, and one that does not read is cut after half a second."""


class Hub:
    """Subscribers and what waits for the next second."""

    def __init__(self, collector: "Collector", desk: FrontDesk) -> None:
        self._collector = collector
        self._desk = desk
        self._subscribers: set[Subscriber] = set()
        self._values = Marks()
        self._names = SiteNames(collector.registry.index)
        self._telling = asyncio.Lock()
        """Held while values are encoded and sent, so that no older ones come after them."""
        self._gateways: set[str] = set()
        self._backfills = BackfillStream(collector.registry, collector.clock)
        self._untold = Untold(ALARMS)
        operators = collector.config.alarms.operators
        self._flood = FloodStream(collector.crowd, collector.clock, operators)
        self._overrun = self._changed = self._closing = False
        self.slow = 0
        """How many subscribers were cut off because they did not keep up."""
        self.failed = 0
        """How often something could not be told."""

    def __len__(self) -> int:
        return len(self._subscribers)

    def listen(self, effects: Effects) -> None:
        """Take what a commit changed (called on the event loop, after the commit)."""
        self._changed = True
        if not self._subscribers:
            return  # whoever comes is given the whole picture first
        if effects.registry:
            self._gateways.update(self._collector.registry.names())
        self._values.add(effects.values)
        self._gateways.update(effects.gateways)
        self._flood.listen(each.site for each in effects.episodes)
        self._backfills.put(effects.backfills)
        told: list[Changed] = [*effects.episodes, *effects.overlays]
        for changed in told:
            if not self._untold.put(changed):
                self._overrun = True

    async def subscribe(self, who: Principal, sites: frozenset[str] | None) -> Subscriber:
        """Return a subscriber whose queue starts with the clock, the overview and all values."""
        body = await overview(self._collector, who)
        subscriber = Subscriber(who, sites)
        async with self._telling:
            # What commits from here on is noted, and comes after the picture, never before.
            self._subscribers.add(subscriber)
            try:
                subscriber.put(message("clock", shapes.clock(self._collector.clock)))
                subscriber.put(message("overview", body))
                await self._picture(subscriber)
            except BaseException:
                self.leave(subscriber)
                raise
        if self._closing:
            self._cut(subscriber)
        return subscriber

    def leave(self, subscriber: Subscriber) -> None:
        """Forget a subscriber."""
        self._subscribers.discard(subscriber)

    def close(self) -> None:
        """End every stream, so that the server can stop."""
        self._closing = True
        for subscriber in list(self._subscribers):
            self._cut(subscriber)

    async def run(self) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep(self._send_alarms))
            group.create_task(self._keep(self._send_each_second))
            if self._collector.clock.state is ClockState.STORY:
                group.create_task(self._keep(self._follow_clock))

    async def _keep(self, work: Callable[[], Awaitable[None]]) -> None:
        """Begin again whatever goes wrong: what a page cannot be told never ends ingest."""
        while True:
            try:
                await work()
            except Exception:  # the supervisor
                self.failed += 1
                logger.exception("stream: every page has to connect again")
                for subscriber in list(self._subscribers):
                    self._cut(subscriber)

    async def _send_alarms(self) -> None:
        while True:
            await self._send_changed(await self._untold.next(PORTION))
            pressed = any(subscriber.pressed for subscriber in self._subscribers)
            await asyncio.sleep(BREATH if pressed else 0)

    async def _send_changed(self, portion: list[Changed]) -> None:
        watched = [each for each in portion if self._watched(each.site)]
        for telling in await tellings(self._collector, watched):
            readers = [each for each in self._subscribers if each.sees(telling.site)]
            for scope, group in _by_scope(readers).items():
                self._send(telling.to(scope), group)

    async def _send_each_second(self) -> None:
        tick = 0
        while True:
            await asyncio.sleep(TICK)
            tick += 1
            try:
                await self.beat(tick)
            except (FengsuiError, StorageError) as exc:
                # The database is busy or gone: said by /healthz; the pages hear more next second.
                logger.warning("stream: a second was left out: %s", exc)

    async def beat(self, tick: int) -> None:
        """Send what one second gathered; `tick` counts seconds."""
        if self._overrun:
            self._overrun = False
            for subscriber in list(self._subscribers):
                self._cut_slow(subscriber)
        await self._send_values()
        await self._send_gateways()
        self._backfills.send(self._subscribers, self._send)
        for scope, flood in await self._flood.news((groups := _by_scope(self._subscribers)).keys()):
            self._send(flood, groups[scope])
        story = self._collector.clock.state is ClockState.STORY
        if story or tick % CLOCK_EVERY == 0:
            self._send_clock()
        if tick % RECOGNISE_EVERY == 0:
            await self._recognise()
        if self._changed and tick % OVERVIEW_EVERY == 0:
            self._changed = False
            await self._send_overviews()

    def _send_clock(self) -> None:
        self._send(message("clock", shapes.clock(self._collector.clock)), self._subscribers)

    async def _follow_clock(self) -> None:
        """A story that changes its pace is told at once: the page's time runs on by itself."""
        factor = shapes.clock(self._collector.clock).factor
        while True:
            await asyncio.sleep(LOOK)
            before, factor = factor, shapes.clock(self._collector.clock).factor
            if factor != before:
                self._send_clock()

    async def _picture(self, subscriber: Subscriber) -> None:
        """Put everything a page may see into its queue, however much: its limit comes on top."""
        registry = self._collector.registry
        known = registry.index.within(self._collector.store.heads.known(), subscriber.sees)
        for portion in portions(registry.index, known):
            for site in self._told(portion):
                subscriber.put(site.told)
            await asyncio.sleep(0)
        for gateway in registry.gateways():
            if sees_gateway(subscriber.who, gateway):
                told = message("gateway", gateway_shape.gateway(gateway, subscriber.who))
                subscriber.put(told)
                await asyncio.sleep(0)
        subscriber.pictured()

    async def _send_values(self) -> None:
        async with self._telling:
            self._collector.store.heads.settle()  # and hear what changed
            index, told = self._collector.registry.index, list[SiteEvent]()
            for portion in portions(index, index.within(self._values.take(), self._watched)):
                for site in self._told(portion):
                    told.append(site)
                    if len(told) == TOGETHER:
                        self._hand_over(told)
                        await asyncio.sleep(0)
                await asyncio.sleep(0)
            self._hand_over(told)

    def _told(self, numbers: Integers) -> Iterator[SiteEvent]:
        collector = self._collector
        return site_values(collector.store.heads, collector.registry.index, self._names, numbers)

    def _hand_over(self, sites: list[SiteEvent]) -> None:
        """Send values and forget them."""
        for site, told in sites:
            self._send(told, (s for s in self._subscribers if s.sees(site)))
        sites.clear()

    def _watched(self, site: str) -> bool:
        return any(subscriber.sees(site) for subscriber in self._subscribers)

    async def _send_gateways(self) -> None:
        names, self._gateways = self._gateways, set()
        groups = list(_by_scope(self._subscribers).values())
        for gateway in map(self._collector.registry.gateway, sorted(names)):
            if gateway is None:
                continue
            for readers in groups:
                if sees_gateway(readers[0].who, gateway):
                    told = message("gateway", gateway_shape.gateway(gateway, readers[0].who))
                    self._send(told, readers)
            await asyncio.sleep(0)  # one of forty devices takes milliseconds

    async def _send_overviews(self) -> None:
        for readers in list(_by_scope(self._subscribers).values()):
            body = await overview(self._collector, readers[0].who)
            self._send(message("overview", body), readers)

    async def _recognise(self) -> None:
        for subscriber in list(self._subscribers):
            who = await self._desk.still(subscriber.who)
            before = subscriber.who
            if who is None or (who.scope, who.roles) != (before.scope, before.roles):
                self._cut(subscriber)

    def _send(self, told: Message, readers: Iterable[Subscriber]) -> None:
        for subscriber in list(readers):
            if subscriber.cut:
                continue
            if subscriber.behind:
                self._cut_slow(subscriber)
            else:
                subscriber.put(told)

    def _cut_slow(self, subscriber: Subscriber) -> None:
        self.slow += 1
        logger.warning("stream cut: slow", extra={"person": subscriber.who.name})
        self._cut(subscriber)

    def _cut(self, subscriber: Subscriber) -> None:
        self._subscribers.discard(subscriber)
        if not subscriber.cut:
            subscriber.cut = True
            subscriber.queue.put_nowait(None)


def _by_scope(readers: Iterable[Subscriber]) -> dict[frozenset[str] | None, list[Subscriber]]:
    groups: dict[frozenset[str] | None, list[Subscriber]] = {}
    for subscriber in readers:
        groups.setdefault(subscriber.who.scope, []).append(subscriber)
    return groups
