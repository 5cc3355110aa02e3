"""One timed stretch against a running server: rate, processor time, answers."""

from collections.abc import Callable
from typing import Any

from tests.bench.central.pump import Pumped
from tests.bench.central.tree import cpu_seconds


def timed(pid: int, send: Callable[[], Pumped], readings: int) -> dict[str, Any]:
    """Return the figures of a stretch; a request is `readings`."""
    used = cpu_seconds(pid)
    done = send()
    used = cpu_seconds(pid) - used
    sent = sum(done.done) * readings
    return {
        "readings_per_s": round(sent / done.took),
        "cpu_us_per_reading": round(used / sent * 1e6, 3) if sent else None,
        "cpu_percent_of_core": round(used / done.took * 100, 1),
        "ack_p50_ms": done.milliseconds(0.5),
        "ack_p99_ms": done.milliseconds(0.99),
        "ack_max_ms": done.milliseconds(1.0),
        "readings": sent,
        "seconds": round(done.took, 2),
        "sender_cpu_percent": round(done.cpu / done.took * 100, 1),
    }
