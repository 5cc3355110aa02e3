"""Ingest end to end: HTTP, signed, durable, alarms judged, a page on the live stream."""

from collections.abc import Iterator
from typing import Any, Final

from edge.pace import WORTH
from protocols.clock import HOUR, SECOND, SystemClock
from tests.bench.central.fleet import Fleet, Job
from tests.bench.central.plant import ALL, GATEWAYS
from tests.bench.central.sizes import Sizes, settled
from tests.bench.central.span import timed
from tests.bench.central.tree import cpu_seconds
from tests.bench.collector import CollectorProcess

SIZE: Final = 1_000
"""Readings of a request, where nothing else is said: a scan of one gateway."""
SLOW: Final = 10 * SECOND
"""Between two scans, as in a plant."""
QUICK: Final = 50_000
"""µs between two scans that are sent as fast as they are taken: all of them stay live, and none
reaches into the time of the next stretch."""
RECENT: Final = -20 * SECOND
SCANS: Final = 360
MANY: Final = 512
"""Scans that are ten million readings."""
TOGETHER: Final = WORTH
"""Batches of a request where more wait: what a gateway sends at least to a busy collector."""
FEW: Final = 40
MOST: Final = 6.0
"""Seconds a stretch lasts at most; `LONG`: one whose every reading is wanted."""
LONG: Final = 30.0
PACED: Final = 20.0
PACES: Final = ((100_000, SIZE),)
BASELINE: Final = ((2_000, 100),)
"""Readings a second, and readings of a request."""
SHAPES: Final = (
    ("5000", 5_000, 4, SCANS),
    ("5000.single", 5_000, 1, SCANS),
    ("100", 100, TOGETHER, FEW),
    ("100.single", 100, 1, FEW),
)
"""Name, readings of a batch, batches of a request, scans."""


class Ingest:
    """Stretches against one collector; `figures` holds what was measured, by name."""

    def __init__(self, collector: CollectorProcess, fleet: Fleet) -> None:
        self._collector = collector
        self._fleet = fleet
        self.figures: dict[str, dict[str, Any]] = {}
        fleet.grow(MANY)
        fleet.encode(SIZE, MANY, QUICK)

    def hour(self) -> Iterator[dict[str, Any]]:
        """An hour of the plant, from the past up to now: what is asked for and compared later.

        Sets `span`. Nothing newer is there, so it is as if a new collector were filled.
        """
        job = Job(size=SIZE, scans=SCANS, period=SLOW, first=-SCANS * SLOW)
        now = SystemClock().now()
        self.span = (now - HOUR - 60 * SECOND, now + 60 * SECOND)
        figure, _ = self._kept("central.fill", job, LONG)
        yield figure

    def live(self) -> Iterator[dict[str, Any]]:
        """Ten million readings as they are made."""
        job = Job(size=SIZE, scans=MANY, period=QUICK, first=RECENT, together=TOGETHER)
        figure, self._live = self._kept(f"central.ingest.binary.{SIZE}", job, LONG)
        yield figure

    def backfill(self) -> Iterator[dict[str, Any]]:
        """The same ten million again as if they were of yesterday, after what is live."""
        first = -26 * HOUR
        job = Job(
            size=SIZE, scans=MANY, period=QUICK, first=first, together=TOGETHER, lane="backfill"
        )
        figure, held = self._kept("central.ingest.backfill", job, LONG)
        live = self.figures[f"central.ingest.binary.{SIZE}"]
        figure["ratio_cpu"] = _ratio(figure["cpu_us_settled"], live["cpu_us_settled"])
        figure["ratio_bytes"] = _ratio(held.per_reading, self._live.per_reading)
        yield figure

    def single(self) -> Iterator[dict[str, Any]]:
        """Ten million more, a batch a request: the requests peers are measured with."""
        job = Job(size=SIZE, scans=MANY, period=QUICK, first=RECENT)
        figure, _ = self._kept(f"central.ingest.binary.{SIZE}.single", job, LONG)
        yield figure

    def shapes(self) -> Iterator[dict[str, Any]]:
        """Other sizes of batches and requests."""
        for name, size, together, scans in SHAPES:
            self._fleet.encode(size, scans, QUICK)
            job = Job(size=size, scans=scans, period=QUICK, first=RECENT, together=together)
            yield self._timed(f"central.ingest.binary.{name}", job, MOST)

    def baseline(self) -> Iterator[dict[str, Any]]:
        """What 20,000 points at ten seconds are, in a collector that did nothing before."""
        return self._at_pace(BASELINE)

    def paced(self) -> Iterator[dict[str, Any]]:
        """Fifty times that, in one that did much before."""
        return self._at_pace(PACES)

    def _at_pace(self, paces: tuple[tuple[int, int], ...]) -> Iterator[dict[str, Any]]:
        """So many readings a second of all points in turn, at the times they are of."""
        for pace, size in paces:
            period = round(ALL / pace * 1e6)
            scans = max(1, round(pace * PACED / ALL))
            self._fleet.encode(size, scans, period)
            job = Job(size=size, scans=scans, period=period, first=0, pace=pace)
            yield self._timed(f"central.paced.{pace}", job, PACED + MOST)

    def _kept(self, name: str, job: Job, seconds: float) -> tuple[dict[str, Any], Sizes]:
        """Send, wait until all is sealed, and say what that took."""
        before = settled(self._collector.database)
        made, first = self._begun(job)
        used = cpu_seconds(self._collector.pid)
        figure = self._sent(name, job, made, seconds)
        figure["first_requests_cpu_s"] = first
        held = settled(self._collector.database).since(before)
        used = cpu_seconds(self._collector.pid) - used
        figure["cpu_us_settled"] = round(used / figure["readings"] * 1e6, 3)
        figure |= {
            "bytes_per_reading": held.per_reading,
            "evidence_bytes_per_reading": held.evidence_per_reading,
            "sealed": held.readings,
            "late": held.late,
            "chunks": held.chunks,
        }
        return figure, held

    def _timed(self, name: str, job: Job, seconds: float) -> dict[str, Any]:
        settled(self._collector.database)  # what was sent before is packed at no stretch's cost
        made, first = self._begun(job)
        return self._sent(name, job, made, seconds) | {"first_requests_cpu_s": first}

    def _begun(self, job: Job) -> tuple[dict[str, float], float]:
        """Send each gateway's first request, and return what that took: it is told apart.

        A new stream takes over from the one before; no stretch is about that.
        """
        made = self._fleet.seal(job)
        used = cpu_seconds(self._collector.pid)
        self._fleet.warm()
        return made, round(cpu_seconds(self._collector.pid) - used, 2)

    def _sent(self, name: str, job: Job, made: dict[str, float], seconds: float) -> dict[str, Any]:
        each, left = job.size * job.together, made["requests"] - GATEWAYS
        figure = timed(self._collector.pid, lambda: self._fleet.send(seconds), each)
        figure["request_bytes"] = round(made["request_bytes"])
        figure["batches_per_request"] = job.together
        figure["complete"] = figure["readings"] == left * each
        self.figures[name] = figure = {"name": name, **figure}
        return figure


def _ratio(ours: float, theirs: float) -> float:
    return round(ours / theirs, 3) if theirs else 0.0
