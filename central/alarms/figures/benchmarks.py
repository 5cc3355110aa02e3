"""What good alarms look like, by the literature: figures with their source and status, as data.

Status as of a level: V read in its source, K known from memory and not re-read, D left to the
designer. A figure whose status is not V is shown as such, and judges nobody.
"""

from dataclasses import dataclass
from typing import Final

ISA: Final = "ANSI/ISA-18.2, EEMUA 191"
V15: Final = "tagsight.io, What is ISA-18.2"
V16: Final = "operationsengineer.org.uk 60103, EEMUA 191 rev. 3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """`op` `limit` is `meaning`: acceptable, manageable (at most), target, or about."""

    op: str
    limit: float
    meaning: str
    source: str
    status: str


def _known(op: str, limit: float, meaning: str = "target") -> Benchmark:
    return Benchmark(op=op, limit=limit, meaning=meaning, source=ISA, status="K")


def _about(limit: float) -> tuple[Benchmark, ...]:
    return (Benchmark(op="=", limit=limit, meaning="about", source=V15, status="V"),)


BENCHMARKS: Final[dict[str, tuple[Benchmark, ...]]] = {
    "per_hour": (_known("<=", 6.0, "acceptable"), _known("<=", 12.0, "manageable")),
    "per_day": (_known("<=", 150.0, "acceptable"), _known("<=", 300.0, "manageable")),
    "per_10_min": (_known("<=", 1.0, "acceptable"), _known("<=", 2.0, "manageable")),
    "peak_10_min": (_known("<=", 10.0),),
    "flood_time": (_known("<", 1.0),),
    "busy_hours": (_known("<", 1.0),),
    "top_10": (_known("<=", 5.0),),
    "chattering": (_known("=", 0.0),),
    "fleeting": (_known("=", 0.0),),
    "stale": (_known("<", 5.0),),
    "priority_low": _about(80.0),
    "priority_high": _about(15.0),
    "priority_top": _about(5.0),
}
"""Per operator; shares in per cent. `mean_daily_peak` is judged apart from the mean (V16), by no
figure that is known."""
