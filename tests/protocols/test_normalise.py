"""What a device says becomes the profile's type, decimals and range, or a quality."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.normalise import TEXT_BYTES, normaliser
from protocols.profile import MqttAddress, ProfilePoint, Scale
from protocols.quality import Quality, is_bad, is_good
from protocols.words import Label

GOOD = int(Quality.GOOD)
VALVE = ((0, Label("关", "closed")), (1, Label("开", "open")))


def sheet(**more):
    return ProfilePoint(
        name="p", label=Label("点"), quantity="level", address=MqttAddress(topic="t"), **more
    )


@pytest.mark.parametrize(
    ("more", "raw", "value", "quality"),
    [
        ({"decimals": 2}, 12.3456, 12.35, Quality.GOOD),
        ({"decimals": 2}, 12, 12.0, Quality.GOOD),
        ({"decimals": 0}, 12.5, 12.0, Quality.GOOD),
        ({}, 12.3456, 12.3456, Quality.GOOD),
        ({}, "12.5", 12.5, Quality.GOOD),
        ({}, True, 1.0, Quality.GOOD),
        ({"scale": Scale(factor=0.01, offset=-5.0), "decimals": 2}, 1234, 7.34, Quality.GOOD),
        ({}, float("nan"), None, Quality.BAD_SENSOR_FAILURE),
        ({}, float("inf"), None, Quality.BAD_SENSOR_FAILURE),
        ({}, "-inf", None, Quality.BAD_SENSOR_FAILURE),
        ({}, None, None, Quality.BAD_SENSOR_FAILURE),
        ({}, "eleven", None, Quality.BAD_DECODING_ERROR),
        ({}, "1_000", None, Quality.BAD_DECODING_ERROR),
        ({}, [1.0], None, Quality.BAD_DECODING_ERROR),
        ({}, {"v": 1.0}, None, Quality.BAD_DECODING_ERROR),
        ({"low": 0.0, "high": 16.0}, 16.0, 16.0, Quality.GOOD),
        ({"low": 0.0, "high": 16.0}, 16.01, 16.01, Quality.UNCERTAIN_ENGINEERING_UNITS_EXCEEDED),
        ({"low": 0.0, "high": 16.0}, -0.01, -0.01, Quality.UNCERTAIN_ENGINEERING_UNITS_EXCEEDED),
        # Shown as 16.00, so it is 16.00.
        ({"low": 0.0, "high": 16.0, "decimals": 2}, 16.004, 16.0, Quality.GOOD),
        ({"type": "int"}, 7, 7, Quality.GOOD),
        ({"type": "int"}, 7.0, 7, Quality.GOOD),
        ({"type": "int", "scale": Scale(factor=0.5)}, 7, 4, Quality.GOOD),
        ({"type": "int"}, 2**63, None, Quality.BAD_OUT_OF_RANGE),
        ({"type": "int"}, -(2**63), -(2**63), Quality.GOOD),
        ({"type": "bool"}, True, True, Quality.GOOD),
        ({"type": "bool"}, 0, False, Quality.GOOD),
        ({"type": "bool"}, " ON ", True, Quality.GOOD),
        ({"type": "bool"}, 2, None, Quality.BAD_DECODING_ERROR),
        ({"type": "bool"}, "maybe", None, Quality.BAD_DECODING_ERROR),
        ({"type": "bool"}, None, None, Quality.BAD_SENSOR_FAILURE),
        ({"type": "enum", "enumeration": VALVE}, 1, 1, Quality.GOOD),
        ({"type": "enum", "enumeration": VALVE}, "开", 1, Quality.GOOD),
        ({"type": "enum", "enumeration": VALVE}, "Closed", 0, Quality.GOOD),
        (
            {"type": "enum", "enumeration": VALVE},
            9,
            9,
            Quality.UNCERTAIN_ENGINEERING_UNITS_EXCEEDED,
        ),
        ({"type": "enum", "enumeration": VALVE}, "ajar", None, Quality.BAD_DECODING_ERROR),
        ({"type": "enum", "enumeration": VALVE}, 1.5, None, Quality.BAD_DECODING_ERROR),
        ({"type": "enum"}, 2**80, None, Quality.BAD_OUT_OF_RANGE),
        ({"type": "text"}, "3F 02-037", "3F 02-037", Quality.GOOD),
        ({"type": "text"}, 12, "12", Quality.GOOD),
        ({"type": "text"}, False, "false", Quality.GOOD),
        ({"type": "text"}, "\ud800", None, Quality.BAD_DECODING_ERROR),
        ({"type": "text"}, b"x", None, Quality.BAD_DECODING_ERROR),
        ({"type": "text"}, "烽" * 2_000, "烽" * (TEXT_BYTES // 3), Quality.UNCERTAIN),
    ],
)
def test_what_is_said_and_what_it_becomes(more, raw, value, quality):
    got = normaliser(sheet(**more))(raw, GOOD)
    assert got == (value, quality)
    assert type(got[0]) is type(value)


def test_minus_zero_is_zero():
    value, _ = normaliser(sheet(decimals=2))(-0.001, GOOD)
    assert math.copysign(1.0, value) == 1.0


@pytest.mark.parametrize("kind", ["float", "int", "bool", "enum", "text"])
def test_a_bad_quality_of_the_device_keeps_no_value(kind):
    finish = normaliser(sheet(type=kind))
    assert finish(1, int(Quality.BAD_DEVICE_FAILURE)) == (None, Quality.BAD_DEVICE_FAILURE)


def test_the_devices_own_doubt_is_not_overruled_by_the_range():
    finish = normaliser(sheet(high=16.0))
    doubt = int(Quality.UNCERTAIN_SENSOR_NOT_ACCURATE)
    assert finish(17.0, doubt) == (17.0, doubt)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)


@given(
    JUNK,
    st.sampled_from(["float", "int", "bool", "enum", "text"]),
    st.integers(0, 2**32 - 1),
    st.booleans(),
)
def test_total_and_fit_for_the_wire(raw, kind, quality, scaled):
    finish = normaliser(
        sheet(type=kind, decimals=2, low=0.0, high=1.0, scale=Scale(factor=0.1) if scaled else None)
    )
    value, code = finish(raw, quality)
    assert 0 <= code < 2**32
    if is_bad(code):
        assert value is None
    else:
        assert value is not None
    if is_good(code):
        assert is_good(quality)
    if isinstance(value, float):
        assert math.isfinite(value)
    elif isinstance(value, str):
        assert len(value.encode()) <= TEXT_BYTES
    elif value is not None:
        assert -(2**63) <= value < 2**63
