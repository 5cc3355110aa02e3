"""What is written as CSV, XLSX or Parquet reads back as what went in: class, bits, text."""

import io
import math
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.export import xlsx_file
from central.export.child import file_of
from central.export.frames import CutShort, Job, blocks, end, frame, job_line, read_job
from central.export.layout import Block, Subject
from central.export.zones import Zone, ZoneUnknown
from central.store.values import Values
from tests.central.export.reading_back import from_csv, from_parquet, from_xlsx, sheets

TIME = 1_781_272_800_000_000
SUBJECTS = (
    Subject("site/gw/tank/level", "储罐 · 液位", "%"),
    Subject("site/gw/tank/note", '=cmd|"x",\r\n', ""),
)
READERS = {"csv": from_csv, "xlsx": from_xlsx, "parquet": from_parquet}
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**64), 2**64),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
    texts.map(lambda text: f"={text}"),
    st.sampled_from(["+1", "-2", "@x", "'quoted", "\ttab", "", '"', "a,b", "a\r\nb", "_x0041_"]),
)
rows = st.lists(
    st.tuples(
        st.integers(0, 2**50),
        values,
        st.sampled_from([0, 0x408F0000, 0x80310000, 0x80550000]),
        st.booleans(),
        st.booleans(),
    ),
    max_size=12,
)


def block(place, cells):
    times, found, qualities, late, estimated = zip(*cells, strict=True) if cells else ((),) * 5
    times = np.array(sorted(times), np.int64)
    return Block(
        place,
        len(times),
        {
            "time": times,
            "value": Values.of(found),
            "quality": np.array(qualities, np.int64),
            "late": np.array(late, np.int64),
            "estimated": np.array(estimated, np.int64),
            "received": times + 1_000,
        },
    )


def job(form, folder, **more):
    told = {"layout": "readings", "zone": "Asia/Shanghai", "language": "en"} | more
    about = (("Who", "=x"),)
    return Job(format=form, subjects=SUBJECTS, folder=str(folder), about=about, **told)


def written(made, parts):
    """Return the file, by way of the pipe's bytes."""
    pipe = io.BytesIO(job_line(made) + b"".join(frame(made, part) for part in parts) + end())
    out = io.BytesIO()
    file = file_of(read_job(pipe), out)
    for part in blocks(pipe, made):
        file.write(part)
    file.close()
    return out.getvalue()


def same(found, wanted):
    if isinstance(wanted, float):
        return isinstance(found, float) and struct.pack("d", found) == struct.pack("d", wanted)
    return type(found) is type(wanted) and found == wanted


def check(form, folder, parts):
    found = READERS[form](written(job(form, folder), parts))
    place = 0
    for part in parts:
        for row, value in enumerate(part.cells["value"].tolist()):
            subject, line = SUBJECTS[part.point], found[place]
            assert line["point"] == subject.point
            assert same(line["value"], value), (line["value"], value)
            for name in line.keys() & {"time", "quality", "late", "estimated", "received"}:
                assert line[name] == part.cells[name][row], name
            place += 1
    assert place == len(found)


@settings(max_examples=60, deadline=None)
@given(first=rows, second=rows)
def test_csv_reads_back_as_it_was(first, second):
    check("csv", "", [block(0, first), block(1, second)])


@settings(max_examples=20, deadline=None)
@given(first=rows, second=rows)
def test_xlsx_reads_back_as_it_was(tmp_path_factory, first, second):
    check("xlsx", tmp_path_factory.mktemp("x"), [block(0, first), block(1, second)])


@settings(max_examples=40, deadline=None)
@given(first=rows, second=rows)
def test_parquet_reads_back_as_it_was(tmp_path_factory, first, second):
    check("parquet", tmp_path_factory.mktemp("p"), [block(0, first), block(1, second)])


def one(value, **more):
    return block(1, [(TIME, value, 0, False, False)])


def test_no_cell_of_a_csv_is_a_formula():
    for value in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"):
        lines = written(job("csv", ""), [one(value)]).decode("utf-8-sig").split("\r\n", 1)[1]
        cell = lines.split(",")[3 + SUBJECTS[1].label.count(",")]
        assert cell.lstrip('"').startswith("'"), lines
    label = written(job("csv", ""), [one(1.5)]).decode("utf-8-sig")
    assert ",\"'=cmd" in label


def test_a_negative_number_is_a_number():
    assert ",-1.5,number," in written(job("csv", ""), [one(-1.5)]).decode("utf-8-sig")


def test_headings_are_for_people_and_names_for_programs(tmp_path):
    said = written(job("csv", "", language="zh"), [one(1)]).decode("utf-8-sig")
    assert said.startswith("采集时间,点位编号,名称,数值,类型,单位,质量,质量说明,补传,")
    assert "2026-06-12T22:00:00.000000+08:00" in said
    assert ",正常," in said
    assert not written(job("csv", "", bom=False), []).startswith(b"\xef")


def test_a_full_sheet_is_followed_by_another(tmp_path, monkeypatch):
    monkeypatch.setattr(xlsx_file, "ROWS", 11)
    cells = [(TIME + place, float(place), 0, False, False) for place in range(25)]
    content = written(job("xlsx", tmp_path), [block(0, cells)])
    assert [row[3].value for row in sheets(content)] == list(map(float, range(25)))
    assert [line["value"] for line in from_xlsx(content)] == list(map(float, range(25)))


def test_spans_have_their_columns(tmp_path):
    numbers = np.array([1.5, math.nan])
    part = Block(
        0,
        2,
        {
            "time": np.array([TIME, TIME + 60_000_000]),
            "to": np.array([TIME + 60_000_000, TIME + 120_000_000]),
            "count": np.array([3, 1]),
            "good": np.array([3, 0]),
            "minimum": numbers,
            "maximum": numbers,
            "mean": numbers,
            "last": Values.of([2, "停"]),
            "quality": np.array([0, 0x80310000]),
            "tier": np.array([0, 2]),
        },
    )
    said = written(job("csv", "", layout="spans"), [part]).decode("utf-8-sig").splitlines()
    assert said[0].startswith("time,to,point,label,count,good,minimum,maximum,mean,last,kind,unit,")
    assert ",3,3,1.5,1.5,1.5,2,integer,%,0," in said[1]
    assert ",1,0,,,,停,text,%,2150694912," in said[2]
    for form in ("xlsx", "parquet"):
        assert written(job(form, tmp_path, layout="spans"), [part])


def test_times_are_of_the_asked_zone():
    times = np.array([1_761_440_400_000_000 - 1, 1_761_440_400_000_000])  # Berlin's summer ends
    assert Zone("Europe/Berlin").rfc3339(times) == [
        "2025-10-26T02:59:59.999999+02:00",
        "2025-10-26T02:00:00.000000+01:00",
    ]
    assert Zone("-03:30").rfc3339(times[1:]) == ["2025-10-25T21:30:00.000000-03:30"]
    assert Zone("+08:00").days(np.array([0])) == [25_569 + 8 / 24]


@pytest.mark.parametrize("text", ["", "Nowhere/There", "../../etc/passwd", "+24:00", "8", "Asia"])
def test_there_is_no_such_zone(text):
    with pytest.raises(ZoneUnknown):
        Zone(text)


@pytest.mark.parametrize("kept", [0, 1, 5, -1, -3])
def test_a_pipe_that_ends_early_is_no_file(kept):
    made = job("csv", "")
    pipe = job_line(made) + frame(made, one("x")) + end()
    pipe = io.BytesIO(pipe[: kept or None] if kept else b"")
    with pytest.raises(CutShort):
        list(blocks(pipe, read_job(pipe)))
