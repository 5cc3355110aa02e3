"""Twenty gateways in a process of their own: they make their requests, then send them when told.

One process for all of them, apart from the collector and from whoever measures it.
"""

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing.managers import BaseManager
from pathlib import Path

from edge.identity import KEY
from protocols.clock import SECOND, SystemClock
from protocols.signing.keys import Ed25519Signer
from tests.bench.central.plant import GATEWAYS, POINTS, Plant, Scans, gateway_name, manifest
from tests.bench.central.pump import Pumped, pump
from tests.bench.central.sealing import Columns, Sender, encoded, request, sealed
from tests.bench.keys import Identities
from tests.bench.sender import BenchGateway, Link, Stream

CLOCK = SystemClock()
UPTIME = 86_400 * SECOND
"""How long every gateway has been running."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is sent: `scans` of all gateways in batches of `size`, `together` of them a request.

    `period`: µs between two scans; `first`: where the first lies, µs from `since` (UTC), or from
    the moment of sealing. `pace`: readings a second of all gateways together; None: as fast as they
    are answered. `goes_on`: with the streams of the job before.
    """

    size: int
    scans: int
    period: int
    first: int
    together: int = 1
    lane: str = "live"
    pace: int | None = None
    since: int | None = None
    goes_on: bool = False


class Fleet:
    """The gateways; `keys` holds a folder for each, `port` is the collector's."""

    def __init__(self, port: int, keys: Path) -> None:
        identities = Identities(keys, {})
        self._port = port
        self._gateways = []
        self._signers = []
        for nth in range(GATEWAYS):
            name = gateway_name(nth)
            self._gateways.append(BenchGateway(name, "", manifest(nth), identities))
            file = keys / name / KEY
            self._signers.append(Ed25519Signer.load(file.read_bytes()))
        self._offset = CLOCK.now() - UPTIME
        self._plant = Plant()
        self._scans: Scans | None = None
        self._columns: dict[tuple[int, int], list[list[Columns]]] = {}
        self._streams: list[Stream] = []
        self._ready: list[list[bytes]] = []
        self._due: list[list[float]] | None = None

    def grow(self, scans: int) -> None:
        """Read the next `scans` from the plant; what is encoded from now on is of these."""
        self._scans = self._plant.scans(scans)
        self._columns.clear()

    def encode(self, size: int, scans: int, period: int) -> None:
        """Encode the plant's first `scans` in batches of `size`."""
        assert self._scans is not None
        per_batch = max(1, -(-size // POINTS))
        key = (size, period if per_batch > 1 else 0)
        self._columns[key] = [
            list(encoded(_first(self._scans.of(nth), scans), size, period))
            for nth in range(GATEWAYS)
        ]

    def seal(self, job: Job) -> dict[str, float]:
        """Open a stream of each gateway and make all requests; returns their number and size."""
        key = (job.size, job.period if job.size > POINTS else 0)
        if not job.goes_on or not self._streams:
            self._streams = asyncio.run(self._opened(job.lane))
        self._ready, self._due = [], None
        for nth, stream in enumerate(self._streams):
            gateway = self._gateways[nth]
            sender = Sender(
                stream=stream, signer=self._signers[nth], boot=gateway.boot, offset=self._offset
            )
            columns = islice(self._columns[key][nth], job.scans * POINTS // job.size)
            self._ready.append(list(_requests(columns, sender, job, CLOCK.now())))
        readings = job.size * job.together
        if job.pace is not None:
            gap = readings * GATEWAYS / job.pace
            self._due = [
                [gap * (turn + nth / GATEWAYS) for turn in range(len(line))]
                for nth, line in enumerate(self._ready)
            ]
        count = sum(map(len, self._ready))
        return {
            "requests": count,
            "request_bytes": sum(len(each) for line in self._ready for each in line) / count,
        }

    async def _opened(self, lane: str) -> list[Stream]:
        streams = []
        for gateway in self._gateways:
            link, stream = Link(self._port, gateway), gateway.open()
            reply = await link.put_stream(gateway, stream, lane)
            assert reply.status == 200, reply
            link.close()
            streams.append(stream)
        return streams

    def warm(self) -> None:
        """Send the first request of each gateway: what a first one costs is not the stretch's."""
        pump(self._port, [line[:1] for line in self._ready])
        self._ready = [line[1:] for line in self._ready]
        if self._due is not None:
            self._due = [[at - line[1] + line[0] for at in line[1:]] for line in self._due]

    def send(self, seconds: float) -> Pumped:
        """Send what is ready for at most so many seconds."""
        return pump(self._port, self._ready, seconds=seconds, due=self._due)


def _first(scans: Scans, count: int) -> Scans:
    return Scans(scans.cents[:count], scans.qualities[:count], scans.strays[:count])


def _requests(columns: Iterator[Columns], sender: Sender, job: Job, now: int) -> Iterator[bytes]:
    first = job.first + (now if job.since is None else job.since)
    while batch := list(islice(columns, job.together)):
        raw = [sealed(each, sender, first + each.scan * job.period) for each in batch]
        yield request(raw, sender, job.lane, now)


class _Elsewhere(BaseManager):
    """A process that holds objects."""


_Elsewhere.register("Fleet", Fleet, exposed=("grow", "encode", "seal", "warm", "send"))


@contextmanager
def fleet(port: int, keys: Path) -> Iterator[Fleet]:
    """Give a fleet that lives in a process of its own."""
    elsewhere = _Elsewhere(ctx=multiprocessing.get_context("spawn"))
    elsewhere.start()
    try:
        yield elsewhere.Fleet(port, keys)  # type: ignore[attr-defined]
    finally:
        elsewhere.shutdown()
