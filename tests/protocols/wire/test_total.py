"""Any bytes give a value or a WireError, and whatever is accepted is the only form of its value."""

import random

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from protocols.wire.batch import Stamp, decode_batch, read_header
from protocols.wire.canonical import dump, load
from protocols.wire.header import BatchKind, put_header
from protocols.wire.manifest import decode_manifest
from protocols.wire.opening import decode_opening
from protocols.wire.reader import Reader
from protocols.wire.request import unpack
from protocols.wire.varint import put_svar, put_uvar
from tests.protocols.wire.strategies import SAMPLES, encode_again, refusal, stamps

CODES = {
    f"WIRE_{word}"
    for word in ("COMPRESSED", "CUT", "FORM", "HEADER", "JSON", "RANGE", "REFERENCE", "SUM", "TEXT",
                 "TOO_LARGE", "TRAILING", "UNKNOWN", "VALUE")
}  # fmt: skip
STAMP = Stamp(clock_state=0, number=1, seq0=1, mono0=0, wall0=0)


def check(data):
    """Decode; what is accepted must encode to the very same bytes."""
    code, batch = refusal(decode_batch, data)
    assert code is None or code in CODES
    assert batch is None or encode_again(batch) == data
    return batch


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
@example(b"")
def test_any_bytes(data):
    check(data)


@settings(max_examples=300, deadline=None)
@given(stamps, st.sampled_from(BatchKind), st.integers(1, 20), st.binary(max_size=200))
def test_any_body_below_a_good_header(stamp, kind, n, body):
    head = bytearray()
    put_header(head, kind, stamp, n)
    check(bytes(head) + body)


small = st.one_of(st.just(b""), st.binary(max_size=12), st.lists(st.integers(0, 4)).map(bytes))
runs = st.sampled_from([b"\0\1", b"\2\3", b"\x12\2\0\0\0\1\2", b"\1\2\1", b"\5\1\0\0\x80\x3f"])


@settings(max_examples=400, deadline=None)
@given(st.integers(1, 6), st.lists(st.one_of(small, runs), min_size=5, max_size=5))
@example(1, [b"\0\1", b"\0\1\0\1\1", b"\1\0\0\0\0", b"\0\1", b""])
def test_any_columns_below_a_good_header(n, columns):
    data = bytearray()
    put_header(data, BatchKind.READINGS, STAMP, n)
    for column in columns:
        put_uvar(data, len(column))
        data += column
    check(bytes(data))


def mutate(batch, dice):
    """Return the batch with up to three bytes put, inserted, taken out, or with its end cut off."""
    changed = bytearray(batch)
    for _ in range(dice.randint(1, 3)):
        # Half of the changes fall on the last bytes of the header and the first of the columns.
        at = dice.randrange(min(len(changed), dice.choice([45, 10_000])))
        byte = dice.choice([0, 1, 2, 3, 127, 128, 255, changed[at] ^ 1, dice.randrange(256)])
        match dice.randrange(8):
            case 0:
                changed.insert(at, byte)
            case 1 if len(changed) > 1:
                del changed[at]
            case 2 if at:
                del changed[at:]
            case _:
                changed[at] = byte
    return bytes(changed)


@pytest.mark.parametrize("seed", range(6))
def test_good_batches_with_a_few_bytes_changed(seed):
    dice = random.Random(seed)
    accepted = sum(check(mutate(dice.choice(SAMPLES), dice)) is not None for _ in range(4_000))
    # A changed value or time is still a batch; most changes are none.
    assert 100 < accepted < 3_000


@pytest.mark.parametrize("batch", SAMPLES, ids=len)
def test_nothing_may_follow_a_batch_and_no_batch_begins_another(batch):
    assert check(batch) is not None
    for more in (b"\x00", b"\x01", b"\xff", batch):
        assert check(batch + more) is None
    for end in range(len(batch)):
        assert check(batch[:end]) is None


@given(st.binary(max_size=80))
def test_headers_and_requests_of_any_bytes(data):
    assert refusal(read_header, data)[0] in CODES | {None}
    assert refusal(unpack, data, "deflate")[0] in CODES
    assert refusal(unpack, data, "zstd")[0] in CODES


json_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**64 - 1),
        st.text(max_size=8),
        st.floats(allow_nan=False, allow_infinity=False),
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(json_values)
def test_canonical_json_comes_back(value):
    data = dump(value, "test")
    assert repr(load(data, "test", 10_000)) == repr(load(data, "test", 10_000))
    assert dump(load(data, "test", 10_000), "test") == data


@given(
    st.one_of(
        st.binary(max_size=40),
        st.text(alphabet='{}[]":,0129.eE+-\\ua ', max_size=30).map(str.encode),
    )
)
@example(b"[" * 30_000)
@example(b'"\\ud800"')
@example(b"1" * 6_000)
@example(b"1e999")
@example(b"NaN")
@example(b'{"a":1,"a":2}')
@example(b"18446744073709551616")
def test_json_of_any_bytes(data):
    code, value = refusal(load, data, "test", 100_000)
    assert code in ("WIRE_JSON", "WIRE_FORM") or dump(value, "test") == data


@given(st.one_of(json_values.map(lambda value: dump(value, "test")), st.binary(max_size=60)))
def test_records_of_anything(data):
    assert refusal(decode_manifest, data)[0] in CODES
    assert refusal(decode_opening, data)[0] in CODES


@given(st.integers(0, 2**64 - 1))
def test_unsigned_varints(number):
    out = bytearray()
    put_uvar(out, number)
    assert Reader(bytes(out), "test").uvar() == number
    assert len(out) == max(1, -(-number.bit_length() // 7))
    assert Reader(bytes(out), "test").uvars(1) == [number]


@given(st.integers(-(2**63), 2**63 - 1))
def test_signed_varints(number):
    out = bytearray()
    put_svar(out, number)
    assert Reader(bytes(out), "test").svar() == number


@given(st.binary(max_size=12))
def test_a_varint_has_one_form(data):
    reader = Reader(data, "test")
    code, number = refusal(reader.uvar)
    again = bytearray()
    put_uvar(again, number or 0)
    assert code in ("WIRE_FORM", "WIRE_CUT") or bytes(again) == data[: reader.at]


@given(st.binary(max_size=30), st.integers(0, 30))
def test_many_varints_are_read_as_one_by_one(data, limit):
    def one_by_one():
        reader = Reader(data, "test")
        numbers = []
        while reader.at < reader.end:
            assume(len(numbers) < limit)
            numbers.append(reader.uvar())
        return numbers

    assert refusal(Reader(data, "test").uvars, limit) == refusal(one_by_one)
