"""`make bench ONLY=central-long`: 2 x 10^8 readings, which are 27 hours of a city of 20,000 points.

Are the last as fast as the first? Requests are made between the timed stretches, a portion at a
time. Ends by itself, at the latest after an hour, and needs no more than a few GB.
"""

import shutil
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from protocols.clock import HOUR, SECOND, SystemClock, real_monotonic
from tests.bench.central import queries
from tests.bench.central.fleet import Fleet, Job
from tests.bench.central.ingest import SIZE, SLOW
from tests.bench.central.plant import ALL
from tests.bench.central.run import city
from tests.bench.central.sizes import look, settled
from tests.bench.central.span import timed
from tests.bench.collector import CollectorProcess

SCANS: Final = 10_000
PORTION: Final = 100
"""Scans made and sent at a time."""
TENTH: Final = SCANS // 10
ROOM: Final = 8 << 30
"""Bytes that have to be free."""
MOST: Final = 3_600.0
BEARABLE: Final = 1.3
ASKED: Final = ("latest_1000", "range_1", "buckets_300", "site_state", "count_all")


def measure() -> Iterator[dict[str, Any]]:
    """Yield `central.long.*`: a line for each tenth, then what became of rate and questions."""
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < ROOM:
        yield {"name": "central.long", "refused": "disk", "free_bytes": free, "needs": ROOM}
        return
    with city() as (collector, fleet):
        tenths = []
        for tenth in _tenths(collector, fleet):
            tenths.append(tenth)
            yield {"name": f"central.long.{len(tenths)}", **tenth}
        if tenths:
            yield _compared(tenths)


def _tenths(collector: CollectorProcess, fleet: Fleet) -> Iterator[dict[str, Any]]:
    since, until = SystemClock().now() - (SCANS + PORTION) * SLOW, real_monotonic() + MOST
    for begin in range(0, SCANS, TENTH):
        stretches = []
        for scan in range(begin, begin + TENTH, PORTION):
            if real_monotonic() > until:
                return
            fleet.grow(PORTION)
            fleet.encode(SIZE, PORTION, SLOW)
            job = Job(
                size=SIZE, scans=PORTION, period=SLOW, first=scan * SLOW, since=since, goes_on=True
            )
            fleet.seal(job)
            stretches.append(timed(collector.pid, lambda: fleet.send(MOST), SIZE))
        settled(collector.database)
        newest = since + (begin + TENTH) * SLOW
        asked = queries.measure(collector, (newest - HOUR, newest + SECOND))
        sizes = look(collector.database)
        yield {
            "readings": (begin + TENTH) * ALL,
            "readings_per_s": _median(stretches, "readings_per_s"),
            "cpu_us_per_reading": _median(stretches, "cpu_us_per_reading"),
            "ack_p99_ms": _median(stretches, "ack_p99_ms"),
            **{
                f"{each['name'].rsplit('.', 1)[1]}_ms": each["ms"] for each in asked if "ms" in each
            },
            "bytes_per_reading": sizes.per_reading,
            "evidence_bytes_per_reading": sizes.evidence_per_reading,
            "file_bytes": sizes.total,
        }


def _median(stretches: Sequence[dict[str, Any]], key: str) -> float:
    return round(statistics.median(each[key] for each in stretches), 3)


def _compared(tenths: list[dict[str, Any]]) -> dict[str, Any]:
    """Return how many times longer the last tenth took than the first, and the slope of each."""
    found: dict[str, Any] = {"name": "central.long", "readings": tenths[-1]["readings"]}
    costs = {"us_per_reading": [1e6 / each["readings_per_s"] for each in tenths]}
    costs["cpu_us_per_reading"] = [each["cpu_us_per_reading"] for each in tenths]
    for name in ASKED:
        times = [each[f"{name}_ms"] for each in tenths]
        if None not in times:
            costs[f"{name}_ms"] = times
    for name, values in costs.items():
        mean = statistics.fmean(values)
        slope = np.polyfit(range(len(values)), values, 1)[0] if len(values) > 1 else 0.0
        found[f"{name}_last_of_first"] = round(values[-1] / values[0], 3)
        found[f"{name}_slope_percent_a_tenth"] = round(slope / mean * 100, 2)
    last = [value for key, value in found.items() if key.endswith("_last_of_first")]
    found["within"] = len(tenths) == SCANS // TENTH and max(last) <= BEARABLE
    return found
