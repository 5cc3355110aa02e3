"""Registers to value and quality: the table, the edges, the round trips."""

import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.modbus.codec import compile_block, compile_point, decode
from protocols.modbus.encode import encode
from protocols.modbus.forms import FIXED, ORDERS, TYPES, width_of
from protocols.modbus.values import fraction, two_point
from protocols.profile import Scale
from protocols.quality import Quality, is_bad
from protocols.words import Label, TimeMark
from tests.protocols.modbus.builders import at, point, sheet

GOOD, UNCERTAIN = Quality.GOOD, Quality.UNCERTAIN
EXCEEDED = Quality.UNCERTAIN_ENGINEERING_UNITS_EXCEEDED
SENSOR, DECODING = Quality.BAD_SENSOR_FAILURE, Quality.BAD_DECODING_ERROR

# type, order, options, registers, value
TABLE = [
    ("bool", "ABCD", {}, [0], False),
    ("bool", "ABCD", {}, [7], True),
    ("bool", "ABCD", {"bit": 0}, [0x0001], True),
    ("bool", "ABCD", {"bit": 15}, [0x8000], True),
    ("bool", "ABCD", {"bit": 8}, [0x0001], False),
    ("bool", "DCBA", {"bit": 8}, [0x0001], True),
    ("int8h", "ABCD", {}, [0x80FF], -128),
    ("int8l", "ABCD", {}, [0x80FF], -1),
    ("uint8h", "ABCD", {}, [0x80FF], 128),
    ("uint8l", "ABCD", {}, [0x80FF], 255),
    ("int8h", "DCBA", {}, [0x80FF], -1),
    ("int8l", "BADC", {}, [0x80FF], -128),
    ("int16", "ABCD", {}, [0xFFD6], -42),
    ("int16", "CDAB", {}, [0xFFD6], -42),
    ("int16", "DCBA", {}, [0xD6FF], -42),
    ("uint16", "ABCD", {}, [0xFFD6], 65494),
    ("uint32", "ABCD", {}, [0x0001, 0x0002], 0x00010002),
    ("uint32", "CDAB", {}, [0x0002, 0x0001], 0x00010002),
    ("uint32", "BADC", {}, [0x0100, 0x0200], 0x00010002),
    ("uint32", "DCBA", {}, [0x0200, 0x0100], 0x00010002),
    ("int32", "CDAB", {}, [0xFFFE, 0xFFFF], -2),
    ("uint64", "ABCD", {}, [0x0102, 0x0304, 0x0506, 0x0708], 0x0102030405060708),
    ("uint64", "CDAB", {}, [0x0708, 0x0506, 0x0304, 0x0102], 0x0102030405060708),
    ("uint64", "BADC", {}, [0x0201, 0x0403, 0x0605, 0x0807], 0x0102030405060708),
    ("uint64", "DCBA", {}, [0x0807, 0x0605, 0x0403, 0x0201], 0x0102030405060708),
    ("uint64", "ABCD", {}, [0xFFFF] * 4, 2**64 - 1),
    ("int64", "ABCD", {}, [0x8000, 0, 0, 0], -(2**63)),
    ("float16", "ABCD", {}, [0x3C00], 1.0),
    ("float32", "ABCD", {}, [0x4148, 0x0000], 12.5),
    ("float32", "CDAB", {}, [0x0000, 0x4148], 12.5),
    ("float32", "BADC", {}, [0x4841, 0x0000], 12.5),
    ("float32", "DCBA", {}, [0x0000, 0x4841], 12.5),
    ("float32", "ABCD", {"decimals": 2}, [0x4145, 0x70A4], 12.34),
    ("float64", "CDAB", {}, [0, 0, 0, 0x4029], 12.5),
    ("bcd16", "ABCD", {}, [0x1234], 1234),
    ("bcd16", "ABCD", {}, [0x0009], 9),
    ("bcd32", "CDAB", {}, [0x5678, 0x1234], 12345678),
    ("bcd64", "ABCD", {}, [0x9999] * 4, 9999999999999999),
    ("sm16", "ABCD", {}, [0x8005], -5),
    ("sm16", "ABCD", {}, [0x0005], 5),
    ("sm16", "ABCD", {}, [0x8000], 0),
    ("sm32", "CDAB", {}, [0x0005, 0x8000], -5),
    ("m10k", "ABCD", {"count": 2}, [12, 3456], 123456),
    ("m10k", "CDAB", {"count": 3}, [5678, 1234, 9], 912345678),
    ("m10k", "ABCD", {"count": 4}, [9999] * 4, 9999999999999999),
    ("m10k", "ABCD", {"count": 2}, [0xFFFF, 0xFFFE], -10002),
    ("bitfield", "ABCD", {"count": 1}, [0x8001], 0x8001),
    ("bitfield", "CDAB", {"count": 2}, [0x0001, 0x8000], 0x80000001),
    ("bitfield", "ABCD", {"count": 4}, [1, 0, 0, 0], 1 << 48),
    ("bits3", "ABCD", {"bit": 4}, [0b1010000], 5),
    ("utf8", "ABCD", {"count": 3}, [0x4142, 0x4300, 0], "ABC"),
    ("utf8", "BADC", {"count": 2}, [0x4241, 0x0043], "ABC"),
    ("utf8", "CDAB", {"count": 2}, [0x4142, 0x4320], "ABC"),
    ("gb18030", "ABCD", {"count": 2}, [0xB9DE, 0xC7F8], "罐区"),
    ("gb18030", "DCBA", {"count": 2}, [0xDEB9, 0xF8C7], "罐区"),
    ("gb18030", "ABCD", {"count": 4}, [0xB9DE, 0xC7F8, 0x2020, 0x2020], "罐区"),
    ("utf8", "ABCD", {"count": 2}, [0x4142, 0xFFFF], "AB"),
    ("utf8", "ABCD", {"count": 2}, [0, 0], ""),
]


def check(of_sheet, registers, value, quality):
    """Check the one-point and the block decoder alike."""
    result = decode(registers, of_sheet)
    assert result == (value, quality)
    assert type(result[0]) is type(value)
    width = width_of(of_sheet.address)
    block = compile_block(
        [at(7, of_sheet)], of_sheet.address.table, of_sheet.address.address, width
    )
    assert block(registers, 99) == [(7, value, quality, 99, TimeMark.GATEWAY)]


@pytest.mark.parametrize(("kind", "order", "options", "registers", "value"), TABLE)
def test_registers_to_value(kind, order, options, registers, value):
    check(sheet(kind=kind, order=order, **options), registers, value, GOOD)


def test_the_table_has_every_type():
    bits = {f"bits{n}" for n in range(2, 16)}
    assert {row[0] for row in TABLE} == set(TYPES) - bits | {"bits3"}


@pytest.mark.parametrize("table", ["coil", "discrete"])
def test_coils(table):
    check(sheet(kind="bool", table=table), [1], True, GOOD)
    check(sheet(kind="bool", table=table), [False], False, GOOD)
    check(sheet(kind="bitfield", table=table, count=10), [1, 0, 1] + [0] * 6 + [1], 0x205, GOOD)


@pytest.mark.parametrize(
    ("kind", "options", "registers", "quality"),
    [
        ("int16", {"sentinels": (0x7FFF, 0x8000)}, [0x8000], SENSOR),
        ("int16", {"sentinels": (-32768,)}, [0x8000], SENSOR),
        ("uint16", {"sentinels": (0xFFFF,), "scale": Scale(factor=0.1)}, [0xFFFF], SENSOR),
        ("uint16", {"sentinels": (0xFFFF,), "high": 16.0}, [0xFFFF], SENSOR),
        ("int32", {"sentinels": (0x7FFFFFFF,), "order": "CDAB"}, [0xFFFF, 0x7FFF], SENSOR),
        ("uint8h", {"sentinels": (0xFF,)}, [0xFF00], SENSOR),
        ("bcd16", {"sentinels": (0xFFFF,)}, [0xFFFF], SENSOR),
        ("float32", {"sentinels": (-9999,)}, [0xC61C, 0x3C00], SENSOR),
        ("float32", {"sentinels": (0x7F7FFFFF,)}, [0x7F7F, 0xFFFF], SENSOR),
        ("gb18030", {"sentinels": (0xFFFF,), "count": 3}, [0xFFFF] * 3, SENSOR),
        ("m10k", {"sentinels": (0x7FFF,), "count": 2}, [0x7FFF] * 2, SENSOR),
        ("float16", {}, [0x7E00], SENSOR),
        ("float32", {}, [0x7FC0, 0], SENSOR),
        ("float32", {"decimals": 2, "scale": Scale(factor=0.1)}, [0x7FC0, 0], SENSOR),
        ("float32", {"decimals": 2, "low": 0.0, "high": 9.0}, [0x7F80, 0], SENSOR),
        ("float32", {"order": "CDAB"}, [0, 0xFF80], SENSOR),
        ("float64", {"scale": Scale(factor=10.0)}, [0x7FEF, 0xFFFF, 0xFFFF, 0xFFFF], SENSOR),
        ("bcd16", {}, [0x12A4], DECODING),
        ("bcd16", {}, [0x1E24], DECODING),
        ("bcd32", {}, [0xF000, 0], DECODING),
        ("m10k", {"count": 2}, [10_000, 0], DECODING),
        ("m10k", {"count": 2}, [1, 0xFFFF], DECODING),
    ],
)
def test_what_is_no_measurement_is_none_with_its_reason(kind, options, registers, quality):
    check(sheet(kind=kind, **options), registers, None, quality)


def test_out_of_range_keeps_the_value():
    level = sheet(kind="uint16", scale=Scale(factor=0.01), decimals=2, low=0.0, high=16.0)
    check(level, [1600], 16.0, GOOD)
    check(level, [1601], 16.01, EXCEEDED)
    check(sheet(kind="int16", low=-20, high=80), [0xFFEB], -21, EXCEEDED)


def test_a_code_the_enumeration_lacks_keeps_the_value():
    state = sheet(
        kind="bits2", bit=0, type="enum", enumeration=((0, Label("关")), (1, Label("开")))
    )
    check(state, [1], 1, GOOD)
    check(state, [2], 2, EXCEEDED)


@pytest.mark.parametrize(
    ("kind", "registers", "text"),
    [
        ("gb18030", [0xB9DE, 0xC741], "罐茿"),
        ("gb18030", [0xB9DE, 0x41C7], "罐A�"),
        ("utf8", [0xE7BD, 0x90E5], "罐�"),
        ("utf8", [0xE7BD, 0x0000], "�"),
    ],
)
def test_text_cut_within_a_character(kind, registers, text):
    value, quality = decode(registers, sheet(kind=kind, count=2))
    assert value == text
    assert quality == (GOOD if "�" not in text else UNCERTAIN)


# --- scale --------------------------------------------------------------------------------------


@given(st.integers(-(2**31), 2**31 - 1), st.integers(0, 6))
def test_decimal_scaling_is_exact(raw, places):
    of_sheet = sheet(kind="int32", scale=Scale(factor=float(f"1e-{places}")), decimals=places)
    value, _ = decode(list(struct.unpack(">2H", struct.pack(">i", raw))), of_sheet)
    assert value == float(f"{raw}e-{places}")


def test_scaling_examples():
    assert decode([1234], sheet(scale=Scale(factor=0.01), decimals=2)) == (12.34, GOOD)
    assert decode([3], sheet(scale=Scale(factor=0.1))) == (0.3, GOOD)
    assert decode([650], sheet(scale=Scale(factor=0.1, offset=-40.0)))[0] == 25.0
    assert decode([651], sheet(scale=Scale(factor=0.1, offset=-40.05)))[0] == 25.05
    assert decode([1234], sheet(scale=Scale(factor=0.001), decimals=2))[0] == 1.23
    assert decode([7], sheet(scale=Scale(factor=10.0), type="int")) == (70, GOOD)
    assert decode([7], sheet(type="float")) == (7.0, GOOD)
    assert isinstance(decode([7], sheet(type="float"))[0], float)


def test_two_points_become_a_scale():
    scale = two_point((4.0, 20.0), (0.0, 16.0))
    assert scale == Scale(factor=1.0, offset=-4.0)
    wide = two_point((6400, 32000), (0, 2.5))
    assert decode([6400], sheet(scale=wide, decimals=3))[0] == 0.0
    assert decode([32000], sheet(scale=wide, decimals=3))[0] == 2.5
    with pytest.raises(ValueError, match="one raw value"):
        two_point((1, 1), (0, 1))


def test_a_factor_beyond_all_decimals_still_scales():
    assert fraction(Scale(factor=1e-40)) is None
    assert decode([2], sheet(scale=Scale(factor=1e-40)))[0] == 2e-40
    with pytest.raises(ValueError, match="in a scale"):
        compile_point(sheet(scale=Scale(factor=math.inf)))


# --- round trips --------------------------------------------------------------------------------


def integers(bits, signed):
    return (
        st.integers(-(1 << bits - 1), (1 << bits - 1) - 1)
        if signed
        else st.integers(0, (1 << bits) - 1)
    )


def floats(width):
    return st.floats(width=width, allow_nan=False, allow_infinity=False)


TEXTS = st.text(st.characters(min_codepoint=0x21, exclude_categories=["Cs"]), max_size=5)
VALUES = {
    "bool": (st.booleans(), {"bit": 3}),
    "int8h": (integers(8, True), {}),
    "int8l": (integers(8, True), {}),
    "uint8h": (integers(8, False), {}),
    "uint8l": (integers(8, False), {}),
    "int16": (integers(16, True), {}),
    "uint16": (integers(16, False), {}),
    "int32": (integers(32, True), {}),
    "uint32": (integers(32, False), {}),
    "int64": (integers(64, True), {}),
    "uint64": (integers(64, False), {}),
    "float16": (floats(16), {}),
    "float32": (floats(32), {}),
    "float64": (floats(64), {}),
    "bcd16": (st.integers(0, 9999), {}),
    "bcd32": (st.integers(0, 10**8 - 1), {}),
    "bcd64": (st.integers(0, 10**16 - 1), {}),
    "sm16": (st.integers(-(2**15) + 1, 2**15 - 1), {}),
    "sm32": (st.integers(-(2**31) + 1, 2**31 - 1), {}),
    "bitfield": (integers(32, False), {"count": 2}),
    "m10k": (st.integers(-(10**12) + 1, 10**12 - 1), {"count": 3}),
    "gb18030": (TEXTS, {"count": 10}),
    "utf8": (TEXTS, {"count": 10}),
    **{f"bits{n}": (st.integers(0, 2**n - 1), {"bit": 16 - n}) for n in range(2, 16)},
}


def test_every_type_makes_the_round_trip():
    assert set(VALUES) == set(TYPES)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", VALUES)
def test_round_trip(kind, order):
    values, options = VALUES[kind]
    of_sheet = sheet(kind=kind, order=order, **options)
    read = compile_point(of_sheet)

    @settings(max_examples=30)
    @given(values)
    def turn(value):
        assert read(encode(value, of_sheet)) == (value, GOOD)

    turn()


@given(st.data(), st.sampled_from(sorted(FIXED)), st.sampled_from(ORDERS))
def test_no_bytes_ever_raise(data, kind, order):
    options = {"bit": 0} if kind.startswith("bits") else {}
    of_sheet = sheet(
        kind=kind, order=order, low=0, high=9, decimals=3, sentinels=(0xFFFF, -1), **options
    )
    registers = data.draw(st.lists(st.integers(-1, 65_536), max_size=5))
    value, quality = decode(registers, of_sheet)
    assert (value is None) == is_bad(quality)


@given(
    st.lists(st.integers(0, 65_535), min_size=4, max_size=4), st.sampled_from(["gb18030", "utf8"])
)
def test_no_text_ever_raises(registers, kind):
    value, quality = decode(registers, sheet(kind=kind, count=4))
    assert isinstance(value, str)
    assert quality in (GOOD, UNCERTAIN)
    value.encode()  # what a text holds can always be sent on


def test_missing_cells_are_a_decoding_error():
    assert decode([1], sheet(kind="uint32")) == (None, DECODING)
    assert decode([], sheet(kind="bool", table="coil")) == (None, DECODING)
    for kind, table in (("uint16", "input"), ("bool", "discrete")):
        block = compile_block([point(3, kind=kind, table=table)], table, 0, 1)
        assert block([], 5) == [(3, None, DECODING, 5, TimeMark.GATEWAY)]


def test_no_value_is_encoded_as_the_sheet_says_it():
    assert encode(None, sheet(kind="int16", sentinels=(0x8000,))) == [0x8000]
    assert encode(None, sheet(kind="int32", order="CDAB", sentinels=(0x7FFFFFFE,))) == [
        0xFFFE,
        0x7FFF,
    ]
    assert encode(None, sheet(kind="utf8", count=2, sentinels=(0xFFFF,))) == [0xFFFF] * 2
    assert encode(None, sheet(kind="int8h", sentinels=(-1,))) == [0xFF00]
    for kind in ("float16", "float32", "float64"):
        assert decode(encode(None, sheet(kind=kind)), sheet(kind=kind)) == (None, SENSOR)
    for kind in FIXED:
        of_sheet = sheet(kind=kind, sentinels=(0xFE,), **({"bit": 1} if kind == "bits15" else {}))
        if kind in ("bool", "bits15") or not kind.startswith("bits"):
            assert decode(encode(None, of_sheet), of_sheet) == (None, SENSOR)
    with pytest.raises(ValueError, match="no value"):
        encode(None, sheet(kind="uint16"))


@pytest.mark.parametrize(
    ("kind", "options", "value"),
    [
        ("uint16", {}, 65_536),
        ("uint16", {}, -1),
        ("uint16", {}, "x"),
        ("uint16", {}, math.nan),
        ("float32", {}, 1e39),
        ("float32", {}, "x"),
        ("bcd16", {}, 10_000),
        ("bcd16", {}, -1),
        ("sm16", {}, 32_768),
        ("m10k", {"count": 2}, 10**8),
        ("bits3", {"bit": 0}, 8),
        ("utf8", {"count": 1}, "罐"),
        ("bitfield", {"table": "coil", "count": 3}, 8),
    ],
)
def test_what_does_not_fit_is_not_encoded(kind, options, value):
    with pytest.raises(ValueError, match=r"fit|number|longer|sign"):
        encode(value, sheet(kind=kind, **options))


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "int24"},
        {"order": "ABDC"},
        {"table": "registers"},
        {"kind": "bits3"},
        {"kind": "bits3", "bit": 14},
        {"kind": "bool", "bit": 16},
        {"kind": "uint16", "bit": 3},
        {"kind": "m10k", "count": 5},
        {"kind": "bitfield", "count": 3},
        {"kind": "utf8", "count": 126},
        {"kind": "uint16", "table": "coil"},
        {"kind": "bool", "table": "coil", "count": 2},
        {"kind": "bitfield", "table": "coil", "count": 65},
        {"address": 65_535, "kind": "uint32"},
        {"address": -1},
    ],
)
def test_a_wrong_sheet_is_refused(wrong):
    with pytest.raises(ValueError, match=r"."):
        compile_point(sheet(**wrong))
