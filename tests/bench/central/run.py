"""`make bench ONLY=central`: one collector, twenty gateways, and what the peers do of the same."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, Final

from tests.bench.central import bare, door, killing, queries, tree
from tests.bench.central.fleet import Fleet, fleet
from tests.bench.central.ingest import Ingest
from tests.bench.central.machine import Machine
from tests.bench.central.plant import ALL, GATEWAYS, gateway_name, site_name
from tests.bench.central.sizes import look
from tests.bench.central.watching import watching
from tests.bench.collector import CollectorProcess
from tests.bench.keys import Identities
from tests.bench.peers import measure as peers

PARTS: Final = (
    *("baseline", "fill", "size", "query", "live", "backfill", "single"),
    *("paced", "memory", "shapes", "door"),
    *("kill", "file", "peers"),
)
"""In this order; each can be asked for alone, and brings what it `NEEDS`."""
NEEDS: Final = {"size": ("fill",), "query": ("fill",), "backfill": ("live",)}


def measure(parts: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
    """Yield the figures of `parts`, of all without any."""
    wanted = set(parts or PARTS)
    ours: dict[str, dict[str, Any]] = {}
    if wanted - {"peers"}:
        for figure in _ours(wanted):
            ours[figure["name"]] = figure
            yield figure
    if "peers" in wanted:
        yield from peers.measure(ours)


def _ours(wanted: set[str]) -> Iterator[dict[str, Any]]:
    machine = Machine()
    yield machine.figure("before")
    yield bare.figure()
    with city() as (collector, gateways):
        yield from _phases(collector, gateways, wanted)
    yield machine.figure("after")


@contextmanager
def city() -> Iterator[tuple[CollectorProcess, Fleet]]:
    """Start a collector that a page watches, and twenty gateways it knows."""
    with ExitStack() as stack:
        folder, keys = (
            Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"bench-{kind}-")))
            for kind in ("data", "keys")
        )
        names = [gateway_name(nth) for nth in range(GATEWAYS)]
        identities = Identities.made(keys, names)
        collector = stack.enter_context(CollectorProcess(folder, identities=identities))
        for nth, name in enumerate(names):
            collector.add_gateway(name, site_name(nth))
        stack.enter_context(watching(collector))
        gateways = stack.enter_context(fleet(collector.port, keys))
        yield collector, gateways


def _phases(
    collector: CollectorProcess, gateways: Fleet, wanted: set[str]
) -> Iterator[dict[str, Any]]:
    ingest = Ingest(collector, gateways)
    phases: dict[str, Callable[[], Iterator[dict[str, Any]]]] = {
        "baseline": lambda: chain(ingest.baseline(), _memory(collector, "baseline")),
        "fill": ingest.hour,
        "size": lambda: _sizes(ingest),
        "query": lambda: queries.measure(collector, ingest.span),
        "live": ingest.live,
        "backfill": ingest.backfill,
        "single": ingest.single,
        "paced": ingest.paced,
        "memory": lambda: _memory(collector, "after"),
        "shapes": ingest.shapes,
        "door": lambda: door.measure(collector),
        "kill": lambda: killing.measure(collector, gateways),
        "file": lambda: _file(collector),
    }
    needed = wanted | {each for part in wanted for each in NEEDS.get(part, ())}
    for part, phase in phases.items():
        if part in needed:
            yield from phase()


def _memory(collector: CollectorProcess, when: str) -> Iterator[dict[str, Any]]:
    rss = tree.rss_mb(collector.pid)
    yield {"name": f"central.memory.{when}", "rss_mb": rss, "points": ALL}


def _file(collector: CollectorProcess) -> Iterator[dict[str, Any]]:
    sizes = look(collector.database)
    yield {
        "name": "central.store.file",
        "bytes": sizes.total,
        "readings": sizes.kept,
        "bytes_per_reading": round(sizes.total / max(1, sizes.kept), 3),
    }


def _sizes(ingest: Ingest) -> Iterator[dict[str, Any]]:
    filled = ingest.figures["central.fill"]
    yield {
        "name": "central.store.bytes",
        "bytes_per_reading": filled["bytes_per_reading"],
        "readings": filled["sealed"],
        "chunks": filled["chunks"],
        "late": filled["late"],
    }
    yield {
        "name": "central.evidence.bytes",
        "bytes_per_reading": filled["evidence_bytes_per_reading"],
        "readings": filled["readings"],
    }
