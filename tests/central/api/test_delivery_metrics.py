"""What is counted plainly is told as the library would have counted it."""

import re

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from central.api.delivery_metrics import SECONDS, Deliveries
from tests.central.identity.hands import HandClock

LANES = ("alarm", "live", "backfill", "unknown")
TIMES = st.sampled_from([0.0, *SECONDS, 7.5]) | st.floats(0, 10)


def told(registry):
    """Return the exposition without when its figures began."""
    return re.sub(r"(_created\S*) \S+", r"\1", generate_latest(registry).decode())


@given(st.lists(st.tuples(st.sampled_from(LANES), st.integers(0, 1 << 20), TIMES)))
def test_the_exposition_is_the_librarys(requests):
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    deliveries = Deliveries(HandClock())
    ours.register(deliveries)
    count = Counter("fengsui_ingest_requests", "Batch requests", ["lane"], registry=theirs)
    size = Counter("fengsui_ingest_bytes", "Compressed bytes of batch requests", registry=theirs)
    seconds = Histogram(
        "fengsui_ingest_seconds",
        "From a batch request to its answer",
        ["lane"],
        buckets=SECONDS,
        registry=theirs,
    )
    for lane, received, took in requests:
        deliveries.note(lane, received, took)
        count.labels(lane).inc()
        size.inc(received)
        seconds.labels(lane).observe(took)
    assert told(ours) == told(theirs)
