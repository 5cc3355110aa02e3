"""What goes in comes out, exactly, and from what came out the same bytes are made."""

import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.errors import WireError
from protocols.wire.batch import (
    BatchKind,
    LedgerLine,
    SkipReason,
    Stamp,
    decode_batch,
    encode_events,
    encode_readings,
    encode_skip,
    read_header,
)
from protocols.wire.bounds import BATCH_BYTES, BATCH_ITEMS, NUMBER, POINTS, SKIP_ITEMS, TIME
from protocols.words import Event, Reading, TimeMark
from tests.protocols.wire.strategies import (
    SPECIAL,
    encode_again,
    events,
    exact,
    ledgers,
    stamps,
    tables,
)

STAMP = Stamp(clock_state=1, number=3, seq0=7, mono0=1_000, wall0=1_770_000_000_000_000)


def reading(value, point=0, quality=0, time=1_000, mark=TimeMark.GATEWAY):
    return Reading(point, value, quality, time, mark)


def check_trip(rows, places=(None,) * 50, stamp=STAMP):
    data = encode_readings(stamp, rows, places)
    batch = decode_batch(data)
    assert exact(batch.readings()) == exact(rows)
    assert encode_again(batch) == data
    return batch


@settings(max_examples=150, deadline=None)
@given(stamps, tables())
def test_readings(stamp, table):
    rows, places = table
    batch = check_trip(rows, places, stamp)
    assert batch.header.stamp == stamp
    assert (batch.header.kind, batch.header.n) == (BatchKind.READINGS, len(rows))
    assert batch.header.last == stamp.seq0 + len(rows) - 1


@settings(max_examples=50, deadline=None)
@given(stamps, st.lists(events, min_size=1, max_size=20))
def test_events(stamp, happened):
    data = encode_events(stamp, happened)
    batch = decode_batch(data)
    assert repr(batch.events) == repr(happened)
    assert encode_again(batch) == data


@settings(max_examples=50, deadline=None)
@given(stamps, st.sampled_from(SkipReason), ledgers())
def test_skips(stamp, reason, ledger):
    data = encode_skip(stamp, reason, ledger)
    batch = decode_batch(data)
    assert sorted(map(repr, batch.ledger)) == sorted(map(repr, ledger))
    assert (batch.reason, batch.header.n) == (reason, sum(line.count for line in ledger))
    assert encode_again(batch) == data


@pytest.mark.parametrize("places", [None, 0, 2, 9])
@pytest.mark.parametrize("value", SPECIAL, ids=lambda value: ascii(value)[:24])
def test_every_special_value_alone_and_beside_another(value, places):
    check_trip([reading(value)], [places])
    check_trip([reading(value), reading(1.25), reading(None), reading(value)], [places])


@given(st.integers(-(10**15) + 1, 10**15 - 1), st.integers(0, 9))
def test_every_decimal_of_15_digits_is_a_scaled_integer(number, places):
    batch = check_trip([reading(number / 10**places)], [places])
    assert batch.decimals == ({} if number == 0 and math.copysign(1, number) < 0 else {0: places})


@pytest.mark.parametrize("number", [10**15, -(10**15), 2**53, 2**62])
def test_more_than_15_digits_are_no_decimal(number):
    assert check_trip([reading(float(number))], [0]).decimals == {}


def test_a_walk_of_two_decimals_is_about_a_byte_a_reading():
    rows = [
        reading(
            round(20 + math.sin(scan / 9 + point), 2), point=point, time=1_000 + scan * 1_000_000
        )
        for scan in range(40)
        for point in range(25)
    ]
    assert len(encode_readings(STAMP, rows, [2] * 25)) / len(rows) < 1.4


def test_readings_of_many_points_out_of_order_keep_their_rows():
    rows = [reading(float(n), point=n * 7919 % POINTS, time=n) for n in range(5_000)]
    assert check_trip(rows, [1] * POINTS).decimals == dict.fromkeys({row.point for row in rows}, 1)


@pytest.mark.parametrize("mark", TimeMark)
def test_the_farthest_times(mark):
    stamp = Stamp(clock_state=0, number=1, seq0=1, mono0=-TIME, wall0=-TIME)
    check_trip([reading(1, time=TIME, mark=mark)], stamp=stamp)
    check_trip([reading(1, time=time, mark=mark) for time in (TIME, -TIME, TIME, 0)], stamp=stamp)
    assert encode_events(stamp, [Event("A", "s", TIME), Event("A", "s", -TIME)])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("places", [None, 2])
def test_nan_and_infinity_are_not_values(value, places):
    with pytest.raises(WireError) as caught:
        encode_readings(STAMP, [reading(1.5), reading(value)], [places])
    assert caught.value.code == "WIRE_VALUE"


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([], "WIRE_RANGE"),
        ([reading(0)] * (BATCH_ITEMS + 1), "WIRE_RANGE"),
        ([reading(2**64)], "WIRE_VALUE"),
        ([reading(-(2**63) - 1)], "WIRE_VALUE"),
        ([reading("é" * 2049)], "WIRE_VALUE"),
        ([reading("\ud800")], "WIRE_VALUE"),
        ([reading(b"raw")], "WIRE_VALUE"),
        ([reading(1.0), reading(1.0, point=50)], "WIRE_VALUE"),
        ([reading(1, point=50)], "WIRE_VALUE"),
        ([reading(1, point=-1)], "WIRE_RANGE"),
        ([reading(1, point=POINTS)], "WIRE_RANGE"),
        ([reading(1, quality=-1)], "WIRE_RANGE"),
        ([reading(1, quality=2**32)], "WIRE_RANGE"),
        ([reading(1, time=TIME + 1)], "WIRE_RANGE"),
        ([reading(1, time=-TIME - 1, mark=TimeMark.SOURCE)], "WIRE_RANGE"),
        ([reading("x" * 4096)] * 300, "WIRE_TOO_LARGE"),
    ],
)
def test_what_has_no_place_is_refused_before_it_is_sealed(rows, code):
    with pytest.raises(WireError) as caught:
        encode_readings(STAMP, rows, [None] * 50)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "change",
    [
        {"number": 0}, {"seq0": 0}, {"seq0": NUMBER}, {"mono0": TIME + 1}, {"wall0": -TIME - 1},
        {"clock_state": 3},
    ],
)  # fmt: skip
def test_a_stamp_outside_its_bounds_is_refused(change):
    fields = {name: getattr(STAMP, name) for name in STAMP.__slots__} | change
    with pytest.raises(WireError):
        encode_readings(Stamp(**fields), [reading(1), reading(2)], [None])


def test_a_skip_takes_more_numbers_than_a_batch_has_rows():
    line = LedgerLine(point=None, start=None, end=None, count=SKIP_ITEMS)
    assert decode_batch(encode_skip(STAMP, SkipReason.QUOTA, [line])).header.n == SKIP_ITEMS
    with pytest.raises(WireError):
        encode_skip(STAMP, SkipReason.QUOTA, [line, line])
    with pytest.raises(WireError):
        encode_skip(STAMP, SkipReason.QUOTA, [])


@pytest.mark.parametrize(
    "event",
    [
        Event("lower", "s", 0),
        Event("A", "s", 0, (("k", math.nan),)),
        Event("A", "s", 0, (("k", 1), ("k", 2))),
        Event("A", "\udc00", 0),
        Event("A", "s" * 20_000, 0),
    ],
)
def test_events_that_are_none_are_refused(event):
    with pytest.raises(WireError):
        encode_events(STAMP, [event])


def test_the_header_is_read_without_the_body():
    data = encode_readings(STAMP, [reading(1.5), reading(2.5)], [1])
    header, at = read_header(data)
    assert (header.number, header.seq0, header.last, header.mono0) == (3, 7, 8, 1_000)
    assert read_header(data[:at]) == (header, at)
    assert struct.unpack_from("<q", data, at - 8) == (header.wall0,)


def test_the_largest_batch_is_one_mebibyte():
    rows = [reading("x" * 4096)] * 255
    assert len(encode_readings(STAMP, rows, [None])) <= BATCH_BYTES
    check_trip(rows)
    with pytest.raises(WireError) as caught:
        decode_batch(encode_readings(STAMP, rows, [None]) + bytes(BATCH_BYTES))
    assert caught.value.code == "WIRE_TOO_LARGE"
