"""The quick ways of the door say what the plain ones say, for any body and any value."""

import json
import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from central.door import describing, quick
from central.door.csv_table import read_csv
from central.door.judging import judge, points_of
from central.door.moments import texts, written
from central.door.reasons import code
from central.door.stamps import stamps
from central.door.table import read_json
from protocols.errors import IngestError
from protocols.words import Label
from tests.central.builders import START
from tests.central.door import by_row
from tests.central.door.plant import DESCRIPTION, NAME, SITE, point

SHUT = [{"value": 0, "label": {"zh": "关", "en": "shut"}}, {"value": 3, "label": "开"}]
MORE = [
    point("valve", type="enum", enumeration=SHUT),
    point("mode", type="enum"),
    point("fine", decimals=9, low=-1, high=1),
    point("pulses", type="int", low=-5, high=1_000),
    point("rain", decimals=0, low=0),
]
BODY = json.dumps({**DESCRIPTION, "points": [*DESCRIPTION["points"], *MORE]}).encode()
MADE, MANIFEST = describing.manifest_of(NAME, Label(NAME), BODY, frozenset({SITE}))
POINTS = points_of("d", MANIFEST)
NAMES = [f"{SITE}/tank/{each.name}" for each in MANIFEST.points]

edges = st.sampled_from((0.5, -0.0, 2.675, 0.285, 1.005, 2.5, 1e15, 5e-324, 0.1 + 0.2)) | (
    st.sampled_from((2.0**53, -(2**53) - 1, 2**53 + 1, 2**63, -(2**63), 2**64, 10**308, 10**399))
)
halves = st.builds(lambda n, d: (2 * n + 1) / (2 * 10**d), st.integers(-(10**6), 10**6), st.just(2))
numbers = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | edges
said = ["on", "FALSE", " 1 ", "0", "1.0", "开", "SHUT", "1_0", "nan", "-inf", "９", "+5", "0042"]
words = st.sampled_from([*said, "1e999", "", "9" * 70, "0" * 70]) | st.text(max_size=12)
digits = (halves | st.floats(-1e4, 1e4) | st.integers(-100, 100)).map(str)
values = st.none() | st.booleans() | numbers | halves | words | digits
qualities = st.sampled_from(
    [None, "good", "BAD", " 可疑", "无效", "缺测", 0, 0x408F0000, 0x80000000, 2**32, -1, "odd", 7]
)
clock = st.sampled_from([START, START - 1, START - 10**9, START + 300_000_000, START + 300_000_001])
moments = clock | st.integers(-1, 2**70)
indexes = st.integers(-1, len(NAMES) + 1)
names = st.sampled_from([*NAMES, *(n.replace("/", f"/{NAME}/", 1) for n in NAMES), "nowhere"])
rows_of = st.lists(st.tuples(names, clock, values, qualities), max_size=20)


def table_of(reader, data):
    """Return all that a body is read as, or what it is refused with."""
    try:
        table = reader(data)
    except IngestError as exc:
        return exc.code, exc.status, exc.params
    cells = [
        (type(each).__name__, json.dumps(each, default=lambda _: "?")) for each in table.values.raw
    ]
    sources = [json.dumps(table.sources(at), default=lambda _: "?") for at in range(len(cells))]
    times, said = table.times.tolist(), table.qualities.tolist()
    return repr(list(table.points)), times, cells, said, sources, table.manifest


def told(judged):
    """Return what was judged, the class and the sign of every value with it."""
    rows = [(n, repr(v), q, t) for n, v, q, t, _ in judged.accepted.readings()]
    return rows, judged.aside, judged.repeated


def plainly(table):
    rows, *rest = by_row.judge(table, POINTS, START)
    return [(n, repr(v), q, t) for n, v, q, t in rows], *rest


def body_of(rows, shape, time):
    cells = [
        {"point": name, time: moment, "value": value, "quality": quality}
        for name, moment, value, quality in rows
    ]
    if shape == "rows":
        left_out = [{k: v for k, v in row.items() if (k, v) != ("quality", None)} for row in cells]
        return {"rows": left_out}
    kept = ["point", time, "value"] + ["quality"] * any(row["quality"] for row in cells)
    return {shape: {name: [row[name] for row in cells] for name in kept}}


def text_of(moment):
    stamp = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment)
    return stamp.astimezone(timezone(timedelta(hours=8))).isoformat()


@settings(max_examples=50, deadline=None)
@given(rows_of, st.sampled_from(["rows", "columns"]), st.booleans(), st.booleans())
def test_a_common_body_is_read_the_quick_way_and_as_the_same_table(rows, shape, textual, escaped):
    if textual:
        rows = [(name, text_of(moment), *rest) for name, moment, *rest in rows]
    body = body_of(rows, shape, "time" if textual else "time_us")
    data = json.dumps(body, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    plain = table_of(read_json, data)
    assert table_of(quick.read, data) == plain
    endless = any(type(row[2]) is int and abs(row[2]) > 10**300 for row in rows)
    if rows and not endless:
        odd = any(c in json.dumps(row[2]) for row in rows for c in ('":', " :", "\\"))
        if not odd:
            assert table_of(quick.quick, data) == plain


KEYS = (b'"point":', b'"po\\u0069nt":', b'"time" :', b'"time_us":1', b'"value":NaN', b'"unit":1,')
MORE_KEYS = (b'"quality":null,', b'"manifest":"d",', b'"columns":', b'"rows":[', b'\\":', b"/**/")
MARKS = (
    b",",
    b"]",
    b"[",
    b"}",
    b"{",
    b":",
    b'"',
    b"\\",
    b" ",
    b"\n",
    b"\xff",
    b"\xef\xbb",
    b"\xbf",
)
WORDS = (b"1e999", b"-0", b"1" * 500, b"\\ud800", b"null", b"true", b"01", b"1.", b"{}")
pieces = st.sampled_from(KEYS + MORE_KEYS + MARKS + WORDS)
cuts = st.tuples(st.floats(0, 1), st.integers(0, 40), st.none() | pieces | st.binary(max_size=4))


@given(
    rows_of.filter(bool),
    st.sampled_from(["rows", "columns"]),
    st.lists(cuts | st.tuples(st.floats(0, 1), st.integers(0, 40), st.just("twice")), max_size=3),
)
def test_a_damaged_body_is_read_or_refused_in_the_same_words(rows, shape, damage):
    data = json.dumps(body_of(rows, shape, "time_us"), separators=(",", ":")).encode()
    for share, size, put in damage:
        at = int(share * len(data))
        cut = data[at : at + size]
        new = cut * 2 if put == "twice" else (put if put is not None else b"")
        data = data[:at] + new + data[at + size * (put is None) :]
    assert table_of(quick.read, data) == table_of(read_json, data)


ROW = '{"point": "a", "time_us": 1, "value": 1%s}'
COLUMNS = '{"columns": {"point": ["a"], "time_us": [1], "value": [%s]%s}}'


@pytest.mark.parametrize(
    "body",
    [
        '{"rows": [%s]}' % (ROW % ', "value": 2'),
        '{"rows": [%s]}' % (ROW % ', "val\\u0075e": 2'),
        '{"rows": [%s]}' % (ROW % ', "value" : 2'),
        '{"rows": [%s]}' % (ROW % ', "quality": 0}, ' + ROW[:-1] % ""),
        '{"rows": [%s]}' % (ROW % ', "quality": 0, "quality": 1}, ' + ROW[:-1] % ""),
        '{"rows": [{"point": "a", "time_us": 1, "value": {"a": 1, "a": 2}}]}',
        '{"rows": []}',
        '{"rows": [], "rows": []}',
        '{"rows": [], "columns": {}}',
        COLUMNS % ("1", ', "value": [2]'),
        COLUMNS % ("1, 2", ""),
        COLUMNS % ("NaN", ""),
        COLUMNS % ("1e999", ""),
        COLUMNS % ("9" * 401, ""),
        COLUMNS % ("9" * 5_000, ""),
        COLUMNS % ('"\\ud800"', ""),
        COLUMNS % ("[" * 5_000 + "]" * 5_000, ""),
        COLUMNS % ("-0.0", ', "manifest": "d"'),
        COLUMNS % ("-0", ', "manifest": null'),
        COLUMNS % ("1", ', "manifest": 7'),
        COLUMNS % ("1", ', "time": ["2026-06-12T22:00:00Z"]'),
        '{"columns": {"point": [], "time": [], "value": [], "quality": []}}',
        '{"columns": {"point": [true, 1], "time_us": [1, 1.0], "value": [1, 1]}}',
    ],
)
def test_what_the_quick_reader_cannot_tell_the_other_one_does(body):
    assert table_of(quick.read, body.encode()) == table_of(read_json, body.encode())


@settings(max_examples=50, deadline=None)
@given(rows_of)
def test_columns_are_judged_as_each_reading_would_be(rows):
    table = quick.read(json.dumps(body_of(rows, "rows", "time_us")).encode())
    assert told(judge(table, POINTS, START)) == plainly(table)


@given(st.lists(st.tuples(st.integers(0, 9), moments, values, qualities | st.integers())))
def test_odd_times_and_qualities_are_judged_the_same(rows):
    rows = [(NAMES[place], moment, value, quality) for place, moment, value, quality in rows]
    table = quick.read(json.dumps(body_of(rows, "rows", "time_us")).encode())
    assert told(judge(table, POINTS, START)) == plainly(table)


@given(
    place=st.integers(0, len(NAMES) - 1),
    cells=st.lists(values | st.sampled_from([math.nan, math.inf]), min_size=1, max_size=12),
)
@example(place=0, cells=[0.285, 2.675, 1.005, -0.001, -0.0, 4503599627370497.5, 2.5, 3.5])
def test_a_column_of_one_point_is_judged_the_same(place, cells):
    rows = [(NAMES[place], START - at, cell, None) for at, cell in enumerate(cells)]
    table = quick.read(json.dumps(body_of(rows, "columns", "time_us")).encode())
    assert told(judge(table, POINTS, START)) == plainly(table)


@settings(max_examples=50, deadline=None)
@given(rows_of)
def test_cells_of_csv_are_judged_the_same(rows):
    lines = ["point,time_us,value"]
    lines += [f"{n},{t},{str(v).strip()}" for n, t, v, _ in rows if str(v).isalnum()]
    table = read_csv("\n".join(lines).encode("utf-8", "replace"))
    assert told(judge(table, POINTS, START)) == plainly(table)


OLDEST = datetime(1000, 1, 1)  # noqa: DTZ001  # hypothesis wants it so
FORMS = ["%Y-%m-%dT%H:%M:%S.%f+08:00", "%Y-%m-%d %H:%M:%SZ", "%Y-%m-%dt%H:%M:%S.%f123-03:30"]


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from(FORMS),
    st.lists(st.datetimes(OLDEST), min_size=40),
    st.integers(0, 10**6),
)
def test_many_different_times_are_read_at_once_as_each(form, stamped, damage):
    lines = [each.strftime(form) for each in stamped]
    each = [code(written(line)) for line in lines]
    assert texts(lines).tolist() == each
    found = stamps(lines, lambda line: code(written(line)))
    assert found is not None
    assert found.tolist() == each
    scans = [line for line in lines for _ in range(damage % 3 + 1)]
    assert texts(scans).tolist() == [code(written(line)) for line in scans]
    mixed = [line.replace(".000000", "") for line in lines] + lines
    assert texts(mixed).tolist() == [code(written(line)) for line in mixed]
    place, at = damage % len(lines), damage % len(lines[0])
    for letter in "90:-TZ٣":
        lines[place] = lines[place][:at] + letter + lines[place][at + 1 :]
        assert texts(lines).tolist() == [code(written(line)) for line in lines]
