"""Delivery, measured with the real gateway code and the real collector: alarms, drain, bytes."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from protocols.clock import SystemClock
from tests.bench.backlog import build_backlog
from tests.bench.collector import CollectorProcess
from tests.bench.feeder import Feed, origin
from tests.bench.keys import Identities
from tests.bench.narrow import BYTES_PER_SECOND, one_megabit
from tests.bench.relay import Relay
from tests.bench.sender import manifest

POINTS: Final = 100
SITE: Final = "bench"
GATEWAY: Final = "gw-bench"
SECURE: Final = ".secure"
WAYS: Final = ("", ".signed", SECURE)
BACKLOG: Final = 10_000_000
SENT_BACK: Final = 400_000
WINDOW: Final = 60.0
PER_BATCH: Final = 100
CLOCK: Final = SystemClock()


def measure(seconds: float) -> Iterator[dict[str, object]]:
    """Yield the figures of delivery; each run lasts at most about `seconds`."""
    window = min(WINDOW, seconds)
    yield from alarms_idle(min(30.0, window))
    yield from wire(min(20.0, window))
    yield from drain()
    yield from round_trips(min(15.0, window))
    yield from alarms_on_a_full_link(min(30.0, window))
    yield from alarms_draining(window)


def alarms_idle(seconds: float) -> Iterator[dict[str, object]]:
    """Alarms to a real collector on loopback, a hundred readings a second beside."""
    with site() as (_, feed):
        told = run(replace(feed, seconds=seconds, live_rate=100, alarm_every=0.1))
        yield {"name": "delivery.alarm.idle", **latencies(told), "link": "loopback"}


def alarms_draining(seconds: float) -> Iterator[dict[str, object]]:
    """Alarms while ten million readings drain over one megabit a second.

    `memory_added_mb` is against the same gateway with the same readings and alarms, no backlog.
    """
    with site() as (_, feed):
        without = run(replace(feed, seconds=min(10.0, seconds), live_rate=100, alarm_every=0.1))
    with site() as (collector, feed):
        size = backlog(feed, BACKLOG)
        with one_megabit(collector.port) as link:
            told = run(
                replace(feed, url=link.url, seconds=seconds, live_rate=100, alarm_every=0.1),
                link.prefix,
            )
            sent = told["uplink"]["lanes"]["backfill"]["sent_bytes"]
            yield {
                "name": "delivery.alarm.draining",
                **latencies(told),
                "backlog_readings": told["backlog_before"],
                "backlog_mb": round(size / 1e6, 1),
                "window_s": round(told["seconds"], 1),
                "backfill_readings_per_s": round(delivered(told) / told["seconds"]),
                "backfill_share": round(sent / told["seconds"] / BYTES_PER_SECOND, 3),
                "link_share": round(link.relay.up / told["seconds"] / BYTES_PER_SECOND, 3),
                "memory_added_mb": round(added(told) - added(without), 1),
                "link": f"1 Mbit/s, {link.means}",
            }


def drain() -> Iterator[dict[str, object]]:
    """How fast one gateway's backlog goes out, into the real collector and into one that counts."""
    with site() as (_, feed):
        backlog(feed, 2_000_000)
        yield {"name": "delivery.drain", **rates(run(replace(feed, drain=True)))}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, counting() as port:
        feed = feed_in(Path(folder), f"http://127.0.0.1:{port}", "secret")
        backlog(feed, 5_000_000)
        yield {"name": "delivery.drain.gateway_alone", **rates(run(replace(feed, drain=True)))}


def alarms_on_a_full_link(seconds: float) -> Iterator[dict[str, object]]:
    """The same where only the link is narrow: the collector counts and is never at work."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, counting() as port:
        feed = feed_in(Path(folder), "", "secret")
        backlog(feed, 4_000_000)
        with one_megabit(port) as link:
            told = run(
                replace(feed, url=link.url, seconds=seconds, live_rate=100, alarm_every=0.5),
                link.prefix,
            )
            sent = told["uplink"]["lanes"]["backfill"]["sent_bytes"]
            yield {
                "name": "delivery.alarm.full_link",
                **latencies(told),
                "backfill_share": round(sent / told["seconds"] / BYTES_PER_SECOND, 3),
                "link_share": round(link.relay.up / told["seconds"] / BYTES_PER_SECOND, 3),
                "gave_way_s": round(told["uplink"]["lanes"]["backfill"]["gave_way"], 1),
                "link": f"1 Mbit/s, {link.means}",
            }


def round_trips(seconds: float) -> Iterator[dict[str, object]]:
    """What stop-and-wait makes of one megabit a second with a round trip of 0.2 s."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, counting() as port:
        feed = feed_in(Path(folder), "", "secret")
        backlog(feed, 3_000_000)
        with one_megabit(port, delay=0.1) as link:
            told = run(replace(feed, url=link.url, seconds=seconds), link.prefix)
            lane = told["uplink"]["lanes"]["backfill"]
            yield {
                "name": "delivery.round_trip",
                "rtt_ms": 200,
                "link": f"1 Mbit/s, {link.means}",
                "backfill_share": round(lane["sent_bytes"] / told["seconds"] / BYTES_PER_SECOND, 3),
                "request_s": round(lane["request_seconds"], 2),
                "share_while_sending": round(lane["goodput"] / BYTES_PER_SECOND, 3),
                "readings_per_s": round(delivered(told) / told["seconds"]),
            }


def wire(seconds: float) -> Iterator[dict[str, object]]:
    """Bytes per reading with HTTP headers, both directions, counted between the two.

    With a token; `.signed` by a key; `.secure` by a key and over TLS. All three at once where only
    time decides what is sent.
    """
    for name, rate in (("live_1000", 1000), ("live_100", 100), ("backfill", 0)):
        with ThreadPoolExecutor(len(WAYS) if rate else 1) as pool:
            plain, *others = pool.map(partial(one_way, name, rate, seconds), WAYS)
        yield plain
        for each in others:
            of_plain = float(str(each["bytes_per_reading"])) / float(
                str(plain["bytes_per_reading"])
            )
            yield {**each, "of_plain": round(of_plain, 3)}


def one_way(name: str, rate: int, seconds: float, way: str) -> dict[str, object]:
    """Return the figure of `rate` readings a second, or (0) of a backlog."""
    with (
        site(signed=bool(way), tls=way == SECURE) as (collector, feed),
        Relay(collector.port) as relay,
    ):
        feed = replace(feed, url=collector.url.replace(str(collector.port), str(relay.port)))
        if rate:
            told = run(replace(feed, seconds=seconds, live_rate=rate))
            lane = told["uplink"]["lanes"]["live"]
            readings = round(lane["sent_readings"])
        else:
            backlog(feed, SENT_BACK)
            told = run(replace(feed, drain=True))
            lane, readings = told["uplink"]["lanes"]["backfill"], told["backlog_before"]
        return {
            "name": f"delivery.wire.{name}{way}",
            "bytes_per_reading": round((relay.up + relay.down) / readings, 3),
            "up": round(relay.up / readings, 3),
            "down": round(relay.down / readings, 3),
            "readings_per_request": round(readings / max(1, lane["requests"])),
            "readings": readings,
        }


@contextmanager
def site(*, signed: bool = False, tls: bool = False) -> Iterator[tuple[CollectorProcess, Feed]]:
    """A real collector that knows one gateway, and what that gateway is to do."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        place = Path(folder)
        identities = Identities.made(place / "keys", [GATEWAY]) if signed else None
        with CollectorProcess(place, identities=identities, tls=tls) as collector:
            token = collector.add_gateway(GATEWAY, SITE)
            feed = feed_in(place, collector.url, token)
            yield collector, replace(feed, identity=str(place / "keys" / GATEWAY) if signed else "")


def feed_in(folder: Path, url: str, token: str) -> Feed:
    """Write what a gateway needs into `folder`."""
    (folder / "token").write_text(token, encoding="ascii")
    feed = Feed(url=url, folder=str(folder), gateway=GATEWAY, points=POINTS)
    (folder / "manifest.json").write_bytes(manifest(feed.gateway, SITE, POINTS))
    return feed


def backlog(feed: Feed, readings: int) -> int:
    """Leave a backlog in the gateway's buffer; return its bytes."""
    folder = Path(feed.folder)
    made = origin(feed, (folder / "manifest.json").read_bytes())
    return build_backlog(folder / "buffer", readings, PER_BATCH, feed.points, made, CLOCK)


def run(feed: Feed, prefix: Sequence[str] = ()) -> dict[str, Any]:
    """Run the gateway's side in a process of its own and return what it tells."""
    command = [*prefix, sys.executable, "-m", "tests.bench.feeder", json.dumps(asdict(feed))]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, stdin=subprocess.DEVNULL)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@contextmanager
def counting() -> Iterator[int]:
    """A collector that only counts, in a process of its own; yields its port."""
    command = [sys.executable, "-m", "tests.bench.counting"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        assert process.stdout
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def latencies(told: dict[str, Any]) -> dict[str, object]:
    """Return the percentiles of append to answer, ms."""
    took = sorted(told["alarms"])
    return {
        "alarms": len(took),
        "unanswered": told["unanswered"],
        "p50_ms": round(1000 * took[len(took) // 2], 1),
        "p99_ms": round(1000 * took[min(len(took) - 1, int(0.99 * len(took)))], 1),
        "max_ms": round(1000 * took[-1], 1),
    }


def rates(told: dict[str, Any]) -> dict[str, object]:
    """Return how fast a backlog went."""
    lane = told["uplink"]["lanes"]["backfill"]
    return {
        "readings_per_s": round(told["backlog_before"] / told["seconds"]),
        "readings": told["backlog_before"],
        "seconds": round(told["seconds"], 2),
        "batch": PER_BATCH,
        "request_s": round(lane["request_seconds"], 3),
        "batches_a_request": lane["batches"],
    }


def delivered(told: dict[str, Any]) -> int:
    """Return the readings of the backlog that went."""
    return int(told["backlog_before"] - told["backlog_after"])


def added(told: dict[str, Any]) -> float:
    """Return the memory the run took at most above the gateway that has just opened, MB."""
    return round(float(told["memory_peak_kb"] - told["memory_kb"]) * 1024 / 1e6, 1)
