"""Messages to readings: one payload, several points; quality words; times; what cannot be read."""

import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.clock import SECOND
from protocols.device import Bus
from protocols.errors import DeviceRefused
from protocols.mqtt import driver
from protocols.mqtt.payload import LARGEST, Undecodable
from protocols.mqtt.plan import fields_of, readings_of, undecodable
from protocols.mqtt.quality import WORDS, quality_of
from protocols.mqtt.simulator import document
from protocols.profile import MqttAddress, Scale
from protocols.quality import Quality, is_bad
from protocols.texts import text
from protocols.words import Reading, TimeMark
from tests.protocols import pushed_suite as suite

ARRIVED = 77 * SECOND
NOW = 1_781_272_800 * SECOND
ISO = "2026-06-12T22:00:00+08:00"


def fields(addresses, sheets=None, **options):
    device = suite.device(suite.points(addresses, sheets or {}), **options)
    return fields_of(Bus(name="b", protocol="mqtt", devices=(device,)))


def read(addresses, payload, sheets=None, *, old=False, **options):
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    (group,) = fields(addresses, sheets, **options).values()
    return readings_of(group, body, ARRIVED, old=old)


CRANE = {
    "moment": MqttAddress(topic="data", pointer="/m/percent", time="/t", quality="/q/m"),
    "wind": MqttAddress(topic="data", pointer="/wind/0", time="/t"),
    "cut": MqttAddress(topic="data", pointer="/cut"),
}


def test_one_message_is_several_points():
    payload = {"t": ISO, "m": {"percent": 93.04}, "wind": [6.5, 9], "cut": True, "q": {"m": "ok"}}
    got = read(CRANE, payload, {"moment": {"decimals": 1}, "cut": {"type": "bool"}})
    assert got == [
        Reading(0, 93.0, 0, NOW, TimeMark.SOURCE),
        Reading(1, 6.5, 0, NOW, TimeMark.SOURCE),
        Reading(2, True, 0, ARRIVED, TimeMark.GATEWAY),
    ]


def test_a_missing_member_is_bad_unless_messages_may_be_partial():
    payload = {"t": ISO, "wind": [6.5], "q": {"m": True}}
    assert read(CRANE, payload)[0] == Reading(0, None, Quality.BAD_DECODING_ERROR, ARRIVED)
    assert [r.point for r in read(CRANE, payload, partial=True)] == [1]


def test_null_is_a_failed_sensor():
    assert read(CRANE, {"m": {"percent": None}, "q": {"m": True}})[0].quality == (
        Quality.BAD_SENSOR_FAILURE
    )


def test_an_illegible_time_is_the_gateways():
    got = read(CRANE, {"t": "22:00", "m": {"percent": 1}, "q": {"m": True}, "wind": [1], "cut": 0})
    assert [(r.time, r.mark) for r in got] == [(ARRIVED, TimeMark.GATEWAY)] * 3


@pytest.mark.parametrize(
    ("word", "quality"),
    [
        (True, Quality.GOOD),
        (False, Quality.BAD),
        ("GOOD", Quality.GOOD),
        (" Out of Service ", Quality.BAD_OUT_OF_SERVICE),
        ("正常", Quality.GOOD),
        ("可疑", Quality.UNCERTAIN),
        ("无效", Quality.BAD),
        ("故障", Quality.BAD_SENSOR_FAILURE),
        ("检修", Quality.BAD_OUT_OF_SERVICE),
        ("离线", Quality.BAD_NOT_CONNECTED),
        ("stale", Quality.UNCERTAIN_LAST_USABLE_VALUE),
        ("overrange", Quality.UNCERTAIN_ENGINEERING_UNITS_EXCEEDED),
        (0, Quality.GOOD),
        (0x808B0000, Quality.BAD_DEVICE_FAILURE),
        (192, Quality.UNCERTAIN),
        (-1, Quality.UNCERTAIN),
        (2**32, Quality.UNCERTAIN),
        ("blurry", Quality.UNCERTAIN),
        (None, Quality.UNCERTAIN),
        ([], Quality.UNCERTAIN),
    ],
)
def test_quality_words(word, quality):
    assert quality_of(word) == quality
    got = read(CRANE, {"t": ISO, "m": {"percent": 5}, "wind": [1], "cut": 0, "q": {"m": word}})[0]
    assert got == (0, None if is_bad(quality) else 5.0, quality, NOW, TimeMark.SOURCE)


def test_no_quality_word_means_two_things():
    assert all(word == word.strip().lower() for word in WORDS)
    assert len(WORDS) > 40


def test_what_the_broker_kept_is_the_last_usable_value_unless_it_says_when():
    payload = {"t": ISO, "m": {"percent": 5}, "wind": [1], "cut": 0, "q": {"m": True}}
    timed, _, untimed = read(CRANE, payload, {"cut": {"type": "bool"}}, old=True)
    assert (timed.quality, timed.mark) == (Quality.GOOD, TimeMark.SOURCE)
    assert untimed == Reading(2, False, Quality.UNCERTAIN_LAST_USABLE_VALUE, ARRIVED)
    bad = read({"v": MqttAddress(topic="v")}, None, old=True)[0]
    assert bad.quality == Quality.BAD_SENSOR_FAILURE


@pytest.mark.parametrize(
    ("sheet", "payload", "value", "quality"),
    [
        ({}, b"12.5", 12.5, 0),
        ({}, b' "12.5" ', 12.5, 0),
        ({"scale": Scale(factor=0.1), "decimals": 1}, b"123", 12.3, 0),
        ({}, b"NaN", None, Quality.BAD_SENSOR_FAILURE),
        ({}, b"1e999", None, Quality.BAD_SENSOR_FAILURE),
        ({}, b"{}", None, Quality.BAD_DECODING_ERROR),
        ({"type": "bool"}, b"true", True, 0),
        ({"type": "bool"}, b'"OFF"', False, 0),
        ({"type": "int"}, b"42", 42, 0),
        ({"type": "text"}, "起重量超限".encode(), "起重量超限", 0),
        ({"type": "text"}, '"起重量超限"'.encode(), "起重量超限", 0),
        ({"type": "text"}, b"42", "42", 0),
        ({"type": "text"}, b'{"a": 1}', '{"a": 1}', 0),
    ],
)
def test_bare_payloads(sheet, payload, value, quality):
    got = read({"v": MqttAddress(topic="v")}, payload, {"v": sheet})[0]
    assert (got.value, got.quality) == (value, quality)


@pytest.mark.parametrize("kind", ["float", "text"])
@pytest.mark.parametrize("payload", [b"\xff\xfe\xfd", b"x" * (LARGEST + 1)])
def test_what_cannot_be_read_at_all(kind, payload):
    with pytest.raises(Undecodable):
        read({"v": MqttAddress(topic="v")}, payload, {"v": {"type": kind}})


def test_undecodable_says_so_for_every_point_of_the_topic():
    (group,) = fields(CRANE).values()
    assert undecodable(group, ARRIVED) == [
        Reading(n, None, Quality.BAD_DECODING_ERROR, ARRIVED) for n in range(3)
    ]


def test_topics_are_below_the_prefix():
    addresses = {"a": MqttAddress(topic="x"), "b": MqttAddress(topic="y/z")}
    assert list(fields(addresses, prefix="site/dev/")) == ["site/dev/x", "site/dev/y/z"]
    assert list(fields(addresses)) == ["x", "y/z"]


@pytest.mark.parametrize(
    ("address", "code"),
    [
        (MqttAddress(topic="a/+"), "MQTT_TOPIC_REFUSED"),
        (MqttAddress(topic="#"), "MQTT_TOPIC_REFUSED"),
        (MqttAddress(topic=""), "MQTT_TOPIC_REFUSED"),
        (MqttAddress(topic="a", pointer="v"), "MQTT_POINTER_REFUSED"),
        (MqttAddress(topic="a", time="t"), "MQTT_POINTER_REFUSED"),
    ],
)
def test_addresses_that_cannot_be_are_refused_with_a_sentence(address, code):
    with pytest.raises(DeviceRefused) as caught:
        fields({"v": address})
    assert caught.value.code == code
    for language in ("zh", "en"):
        assert "{" not in text(code, caught.value.params, language)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from("tmq") | st.text(), inner),
)


@given(JSON, st.booleans(), st.booleans())
def test_any_document_gives_one_reading_a_point(payload, old, partial):
    body = json.dumps(payload).encode()
    got = read(CRANE, body, old=old, partial=partial)
    assert {r.point for r in got} <= {0, 1, 2}
    if not partial:
        assert len(got) == 3


@given(
    st.floats(-1e6, 1e6) | st.none(),
    st.booleans() | st.none(),
    st.integers(1, 3_000_000_000_000_000 // 1_000),
)
def test_what_the_simulator_writes_reads_back(moment, cut, milliseconds):
    now = 200_000_000_000_000 + milliseconds * 1_000
    sheets = {
        "moment": {"scale": Scale(factor=0.5, offset=2.0), "decimals": 3},
        "cut": {"type": "bool"},
    }
    some = suite.points(CRANE, sheets)
    values = dict(zip(some, [moment, 4.0, cut], strict=True))
    first, wind, last = read(CRANE, document(values, now), sheets)
    assert wind == Reading(1, 4.0, 0, now, TimeMark.SOURCE)
    assert is_bad(first.quality) == (moment is None)
    assert first.value == (None if moment is None else pytest.approx(moment, abs=1e-3))
    assert last.value is cut


def test_points_are_found_by_their_number():
    some = [dataclasses.replace(p, index=p.index + 40) for p in suite.points(CRANE, {})]
    bus = Bus(name="b", protocol="mqtt", devices=(suite.device(some),))
    assert [field.index for field in fields_of(bus)["data"]] == [40, 41, 42]


def test_every_quality_word_is_in_the_readme():
    readme = (Path(driver.__file__).parent / "README.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in readme.splitlines() if line.startswith("|")]
    table = {}
    for row in rows:
        name = row[2].strip().replace("_", "").upper() if len(row) == 4 else ""
        for word in row[1].replace("`", "").replace(",", " , ").split(" , "):
            table.setdefault(word.strip().replace(" ", "_"), set()).add(name)
    for word, code in WORDS.items():
        assert Quality(code).name.replace("_", "") in table.get(word, set()), word
