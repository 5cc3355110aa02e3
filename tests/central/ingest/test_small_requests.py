"""What is taken apart where it is received is small by every measure; the rest has a thread."""

from dataclasses import replace

import pytest

from central.ingest.request import BATCHES_SMALL, IngestRequest, prepare, prepare_small
from protocols.clock import ClockState
from protocols.errors import IngestError
from protocols.wire.batch import Stamp, encode_readings, read_header
from protocols.wire.headers import ClockReport, content_digest, format_chain, format_clock
from protocols.wire.request import pack
from protocols.words import Reading


def request(count, rows=1, value=1.5):
    """Return a request of `count` batches of `rows` readings each."""
    readings = [Reading(0, value, 0, 5) for _ in range(rows)]
    batches = [
        encode_readings(
            Stamp(clock_state=ClockState(1), number=1, seq0=1 + n * rows, mono0=0, wall0=0),
            readings,
            [2],
        )
        for n in range(count)
    ]
    body, encoding = pack(batches)
    clock = ClockReport(boot="0" * 32, mono=0, wall=0, state=ClockState(1))
    return IngestRequest(
        body=body,
        encoding=encoding,
        content_digest=content_digest(body),
        chain=format_chain(read_header(batches[-1])[0].last, bytes(32)),
        clock=format_clock(clock),
        lane="live",
        nonce="0" * 32,
    )


def test_a_small_request_is_taken_apart_at_once():
    small = prepare_small(request(BATCHES_SMALL))
    assert [batch.header.n for batch in small.batches] == [1] * BATCHES_SMALL


@pytest.mark.parametrize(
    ("count", "rows", "value"), [(BATCHES_SMALL + 1, 1, 1.5), (4_096, 1, 1.5), (2, 40, "x" * 4_000)]
)
def test_what_only_looks_small_is_left(count, rows, value):
    large = request(count, rows, value)
    assert prepare_small(large) is None
    assert len(prepare(large).batches) == count


def test_what_is_wrong_is_told_at_once():
    spoilt = replace(request(1), body=b"x")
    with pytest.raises(IngestError) as told:
        prepare_small(spoilt)
    assert told.value.code == "DIGEST"
