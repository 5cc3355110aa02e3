"""Tables from untrusted bytes: columns, rows and CSV say the same; only refusals escape."""

import contextlib
import csv
import io
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.door.csv_table import read_csv
from central.door.judging import judge, points_of
from central.door.moments import LEAST, MOST, written
from central.door.quick import read as read_json
from central.door.reasons import Reason
from protocols.errors import IngestError
from protocols.wire.manifest import decode_manifest
from tests.central.builders import START, manifest
from tests.central.door.plant import at

POINTS = points_of("d", decode_manifest(manifest()))
NAMES = ["site/gw/tank/level", "site/tank/smoke", "site/tank/count", "site/tank/note", "nowhere"]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

numbers = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
values = st.none() | st.booleans() | numbers | st.text(max_size=20)
EIGHT = timezone(timedelta(hours=8))
moments = st.integers(366 * 86_400, START // 1_000_000).map(
    lambda second: EPOCH.astimezone(EIGHT) + timedelta(seconds=second, microseconds=second % 977)
)
qualities = st.sampled_from([None, "good", "BAD", "可疑", "无效", 0, 0x408F0000, 2**32, -1, "odd"])
readings = st.lists(st.tuples(st.sampled_from(NAMES), moments, values, qualities), max_size=30)


def taken(table):
    judged = judge(table, POINTS, START)
    rows = [(*reading, type(reading.value)) for reading in judged.accepted.readings()]
    return rows, judged.aside, judged.repeated


def columns_of(rows):
    names = ("point", "time", "value", "quality")
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


def in_json(rows):
    return [(point, time.isoformat(), value, quality) for point, time, value, quality in rows]


@given(readings)
def test_columns_and_rows_are_one(rows):
    said = in_json(rows)
    by_rows = [dict(zip(("point", "time", "value", "quality"), row, strict=True)) for row in said]
    columns = taken(read_json(json.dumps({"columns": columns_of(said)}).encode()))
    assert columns == taken(read_json(json.dumps({"rows": by_rows}).encode()))


@given(readings)
def test_microseconds_say_the_same_as_texts(rows):
    said = in_json(rows)
    texts = columns_of(said)
    numbers = {**texts, "time_us": [(row[1] - EPOCH) // timedelta(microseconds=1) for row in rows]}
    del numbers["time"]
    first = taken(read_json(json.dumps({"columns": texts}).encode()))
    early = any(time < LEAST for time in numbers["time_us"])
    if not early:
        assert taken(read_json(json.dumps({"columns": numbers}).encode())) == first


typed = st.one_of(
    st.tuples(st.just(NAMES[0]), st.floats(-1e6, 1e6) | st.integers(-(2**53), 2**53)),
    st.tuples(st.just(NAMES[1]), st.booleans()),
    st.tuples(st.just(NAMES[2]), st.integers(-(2**63), 2**64)),
    st.tuples(st.just(NAMES[3]), st.text(min_size=1, max_size=20).filter(str.isprintable)),
    st.tuples(st.sampled_from(NAMES), st.none()),
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@given(rows=st.lists(st.tuples(typed, moments), max_size=30))
def test_csv_says_the_same_in_every_encoding(encoding, rows):
    said = [(point, time.isoformat(), value) for (point, value), time in rows]
    page = io.StringIO()
    writer = csv.writer(page)
    writer.writerow(("point", "time", "value"))
    writer.writerows(
        [point, time, str(value).lower() if type(value) is bool else value]
        for point, time, value in said
    )
    named = "" if encoding != "gb18030" else "gb18030"
    names = ("point", "time", "value")
    columns = {name: [row[place] for row in said] for place, name in enumerate(names)}
    by_json = taken(read_json(json.dumps({"columns": columns}).encode()))
    assert taken(read_csv(page.getvalue().encode(encoding), named)) == by_json


def test_a_spreadsheet_in_gb18030_is_recognised_without_a_word():
    page = "point,time,value,quality\nsite/tank/note,2026-06-12T22:00:00+08:00,阀门开,正常\n"
    for data in (page.encode(), b"\xef\xbb\xbf" + page.encode(), page.encode("gb18030")):
        [reading] = judge(read_csv(data), POINTS, START).accepted.readings()
        assert (reading.value, reading.time) == ("阀门开", at())


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(data):
    for read in (read_json, read_csv, lambda data: read_csv(b"point,time,value\n" + data)):
        with contextlib.suppress(IngestError):
            rows, aside, _ = taken(read(data))
            assert len(rows) + len(aside) <= len(data)


json_values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=8) | st.just(float("nan")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=20,
)


@given(st.sampled_from(["columns", "rows"]), json_values)
def test_any_json_is_read_or_refused(key, inner):
    with contextlib.suppress(IngestError):
        table = read_json(json.dumps({key: inner}).encode())
        rows, aside, repeated = taken(table)
        assert len(rows) + len(aside) + repeated == len(table.points)


@given(st.lists(json_values, max_size=8))
def test_any_cell_goes_in_or_aside(cells):
    n = len(cells)
    for name in ("point", "time", "value", "quality"):
        columns = {
            "point": ["site/tank/level"] * n,
            "time": ["2026-06-12T22:00:00+08:00"] * n,
            "value": [1] * n,
            "quality": [None] * n,
        } | {name: cells}
        table = read_json(json.dumps({"columns": columns}).encode())
        rows, aside, repeated = taken(table)
        assert len(rows) + len(aside) + repeated == n


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("2026-06-12T22:00:00+08:00", True),
        ("2026-06-12t14:00:00z", True),
        ("2026-06-12 14:00:00.123456789Z", True),
        ("2026-06-12T22:00:00", False),
        ("2026-06-12T22:00:00+08:60", False),
        ("2026-06-12T22:00:00+24:00", False),
        ("2026-06-12", False),
        ("2026-W24-5T22:00:00Z", False),
        ("2026-02-30T22:00:00Z", False),
        ("2026-06-12T24:30:00Z", False),
        ("0001-01-01T00:00:00+23:59", True),
        ("9999-12-31T23:59:59-23:59", True),
        ("２０２６-06-12T22:00:00Z", False),
        ("1781272800", False),
    ],
)
def test_times_are_rfc_3339_with_an_offset_or_nothing(text, known):
    assert (written(text) is not Reason.BAD_TIME) == known


@pytest.mark.parametrize("number", [1_781_272_800, 1_781_272_800_000, -1, 0, LEAST - 1, MOST + 1])
def test_seconds_and_milliseconds_are_no_microseconds(number):
    body = {"columns": {"point": [NAMES[0]], "time_us": [number], "value": [1]}}
    judged = judge(read_json(json.dumps(body).encode()), POINTS, START)
    assert [item.reason for item in judged.aside] == [Reason.BAD_TIME]


@pytest.mark.parametrize(
    "row",
    [
        '{"point": "site/tank/level", "value": 1}',
        '{"point": "site/tank/level", "time": "x", "time_us": 1, "value": 1}',
        '{"point": "site/tank/level", "time": "x", "value": 1, "unit": "m"}',
        '{"point": "site/tank/level", "point": "site/tank/count", "time": "x", "value": 1}',
        "[]",
        "7",
    ],
)
def test_a_row_of_another_shape_is_aside_alone(row):
    good = '{"point": "site/tank/level", "time": "2026-06-12T22:00:00+08:00", "value": 1}'
    judged = judge(read_json(f'{{"rows": [{row}, {good}]}}'.encode()), POINTS, START)
    assert [tuple(item) for item in judged.aside] == [(0, Reason.BAD_ROW)]
    assert len(judged.accepted) == 1


def test_whole_numbers_keep_all_their_digits():
    page = b"point,time_us,value\nsite/tank/count,1781272800000000,9007199254740993\n"
    assert (
        judge(read_csv(page), POINTS, START).accepted.readings()[0].value == 9_007_199_254_740_993
    )
    note = b"point,time_us,value\nsite/tank/note,1781272800000000,0042\n"
    assert judge(read_csv(note), POINTS, START).accepted.readings()[0].value == "0042"


def test_numbers_that_are_none_are_aside():
    body = '{"columns": {"point": [%s], "time_us": [%s], "value": [NaN, -Infinity, 1e999, %s]}}'
    points, times = ", ".join(['"site/tank/level"'] * 4), ", ".join([str(START)] * 4)
    table = read_json((body % (points, times, "9" * 4_000)).encode())
    assert [item.reason for item in judge(table, POINTS, START).aside] == [Reason.BAD_VALUE] * 4
