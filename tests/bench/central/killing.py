"""What a power cut takes of what was acknowledged, and how long the collector takes to be back."""

import threading
from collections.abc import Iterator
from typing import Any, Final

from protocols.clock import real_monotonic
from protocols.simulators.collector_door import DoorClosed
from tests.bench.central.fleet import Fleet, Job
from tests.bench.central.ingest import SIZE
from tests.bench.central.plant import ALL
from tests.bench.central.sizes import held
from tests.bench.central.tree import cpu_seconds
from tests.bench.collector import CollectorProcess

PACE: Final = 20_000
"""Readings a second."""
AFTER: Final = 10.0
"""Seconds until the kill."""


def measure(collector: CollectorProcess, fleet: Fleet) -> Iterator[dict[str, Any]]:
    """Yield `central.kill`: acknowledged readings that are gone after kill -9, and the start."""
    scans = int(PACE * AFTER * 1.5) // ALL
    job = Job(size=SIZE, scans=scans, period=round(ALL / PACE * 1e6), first=0, pace=PACE)
    fleet.encode(SIZE, scans, job.period)
    before = held(collector.database)
    fleet.seal(job)
    cut = threading.Timer(AFTER, collector.kill)
    cut.start()
    done = fleet.send(AFTER * 2)
    cut.join()
    began = real_monotonic()
    try:
        collector.start()
    except DoorClosed as exc:
        yield {"name": "central.kill", "lost": None, "refused": str(exc)}
        return
    took = real_monotonic() - began
    acknowledged = sum(done.done) * SIZE
    found = held(collector.database) - before
    yield {
        "name": "central.kill",
        "lost": max(0, acknowledged - found),
        "acknowledged": acknowledged,
        "found": found,
        "start_s": round(took, 2),
        "start_cpu_s": round(cpu_seconds(collector.pid), 2),
    }
