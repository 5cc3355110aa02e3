"""Notifications to readings: quality passed through, times, heartbeats of what did not change."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from protocols.clock import SECOND
from protocols.opcua.readings import EPOCH, Held, microseconds, overflowed, unchanged
from protocols.opcua.waiting import MOST, Waiting
from protocols.profile import OpcUaAddress
from protocols.quality import Quality
from protocols.words import Reading, TimeMark
from tests.protocols.pushed_suite import points

NOW = 1_781_272_800 * SECOND
MONO = 5_000 * SECOND


@dataclass
class Status:
    value: int


@dataclass
class Variant:
    Value: object


@dataclass
class LocalizedText:
    Text: str


@dataclass
class Data:
    Value: Variant | None
    StatusCode: Status | None
    SourceTimestamp: datetime | None


def data(value, code=0, time=NOW):
    stamp = None if time is None else EPOCH + timedelta(microseconds=time)
    return Data(Variant(value), Status(code), stamp)


def held(**sheet):
    address = OpcUaAddress(node="s=p", namespace="urn:x")
    return Held(points({"p": address}, {"p": sheet})[0])


@pytest.mark.parametrize(
    ("code", "value", "kept", "quality"),
    [
        (Quality.GOOD, 1.5, 1.5, Quality.GOOD),
        (Quality.GOOD_LOCAL_OVERRIDE, 1.5, 1.5, Quality.GOOD_LOCAL_OVERRIDE),
        (
            Quality.UNCERTAIN_SENSOR_NOT_ACCURATE,
            1.5,
            1.5,
            Quality.UNCERTAIN_SENSOR_NOT_ACCURATE,
        ),
        (
            Quality.UNCERTAIN_LAST_USABLE_VALUE,
            99.0,
            99.0,
            Quality.UNCERTAIN_LAST_USABLE_VALUE,
        ),
        (Quality.BAD_DEVICE_FAILURE, 1.5, None, Quality.BAD_DEVICE_FAILURE),
        (Quality.BAD_NOT_CONNECTED, None, None, Quality.BAD_NOT_CONNECTED),
        (0xC0000000, 1.5, None, 0xC0000000),
        # Info bits (limit high) travel with the code.
        (0x00000200, 1.5, 1.5, 0x00000200),
        (Quality.GOOD, 99.0, 99.0, Quality.UNCERTAIN_ENGINEERING_UNITS_EXCEEDED),
        (Quality.GOOD, float("nan"), None, Quality.BAD_SENSOR_FAILURE),
        (Quality.GOOD, float("-inf"), None, Quality.BAD_SENSOR_FAILURE),
        (Quality.GOOD, None, None, Quality.BAD_SENSOR_FAILURE),
        (Quality.GOOD, [1.5, 2.5], None, Quality.BAD_DECODING_ERROR),
        (Quality.GOOD, b"\x00", None, Quality.BAD_DECODING_ERROR),
    ],
)
def test_status_codes_pass_through_and_values_are_judged(code, value, kept, quality):
    reading = held(low=0.0, high=16.0).said(data(value, code), MONO, NOW)
    assert (reading.value, reading.quality) == (kept, quality)


def test_text_of_any_kind():
    sheet = held(type="text")
    assert sheet.said(data(LocalizedText("自动")), MONO, NOW).value == "自动"
    assert sheet.said(data(datetime(2026, 6, 12, tzinfo=UTC)), MONO, NOW).value == (
        "2026-06-12T00:00:00+00:00"
    )


def test_an_empty_notification_is_a_failed_sensor():
    reading = held().said(Data(None, None, None), MONO, NOW)
    assert reading == Reading(0, None, Quality.BAD_SENSOR_FAILURE, MONO, TimeMark.GATEWAY)


def test_the_devices_time_is_kept_to_the_microsecond():
    reading = held().said(data(1.0, time=NOW - 1), MONO, NOW)
    assert (reading.time, reading.mark) == (NOW - 1, TimeMark.SOURCE)


@pytest.mark.parametrize("time", [None, -SECOND, 250 * 366 * 86_400 * SECOND])
def test_without_a_plausible_time_it_is_the_gateways(time):
    reading = held().said(data(1.0, time=time), MONO, NOW)
    assert (reading.time, reading.mark) == (MONO, TimeMark.GATEWAY)


def test_a_naive_stamp_is_utc():
    assert microseconds(datetime(2026, 6, 12, 14)) == NOW  # noqa: DTZ001  # what a server may send


def test_the_first_value_is_the_value_now_however_long_ago_it_was_written():
    each = held(heartbeat=60.0)
    first = each.said(data(1.0, time=NOW - 3_600 * SECOND), MONO, NOW)
    assert (first.time, first.mark) == (MONO, TimeMark.GATEWAY)
    # A later one that is late was late on its way: its time is what the device says.
    later = each.said(data(2.0, time=NOW - 3_600 * SECOND), MONO + SECOND, NOW + SECOND)
    assert (later.time, later.mark) == (NOW - 3_600 * SECOND, TimeMark.SOURCE)


def test_what_does_not_change_is_said_again_at_its_heartbeat():
    each = held(heartbeat=60.0)
    each.said(data(1.5, time=NOW - 2), MONO, NOW)
    assert each.unchanged(MONO + 60 * SECOND - 1) is None
    again = each.unchanged(MONO + 61 * SECOND)
    assert again == Reading(0, 1.5, 0, NOW - 2 + 61 * SECOND, TimeMark.SOURCE)
    assert each.unchanged(MONO + 62 * SECOND) is None
    assert each.unchanged(MONO + 121 * SECOND).time == NOW - 2 + 121 * SECOND


def test_a_refused_point_stays_bad_and_says_so():
    each, silent = held(heartbeat=60.0), held()
    each.refused(int(Quality.BAD_NODE_ID_UNKNOWN), MONO)
    again = unchanged([each, silent], MONO + 60 * SECOND)
    assert again == [Reading(0, None, Quality.BAD_NODE_ID_UNKNOWN, MONO + 60 * SECOND)]


def test_a_point_that_was_refused_begins_anew():
    each = held(heartbeat=60.0)
    each.refused(int(Quality.BAD_NODE_ID_UNKNOWN), MONO)
    first = each.said(data(1.0, time=NOW - 3_600 * SECOND), MONO, NOW)
    assert (first.time, first.mark) == (MONO, TimeMark.GATEWAY)


def test_an_overflow_at_the_server_is_seen():
    assert overflowed(data(1.0, 0x0480))
    assert not overflowed(data(1.0, 0x0080))
    assert not overflowed(data(1.0))


def test_a_full_queue_drops_the_oldest_of_the_same_point_and_counts():
    waiting = Waiting(2)
    for time in range(MOST + 3):
        waiting.put(Reading(0, float(time), 0, time))
    waiting.put(Reading(1, 1.0, 0, 7))
    taken = waiting.take()
    assert waiting.dropped == 3
    assert [r.time for r in taken if r.point == 0] == list(range(3, MOST + 3))
    assert [r for r in taken if r.point == 1] == [Reading(1, 1.0, 0, 7)]
    assert waiting.take() == []


def test_the_room_is_bounded_for_many_points():
    assert Waiting(20_000).depth * 20_000 <= 100_000
    assert Waiting(0).depth == MOST
