"""Peers on the plant's readings in the same run, each beside what the collector did of them.

`ratio`: ours by theirs. A peer whose Debian package is not installed is a line that says so.
"""

import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from protocols.clock import SECOND, SystemClock
from tests.bench.central.killing import AFTER, PACE
from tests.bench.central.plant import ALL, Plant, Scans
from tests.bench.central.pump import pump
from tests.bench.central.span import timed
from tests.bench.central.tree import cpu_seconds
from tests.bench.peers import influx, lines, postgres, victoria
from tests.bench.peers.influx import Influx
from tests.bench.peers.postgres import Postgres
from tests.bench.peers.victoria import Victoria

PERIOD: Final = 10 * SECOND
SIZE: Final = 1_000
LINES: Final = 4
MOST: Final = 40.0
SCANS: Final = 360
SOME: Final = {"influxdb": 60, "postgresql": 30}
"""Scans of those that take long."""
INGEST: Final = "central.ingest.binary.1000.single"
"""Requests of the same size as theirs."""
Ours = Mapping[str, Mapping[str, Any]]


def measure(ours: Ours) -> Iterator[dict[str, Any]]:
    """Yield the lines of each peer; `ours` are the collector's figures by name."""
    present: tuple[tuple[Any, Callable[[Ours], Iterator[dict[str, Any]]]], ...] = (
        (victoria, _victoria),
        (influx, _influx),
        (postgres, _postgres),
    )
    for peer, of_it in present:
        name = peer.__name__.rsplit(".", 1)[1]
        if peer.installed():
            yield from of_it(ours)
        else:
            yield {
                "name": f"central.peer.{name}",
                "absent": peer.PACKAGE,
                "do": "scripts/setup bench",
            }


def _victoria(ours: Ours) -> Iterator[dict[str, Any]]:
    scans = Plant().scans(SCANS)
    # As a person labels them, and by one number alone, where neighbours cannot share their times.
    for labels, names in (("", lines.prefixes()), (".unlabelled", lines.numbered())):
        with tempfile.TemporaryDirectory(prefix="bench-peer-") as folder:
            peer = Victoria(Path(folder))
            try:
                yield from _lines_into(peer, scans, ours, (labels, names))
                if not labels:
                    yield _killed(peer)
            finally:
                peer.server.stop()


def _influx(ours: Ours) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="bench-peer-") as folder:
        peer = Influx(Path(folder))
        scans = Plant().scans(SOME[peer.name])
        try:
            yield from _lines_into(peer, scans, ours, ("", lines.prefixes()))
        finally:
            peer.server.stop()


def _lines_into(
    peer: Victoria | Influx, scans: Scans, ours: Ours, labels: tuple[str, list[str]]
) -> Iterator[dict[str, Any]]:
    suffix, names = labels
    first = SystemClock().now() - len(scans) * PERIOD
    dealt = lines.dealt(lines.requests(scans, first, PERIOD, SIZE, names), LINES)
    peer.server.start()
    peer.prepare()
    used = cpu_seconds(peer.server.pid)
    port = peer.server.port
    figure = timed(peer.server.pid, lambda: pump(port, dealt, seconds=MOST), SIZE)
    settled = peer.settle()
    used = cpu_seconds(peer.server.pid) - used
    name = f"central.peer.{peer.name}"
    if settled:
        figure["cpu_us_settled"] = cost = round(used / figure["readings"] * 1e6, 3)
        figure |= _named("settled", _against(ours, INGEST, "cpu_us_settled", cost))
    yield {
        "name": f"{name}.ingest{suffix}",
        **figure,
        "durable": peer.durable,
        **_against(ours, INGEST, "cpu_us_per_reading", figure["cpu_us_per_reading"]),
        **_named("rate", _against(ours, INGEST, "readings_per_s", figure["readings_per_s"])),
    }
    yield _bytes(f"{name}.bytes{suffix}", peer.bytes(), figure["readings"], ours)
    if not suffix:
        yield from _queries(name, peer.queries((first, first + len(scans) * PERIOD)), ours)


def _postgres(ours: Ours) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="bench-peer-") as folder:
        peer = Postgres(Path(folder))
        scans = Plant().scans(SOME[peer.name])
        first = SystemClock().now() - len(scans) * PERIOD
        fed = postgres.script(scans, first, PERIOD)
        readings = len(scans) * ALL
        peer.start()
        try:
            used, began = cpu_seconds(peer.pid), SystemClock().mono()
            peer.take(fed)
            took = (SystemClock().mono() - began) / SECOND
            used = (cpu_seconds(peer.pid) - used) / readings * 1e6
            name = f"central.peer.{peer.name}"
            yield {
                "name": f"{name}.ingest",
                "readings_per_s": round(readings / took),
                "cpu_us_per_reading": round(used, 3),
                "readings": readings,
                "durable": peer.durable,
                **_against(ours, INGEST, "cpu_us_per_reading", used),
                **_named("rate", _against(ours, INGEST, "readings_per_s", readings / took)),
            }
            yield _bytes(f"{name}.bytes", peer.bytes(), readings, ours)
            yield from _queries(name, peer.queries((first, first + len(scans) * PERIOD)), ours)
        finally:
            peer.stop()


def _killed(peer: Victoria) -> dict[str, Any]:
    """Return what is gone of what was answered when the process is killed under load."""
    before = peer.count()
    scans = Plant(seed=7).scans(int(PACE * AFTER * 1.2) // ALL)
    ready = list(lines.requests(scans, SystemClock().now(), SECOND, SIZE, lines.prefixes()))
    due = [[nth * SIZE / PACE for nth in range(len(ready))]]
    cut = threading.Timer(AFTER, peer.server.kill)
    cut.start()
    done = pump(peer.server.port, [ready], seconds=AFTER * 2, due=due)
    cut.join()
    peer.server.start()
    answered, found = sum(done.done) * SIZE, peer.count() - before
    return {
        "name": f"central.peer.{peer.name}.kill",
        "lost": answered - found,
        "acknowledged": answered,
        "found": found,
    }


def _bytes(name: str, held: dict[str, int], readings: int, ours: Ours) -> dict[str, Any]:
    each = held["bytes"] / readings
    return {
        "name": name,
        "bytes_per_reading": round(each, 3),
        **held,
        "readings": readings,
        **_against(ours, "central.store.bytes", "bytes_per_reading", each),
    }


def _queries(name: str, took: dict[str, float], ours: Ours) -> Iterator[dict[str, Any]]:
    for what, ms in took.items():
        against = _against(ours, f"central.query.{what}", "ms", ms)
        yield {"name": f"{name}.query.{what}", "ms": ms, **against}


def _against(ours: Ours, name: str, key: str, theirs: float) -> dict[str, Any]:
    mine = ours.get(name, {}).get(key)
    return {} if mine is None or not theirs else {"ratio": round(mine / theirs, 3)}


def _named(what: str, against: dict[str, Any]) -> dict[str, Any]:
    return {f"{key}_{what}": value for key, value in against.items()}
