"""A journal row of batches as they came gives the rows that were stored, to the bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.ingest.placement import ALWAYS, Anchor, Placement
from central.ingest.placing import place
from central.ingest.point_map import PointMap
from central.store import as_sent, journal
from central.store.as_sent import Sent
from central.store.columns import Columns
from central.store.squeezed import Damaged, Undecodable
from central.wire.decoding import decode_columns
from protocols.clock import SECOND
from protocols.wire.batch import encode_readings, read_header
from protocols.words import Reading, TimeMark
from tests.protocols.wire.strategies import SAMPLE_STAMP, values

NOW = 1_770_000_000_000_000
NUMBERS = np.array([7, 8, 9, 900, 901, 12], np.int64)
readings = st.builds(
    Reading,
    st.integers(0, 7),
    values,
    st.sampled_from([0, 0x808C0000]),
    st.integers(0, 90 * SECOND) | st.integers(NOW - 90 * SECOND, NOW),
    st.sampled_from([TimeMark.GATEWAY, TimeMark.SOURCE]),
)
placements = st.sampled_from(
    [
        None,
        Placement.by(NOW - 80 * SECOND),
        Placement(
            (
                Anchor(ALWAYS, ALWAYS, NOW - 80 * SECOND),
                Anchor(10 * SECOND, 20 * SECOND, NOW - 50 * SECOND),
            )
        ),
    ]
)
parts = st.lists(
    st.tuples(st.lists(readings, min_size=1, max_size=30), placements), min_size=1, max_size=3
)


def columns(rows):
    kinds = (rows.points, rows.times, rows.seqs, rows.qualities, rows.flags)
    return [column.tolist() for column in kinds], rows.values


def packed(batches):
    known = PointMap(NUMBERS)
    sent, placed = [], []
    for batch, at in batches:
        raw = encode_readings(SAMPLE_STAMP, batch, [None] * 8)
        content = decode_columns(raw, *read_header(raw))
        column = known.column(content.points)
        placed.append(place(content, known.numbers, at, NOW, column).rows)
        sent.append(Sent(raw, at))
    return as_sent.pack(sent, len(known), known.stretches, NOW), Columns.joined(placed)


@settings(max_examples=60, deadline=None)
@given(parts)
def test_what_was_placed_is_placed_again(batches):
    body, rows = packed(batches)
    (found, values_found), (expected, values_expected) = (
        columns(journal.unpack(body)),
        columns(rows),
    )
    assert found == expected
    assert values_found == values_expected


@settings(max_examples=60, deadline=None)
@given(st.lists(parts, min_size=1, max_size=4))
def test_read_one_after_another_they_are_what_each_is_alone(several):
    """A start remembers what names the same points; blocks share it then."""
    maps = {}
    bodies = [packed(batches)[0] for batches in several] * 3
    for body in bodies:
        (found, values_found) = columns(journal.unpack(body, maps))
        (expected, values_expected) = columns(journal.unpack(body))
        assert found == expected
        assert values_found == values_expected


def test_a_scan_that_comes_again_names_the_same_points():
    body, _ = packed([([Reading(n, 1.5, 0, SECOND) for n in range(6)], None)])
    maps = {}
    read = [journal.unpack(body, maps).column for _ in range(5)]
    assert read[-1] is read[-2]


@given(st.data())
def test_other_bytes_are_damage(data):
    body, _ = packed([([Reading(0, 1.5, 0, SECOND)], None)])
    at = data.draw(st.integers(1, len(body) - 1))
    harmed = bytearray(body)
    harmed[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Damaged):
        journal.unpack(bytes(harmed))
    with pytest.raises(Damaged):
        journal.unpack(body[: data.draw(st.integers(1, len(body) - 1))])


def test_another_version_is_no_damage(monkeypatch):
    with monkeypatch.context() as later:
        later.setattr(as_sent, "FORMAT", 9)
        body, _ = packed([([Reading(0, 1.5, 0, SECOND)], None)])
    with pytest.raises(Undecodable):
        journal.unpack(body)


def test_numbers_in_many_stretches_are_packed_by_columns():
    assert PointMap(np.arange(0, 100, 2)).stretches is None
    assert PointMap(np.array([5, 6, 9])).stretches == ((0, 5), (2, 7))
