"""A gateway without devices: the real buffer and uplink, fed with readings and alarms as told.

`python -m tests.bench.feeder '{"url": ..., "folder": ..., ...}'` prints one JSON object at its end:
how long each alarm took from `Buffer.append` to the collector's answer, and what each lane sent.
The answer is later than the commit, so the figure is never too good.
"""

import asyncio
import json
import sys
from collections import deque
from collections.abc import Collection
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from edge.buffer import Budget, Buffer, Origin, Pending, WentBack
from edge.config import BufferSettings, CollectorLink
from edge.exchange import Exchange
from edge.health import memory_kb
from edge.link_state import LinkState
from edge.proving import sig_alg
from edge.right_of_way import RightOfWay
from edge.uplink import Uplink, patience_of
from edge.uplink_http import Connection
from protocols.clock import SystemClock, real_monotonic
from protocols.owner_thread import OwnerThread
from protocols.wire.manifest import manifest_digest
from protocols.words import Lane, Purpose, Reading, StreamKind
from tests.bench.backlog import CYCLE, scans

BOOT = "b0" * 16
CLOCK = SystemClock()


@dataclass(frozen=True, kw_only=True)
class Feed:
    """What to do: seconds to run, or until nothing waits (`drain`)."""

    url: str
    folder: str
    gateway: str
    points: int
    seconds: float = 0.0
    drain: bool = False
    live_rate: int = 0
    """Readings a second, all points in turn."""
    alarm_every: float = 0.0
    identity: str = ""
    """Folder of the gateway's key; without one it has the token in `folder`."""


def origin(feed: Feed, manifest: bytes) -> Origin:
    """Return what every stream of the feeder says of itself."""
    return Origin(
        gateway=feed.gateway,
        boot=BOOT,
        purpose=Purpose.TEST,
        manifest=manifest,
        manifest_digest=manifest_digest(manifest),
        decimals=(2,) * feed.points,
        sig_alg=sig_alg(link_of(feed)),
    )


def link_of(feed: Feed) -> CollectorLink:
    """Return how the gateway reaches the collector and proves who it is."""
    if feed.identity:
        return CollectorLink(url=feed.url, identity_folder=Path(feed.identity))
    return CollectorLink(url=feed.url, token_file=Path(feed.folder) / "token")


class Watched:
    """The buffer as the uplink sees it, with a watch on what is committed of the alarm streams."""

    def __init__(self, buffer: Buffer) -> None:
        self._buffer = buffer
        self._alarms: set[str] = set()
        self._told: dict[str, int] = {}
        self.waiting: deque[float] = deque()
        self.took: list[float] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._buffer, name)

    async def pending(
        self, lane: Lane, budget: Budget, without: Collection[str] = ()
    ) -> Pending | None:
        found = await self._buffer.pending(lane, budget, without)
        if found is not None and found.kind is StreamKind.ALARM:
            self._alarms.add(found.stream)
        return found

    async def committed(self, stream: str, seq: int, safe: int) -> WentBack | None:
        now = real_monotonic()
        if stream in self._alarms:
            for _ in range(seq - self._told.get(stream, 0)):
                self.took.append(now - self.waiting.popleft())
            self._told[stream] = seq
        return await self._buffer.committed(stream, seq, safe)


async def feed_live(feed: Feed, buffer: Buffer) -> None:
    """Append `live_rate` readings a second, ten times a second."""
    table, row = scans(feed.points, 11), 0
    begun = real_monotonic()
    while feed.live_rate:
        items, now = [], CLOCK.mono()
        while row < (real_monotonic() - begun) * feed.live_rate:
            scan, point = divmod(row, feed.points)
            items.append(Reading(point, table[scan % CYCLE][point], 0, now))
            row += 1
        if items:
            buffer.append(StreamKind.DATA, items)
        await asyncio.sleep(0.1)


async def feed_alarms(feed: Feed, buffer: Buffer, watched: Watched) -> None:
    """Append one alarm reading every so often."""
    turn = 0
    while feed.alarm_every:
        await asyncio.sleep(feed.alarm_every)
        watched.waiting.append(real_monotonic())
        turn += 1
        buffer.append(StreamKind.ALARM, [Reading(0, float(turn % 97), 0, CLOCK.mono())])


async def until_drained(feed: Feed, buffer: Buffer) -> None:
    """Return when the time is over, or all is delivered."""
    begun = real_monotonic()
    while feed.drain or real_monotonic() - begun < feed.seconds:
        await asyncio.sleep(0.05)
        if feed.drain:
            stats = await buffer.stats()
            if stats.data.readings + stats.alarm.readings == 0:
                return


async def run(feed: Feed) -> dict[str, Any]:
    """Run the gateway's uplink and return what it did."""
    folder = Path(feed.folder)
    manifest = (folder / "manifest.json").read_bytes()
    link, way = LinkState(), RightOfWay()
    async with AsyncExitStack() as stack:
        settings = BufferSettings(folder=folder / "buffer", quota_bytes=1 << 40)
        buffer = await Buffer.open(settings, origin(feed, manifest), CLOCK)
        stack.push_async_callback(buffer.close)
        watched = Watched(buffer)
        exchanges = {}
        for lane in Lane:
            connection = Connection(link_of(feed), "fengsui-edge/bench", partial(way.wait, lane))
            thread = OwnerThread(lane.name)
            exchanges[lane] = Exchange(connection, thread, watched, CLOCK, BOOT)  # type: ignore[arg-type]
            stack.push_async_callback(exchanges[lane].close)
        uplink = Uplink(
            exchanges,
            watched,
            CLOCK,
            link,
            way,
            patience_of(feed.gateway, BOOT),  # type: ignore[arg-type]
        )
        before, memory = await buffer.stats(), memory_kb()
        begun = real_monotonic()
        tasks = [
            asyncio.create_task(each)
            for each in (
                buffer.run(),
                uplink.run(),
                feed_live(feed, buffer),
                feed_alarms(feed, buffer, watched),
            )
        ]
        peak = asyncio.create_task(watch_memory(seen := [memory]))
        await until_drained(feed, buffer)
        took, after = real_monotonic() - begun, await buffer.stats()
        for task in (*tasks, peak):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    return {
        "seconds": took,
        "alarms": watched.took,
        "unanswered": len(watched.waiting),
        "backlog_before": before.data.readings,
        "backlog_after": after.data.readings,
        "memory_kb": memory,
        "memory_peak_kb": seen[0],
        "uplink": link.picture(),
    }


async def watch_memory(seen: list[int]) -> None:
    """Keep the highest resident set in `seen`, looking ten times a second."""
    while True:
        seen[0] = max(seen[0], memory_kb())
        await asyncio.sleep(0.1)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(Feed(**json.loads(sys.argv[1]))))))
