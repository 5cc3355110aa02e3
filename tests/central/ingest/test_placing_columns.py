"""Columns are placed as one reading after the other would be."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from central.ingest.placement import ALWAYS, Anchor, Placement
from central.ingest.placing import (
    AHEAD,
    CLOCK_AHEAD,
    CLOCK_BEHIND,
    UNKNOWN_POINT,
    Aside,
    place,
    together,
)
from central.store.interface import FLAG_ESTIMATED, FLAG_LATE, FLAG_SOURCE, Row
from central.wire.columns import BatchColumns
from protocols.alarms.condition import LIVE_DELAY
from protocols.clock import SECOND
from protocols.wire.batch import decode_batch, encode_readings
from protocols.wire.bounds import TIME
from protocols.words import Reading, TimeMark
from tests.protocols.wire.strategies import SAMPLE_STAMP, values

NOW = 1_770_000_000_000_000
NUMBERS = np.array([7, 3, 900, 12], np.int64)

gateway_times = st.one_of(st.integers(0, 90 * SECOND), st.integers(-TIME, TIME))
source_times = st.one_of(st.integers(NOW - 90 * SECOND, NOW + 2 * AHEAD), st.integers(-TIME, TIME))
readings = st.one_of(
    st.builds(Reading, st.integers(0, 4), values, st.sampled_from([0, 0x808C0000]), gateway_times),
    st.builds(
        Reading,
        st.integers(0, 4),
        values,
        st.just(0),
        source_times,
        st.just(TimeMark.SOURCE),
    ),
)
offsets = st.one_of(st.integers(NOW - 80 * SECOND, NOW), st.integers(-TIME, TIME))
placements = st.one_of(
    st.none(),
    st.builds(Placement.by, offsets),
    st.builds(Placement.by, st.integers(TIME, 2 * TIME)),
    st.builds(
        lambda first, mono, more: Placement(
            (Anchor(ALWAYS, ALWAYS, first), Anchor(mono - SECOND, mono, first + more))
        ),
        st.integers(NOW - 80 * SECOND, NOW),
        st.integers(SECOND, 80 * SECOND),
        st.integers(-60 * SECOND, 60 * SECOND),
    ),
)


def placed_alone(reading, seq, known, *, estimated):
    """Return the row or what is put aside of one reading."""
    flags, time = FLAG_SOURCE, reading.time
    if reading.mark == TimeMark.GATEWAY:
        moved, guessed = known.offsets(np.array([time], np.int64))
        guess = FLAG_ESTIMATED if len(known.anchors) > 1 and guessed[0] else 0
        flags = estimated | guess
        offset = known.simple if known.simple is not None else int(moved[0])
        time = time + offset
        if known.simple is not None and abs(offset) > TIME:
            time = max(-TIME, min(time, TIME))
    if time < NOW - LIVE_DELAY:
        flags |= FLAG_LATE
    if reading.point >= len(NUMBERS):
        return Aside(seq, UNKNOWN_POINT, reading.point, time, reading.value, reading.quality)
    if not 0 <= time <= NOW + AHEAD:
        reason = CLOCK_BEHIND if time < 0 else CLOCK_AHEAD
        return Aside(seq, reason, reading.point, time, reading.value, reading.quality)
    return Row(int(NUMBERS[reading.point]), time, seq, reading.value, reading.quality, flags)


@settings(max_examples=200, deadline=None)
@given(st.lists(readings, min_size=1, max_size=12), placements)
def test_columns_are_placed_as_each_alone(rows, known):
    batch = decode_batch(encode_readings(SAMPLE_STAMP, rows, [2] * 5))
    placed = place(BatchColumns.of(batch), NUMBERS, known, NOW)
    estimated = FLAG_ESTIMATED if known is None else 0
    if known is None:
        own = [row.time for row in rows if row.mark == TimeMark.GATEWAY]
        known = Placement.by(NOW - max(own, default=0))
    seqs = range(batch.header.seq0, batch.header.last + 1)
    wanted = [
        placed_alone(r, s, known, estimated=estimated) for r, s in zip(rows, seqs, strict=True)
    ]
    assert list(map(repr, placed.rows.rows())) == [repr(w) for w in wanted if isinstance(w, Row)]
    assert list(map(repr, placed.aside)) == [repr(w) for w in wanted if isinstance(w, Aside)]


consecutive = st.lists(st.lists(readings, min_size=1, max_size=4), min_size=2, max_size=4)


@settings(max_examples=200, deadline=None)
@given(consecutive, placements.filter(bool))
def test_batches_placed_as_one_are_what_they_are_one_by_one(parts, known):
    batches, seq0 = [], SAMPLE_STAMP.seq0
    for part in parts:
        raw = encode_readings(replace(SAMPLE_STAMP, seq0=seq0), part, [None] * 5)
        batches.append(BatchColumns.of(decode_batch(raw)))
        seq0 += len(part)
    whole = together(batches)
    at_once = place(whole, NUMBERS, known, NOW)
    alone = [place(batch, NUMBERS, known, NOW) for batch in batches]
    assert list(at_once.rows) == [row for placed in alone for row in placed.rows]
    assert at_once.aside == [each for placed in alone for each in placed.aside]
    assert together(batches[1:] + batches[:1]) is None
