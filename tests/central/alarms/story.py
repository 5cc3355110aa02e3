"""Stories of alarms: readings go the whole way through ingest, one check a line."""

from central.alarms.journal.episode import EpisodeFilter
from protocols.quality import Quality
from tests.central.builders import SECOND, START, Gateway, open_collector


class Story:
    """One point told in seconds after 22:00; `journal` shows [second, word:level]."""

    def __init__(self, collector, gateway, clock, stream):
        self.collector = collector
        self.gateway = gateway
        self.clock = clock
        self.stream = stream

    @classmethod
    async def begin(cls, folder, clock, **spec):
        collector = await open_collector(folder, clock)
        await collector.registry.add_gateway("gw")
        return await cls.begin_in(collector, clock, **spec)

    @classmethod
    async def begin_in(cls, collector, clock, **spec):
        gateway = Gateway(clock, **spec)
        stream = gateway.open()
        await gateway.register(collector, stream)
        return cls(collector, gateway, clock, stream)

    async def reopen(self, folder):
        """The collector ends and starts again."""
        await self.collector.close()
        self.collector = await open_collector(folder, self.clock)

    def until(self, second):
        self.clock.move(second - (self.clock.time - START) / SECOND)

    async def at(self, second, value, quality=Quality.GOOD, point="level"):
        """A live reading."""
        self.until(second)
        reading = self.gateway.reading(point, value, quality)
        await self.gateway.deliver(self.collector, self.stream, reading)
        return self

    async def late(self, now, stream, *readings, point="level"):
        """Readings (second, value) that arrive at `now` as one batch of `stream`."""
        self.until(now)
        made = [self.gateway.reading(point, v, ago=now - second) for second, v in readings]
        await self.gateway.deliver(self.collector, stream, *made)
        return self

    async def new_stream(self):
        """The gateway opens another stream, as after a restart or a cut."""
        old = self.stream
        self.stream = self.gateway.open()
        await self.collector.ingest.put_stream("gw", self.stream.id, self.stream.opening)
        return old

    async def alive(self, second):
        """The gateway says that it is there, and nothing else."""
        self.until(second)
        await self.collector.gateways.seen("gw")

    async def tick(self, second):
        self.until(second)
        await self.collector.tick()
        return self

    async def episodes(self, state="all"):
        page = await self.collector.alarms.episodes(EpisodeFilter(state=state, limit=500))
        return sorted(page.items, key=lambda episode: (episode.raised, episode.id))

    async def one(self):
        (episode,) = await self.episodes()
        return episode

    async def is_(self, state, level=None):
        episodes = await self.episodes()
        if state == "NORMAL" and not episodes:
            return self
        newest = episodes[-1]
        assert newest.state == state
        assert level is None or newest.level.name == level
        return self

    async def ack(self, person="ann", key=None, episode=None):
        if episode is None:
            episode = (await self.episodes("open"))[-1].id
        key = key or f"{person}-{episode}-{self.clock.time}"
        return await self.collector.alarms.acknowledge(episode, person, "", key, self.clock.now())

    async def journal(self, episode=None):
        if episode is None:
            episode = (await self.one()).id
        detail = await self.collector.alarms.episode(episode)
        return [
            [
                (line.time - START) / SECOND,
                f"{line.event}:{line.level}" if line.level else line.event,
            ]
            for line in detail.journal
        ]
