"""Chunks: everything comes back as it was, member by member, and damage is said."""

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.store.codec.cells import Cells
from central.store.codec.chunk import (
    ChunkDamaged,
    counts_between,
    counts_of,
    decode,
    encode,
    encoded,
    summaries,
    summary_of,
)
from central.store.codec.chunk_frame import MOST_BYTES, ZLIB, ZSTD, framed, unframed
from central.store.points import EMPTY, PointReadings, summary
from central.store.values import Values
from tests.central.store.shapes import DAY0, cells_of, columns, listed


def same(readings, expected):
    names = ("times", "streams", "seqs", "received", "qualities", "flags")
    for name in names:
        assert getattr(readings, name).tolist() == getattr(expected, name).tolist(), name
    assert readings.values == expected.values


@settings(max_examples=100, deadline=None)
@given(columns())
def test_everything_comes_back(readings):
    cells = cells_of(readings)
    chunk = encode(cells)
    assert listed(decode(chunk.body)) == listed(cells)
    assert decode(chunk.body).values == cells.values
    assert chunk.n == len(cells)
    assert (chunk.t0, chunk.t1) == (cells.times.min(), cells.times.max())
    assert (chunk.received0, chunk.received1) == (cells.received.min(), cells.received.max())
    assert chunk.members == sum(1 << member for member in set(cells.members.tolist()))


@settings(max_examples=60, deadline=None)
@given(columns())
def test_each_member_alone_is_what_it_is_among_all(readings):
    cells = cells_of(readings)
    body = encode(cells).body
    for member in range(32):
        same(decode(body, member), cells.of(member))


@settings(max_examples=60, deadline=None)
@given(columns(), st.data())
def test_counts_of_all_members_are_those_of_each(readings, data):
    cells = cells_of(readings)
    chunk = encode(cells)
    moments = st.sampled_from(sorted({*cells.times.tolist(), 0, 2**62}))
    start, end = data.draw(moments), data.draw(moments) + data.draw(st.integers(0, 1))
    own = [cells.of(member) for member in np.unique(cells.members)]
    assert counts_of(chunk.summary).tolist() == list(map(len, own))
    inside = [np.count_nonzero((each.times >= start) & (each.times < end)) for each in own]
    assert counts_between(chunk.body, start, end).tolist() == inside


@settings(max_examples=60, deadline=None)
@given(columns())
def test_summaries_are_those_of_the_readings(readings):
    cells = cells_of(readings)
    packed = encode(cells).summary
    found = summaries(packed)
    assert [summary_of(packed, row).tobytes() for row in range(len(found))] == [
        one.tobytes() for one in found
    ]
    with np.errstate(over="ignore", invalid="ignore"):
        expected = [summary(cells.of(member)) for member in np.unique(cells.members)]
    for one, other in zip(found, expected, strict=True):
        for name in found.dtype.names:
            slack = {"rel": 1e-12, "abs": 1e-6} if name == "sum" else {"rel": 0, "abs": 0}
            assert one[name] == pytest.approx(other[name], nan_ok=True, **slack), name


EARLIER = bytes.fromhex(
    "67519cae0103080000010001040200020080e0efc7dc83aa0600809bee0200a00100f02e00000400000000000000310000"
    "8040000501000d03020002e114000005000200027dac00000d00"
)
"""The summary of these readings as earlier versions wrote it."""


def test_a_summary_of_an_earlier_format_is_read():
    times = np.tile(1_781_272_800_000_000 + np.arange(4) * 1_000_000, 3)
    cells = Cells(
        np.repeat([2, 5, 9], 4),
        times,
        np.full(12, 7),
        np.arange(12) + 1,
        times + 80_000,
        Values.of([1.5, 2.25, -3.0, 0.5, 10, 11, 12, 13, None, "x", True, 2.5]),
        np.array([0] * 4 + [0, 0x80310000, 0, 0] + [0x40000000] * 4),
        np.array([0, 4, 2, 1] * 3),
    )
    now = encode(cells).summary
    assert now[4] != EARLIER[4]
    assert summaries(EARLIER).tobytes() == summaries(now).tobytes()
    for row in range(3):
        assert summary_of(EARLIER, row).tobytes() == summary_of(now, row).tobytes()


@settings(max_examples=50, deadline=None)
@given(st.lists(columns(most=30), min_size=1, max_size=4))
def test_many_at_a_time_are_what_each_is_alone(several):
    chunks = [cells_of(readings) for readings in several]
    assert encoded(chunks) == [encode(cells) for cells in chunks]


def grid(members, slots, numbers):
    """Cells of members that share all slots."""
    at = np.tile(np.arange(slots), members)
    rows = np.repeat(np.arange(members), slots)
    return Cells(
        rows,
        DAY0 + at * 10_000_000,
        np.ones(len(at), np.int64),
        at * members + rows + 1,
        DAY0 + at * 10_000_000 + 200_000,
        Values.of(numbers),
        np.zeros(len(at), np.int64),
        np.zeros(len(at), np.int64),
    )


@pytest.mark.parametrize(
    "numbers",
    [
        [0.1 + n / 100 for n in range(640)],
        [float(n) for n in range(640)],
        [-0.0] * 640,
        [1e308, -1e308] * 320,
        [n % 2 == 0 for n in range(640)],
        list(range(640)),
        [None] * 640,
        ["开" if n % 3 else "关" for n in range(640)],
        [2**53 + n for n in range(640)],
        [None if n % 5 else n / 10 for n in range(640)],
        [[1, 1.0, True, "1", 2**60, None, -0.0][n % 7] for n in range(640)],
    ],
)
def test_every_kind_of_value_in_a_full_matrix(numbers):
    cells = grid(32, 20, numbers)
    body = encode(cells).body
    assert decode(body).values == cells.values
    same(decode(body, 31), cells.of(31))


def test_equal_numbers_take_next_to_nothing():
    chunk = encode(grid(25, 360, [23.41] * 9000))
    assert len(chunk.body) + len(chunk.summary) < 600


def test_a_member_that_is_not_there_has_no_readings():
    assert decode(encode(grid(2, 9, [1.5] * 18)).body, 5) is EMPTY


def test_a_text_is_kept_once():
    chunk = encode(grid(32, 20, ["很长的文字" * 200] * 640))
    assert len(chunk.body) < 3500


def test_none_and_too_many_are_refused():
    with pytest.raises(ValueError, match="0 cells"):
        encode(grid(1, 0, []))


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused(number):
    with pytest.raises(ValueError, match="not a number"):
        encode(grid(2, 9, [1.5] * 17 + [number]))


@pytest.mark.parametrize("how", [ZLIB, ZSTD])
def test_a_chunk_of_a_machine_without_zstandard_is_read_and_the_other_way_round(how):
    cells = grid(25, 60, [n % 7 / 10 for n in range(1500)])
    body = framed(unframed(encode(cells).body), how)
    assert body[5] == how
    assert listed(decode(body)) == listed(cells)


def test_more_than_is_read_again_is_not_written():
    with pytest.raises(ValueError, match="bytes"):
        framed(bytes(MOST_BYTES + 1))


def test_a_frame_that_grows_beyond_what_it_says_is_damage():
    for how in (ZLIB, ZSTD):
        body = bytearray(framed(bytes(1_000_000), how)[4:])
        small = body[:2] + b"\x05" + body[5:]
        with pytest.raises(ChunkDamaged):
            decode(zlib.crc32(small).to_bytes(4, "little") + bytes(small))


BODY = encode(grid(5, 12, [[1, 1.5, True, "1", 2**60, None][n % 6] for n in range(60)])).body
SUMMARY = encode(grid(5, 12, [0.25 * n for n in range(60)])).summary


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_a_changed_byte_is_damage(at, change):
    damaged = BODY[:at] + bytes([BODY[at] ^ change]) + BODY[at + 1 :]
    with pytest.raises(ChunkDamaged):
        decode(damaged)
    with pytest.raises(ChunkDamaged):
        decode(damaged, 3)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(SUMMARY) - 1), st.integers(1, 255))
def test_a_changed_byte_of_a_summary_is_damage(at, change):
    with pytest.raises(ChunkDamaged):
        summaries(SUMMARY[:at] + bytes([SUMMARY[at] ^ change]) + SUMMARY[at + 1 :])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, len(BODY) - 1))
def test_a_cut_chunk_is_damage(size):
    with pytest.raises(ChunkDamaged):
        decode(BODY[:size])


def attempts(function, *arguments):
    """Whatever the bytes: an answer or ChunkDamaged."""
    try:
        found = function(*arguments)
    except ChunkDamaged as exc:
        return exc.code == "CHUNK_DAMAGED"
    if isinstance(found, Cells | PointReadings):
        found.values.tolist()
    return True


@settings(max_examples=150, deadline=None)
@given(
    columns(),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=4),
    st.integers(0, 3),
)
def test_a_forged_checksum_brings_no_other_error(readings, changes, cut):
    chunk = encode(cells_of(readings))
    inner = bytearray(unframed(chunk.body))
    for at, byte in changes:
        inner[at % len(inner)] = byte
    body = framed(bytes(inner[: len(inner) - cut]))
    assert attempts(decode, body)
    for member in range(0, 32, 5):
        assert attempts(decode, body, member)
    outer = bytearray(chunk.summary[4:])
    for at, byte in changes:
        outer[at % len(outer)] = byte
    forged = zlib.crc32(outer).to_bytes(4, "little") + bytes(outer)
    assert attempts(summaries, forged)
    assert attempts(summary_of, forged, cut)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_at_all_bring_another_error(data):
    sealed = zlib.crc32(data).to_bytes(4, "little") + data
    for body in (data, sealed, framed(data)):
        assert attempts(decode, body)
        assert attempts(decode, body, 0)
        assert attempts(summaries, body)
