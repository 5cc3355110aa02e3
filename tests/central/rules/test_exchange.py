"""Everything out and in again changes nothing; what is wrong is named where it is wrong."""

import io
import zipfile

import openpyxl
import pytest
import yaml

from central.rules import sheets, yaml_file
from central.rules.acts import Who
from central.rules.exchange import plan, whole
from central.rules.faults import in_file
from tests.central.rules.builders import TANK, attachment, confirmed, library, named, place
from tests.central.rules.test_meant import LEVELS, VOTE

WHO = Who("李工", 1_781_272_800_000_000, "导入")
PLACES = [place(), place("site/gw/tank/percent", unit="%", number=2)]
LIBRARY = library(
    confirmed(TANK) | {"suppressed_by": ["site/gw/pump/state:state", "site/unit:stopped"]},
    LEVELS,
    VOTE,
    attached=[
        attachment(1, "own.high", "POINT", "site/gw/tank/level"),
        attachment(2, None, "SITE", "site", family="low", reason="停用低限"),
    ],
    named=[named(1, 41.25, valid_from="04-15", valid_to="10-15", clause="3.1")],
)


def asked(document, lib=LIBRARY, who=WHO):
    return plan(document, lib, PLACES, who, ["flood"])


def codes(made):
    return [(each.key, each.code) for each in made.problems]


def test_what_is_as_it_stands_asks_for_nothing():
    made = asked(whole(LIBRARY))
    assert (codes(made), made.empty, made.unchanged) == ([], True, 6)


def test_a_yaml_file_comes_back_as_it_went():
    source = yaml_file.read(yaml_file.write(whole(LIBRARY)))
    assert source.problems == ()
    assert source.data == whole(LIBRARY)


@pytest.mark.parametrize("text", ["yes", "0010", "1e3", "~", "12:30", "a: b", "- x", "=", "#1", ""])
@pytest.mark.parametrize("number", [0.1, 1e-7, 1e22, 41.25])
def test_any_text_and_number_comes_back(text, number):
    document = {"a": [text, number]}
    assert yaml_file.read(yaml_file.write(document)).data == document


def test_another_library_takes_it_over_but_nobody_elses_word():
    made = asked(whole(LIBRARY), library(), WHO._replace(name="张工"))
    claims = [each for each in codes(made) if each[0].endswith("confirmed_by")]
    assert [each for each in codes(made) if each not in claims] == [
        ("rules[1].id", "RULE_ID_SHIPPED"),
        ("named_levels[0].name", "NAMED_UNUSED"),
    ]
    assert {code for _, code in claims} == {"RULE_CONFIRMED_ELSEWHERE"}
    assert [key for key, _ in claims] == [
        "rules[0].levels[0].confirmed_by",
        "rules[0].levels[1].confirmed_by",
        "rules[2].levels[0].confirmed_by",
    ]


def test_who_imports_answers_from_today_on():
    document = {"format": "v1", "rules": [confirmed(TANK, by="李工", on="2020-01-01")]}
    made = asked(document, library())
    assert codes(made) == []
    level = made.create[0].levels[0].level
    assert (level.confirmed_by, level.confirmed_on) == ("李工", "2026-06-12")


SEVEN = """\
format: v1
rules:
  - id: own.new
    label: {zh: 新规则}
    quantity: [tank_levle]
    unit: m
    kind: limit
    source: 设计
    levels:
      - {name: H, colour: amber, op: ">=", limit: 8.0, status: S}
      - {name: HH, colour: red, op: ">=", limit: high, status: S}
  - id: own.other
    label: {zh: 另一规则}
    quantity: [tank_level]
    unit: furlong
    kind: limit
    source: 设计
    levels:
      - {name: H, colour: yellow, op: ">=", limit: 8.0, status: V}
attachments:
  - {rule: own.high, scope: point, at: site/gw/tank/percent, reason: 试点}
  - {rule: own.none, scope: site, at: site, reason: 试点}
"""
"""Seven faults, by line."""


def test_seven_faults_are_named_at_their_lines_in_the_same_file():
    source = yaml_file.read(SEVEN.encode())
    problems = in_file(source, asked(source.data).problems)
    found = [(each.line, each.key.rpartition(".")[2], each.code) for each in problems]
    assert found == [
        (10, "colour", "VALUE_CHOICE"),
        (11, "limit", "TYPE_NUMBER"),
        (5, "quantity[0]", "VALUE_CHOICE"),
        (15, "unit", "VALUE_CHOICE"),
        (19, "status", "RULE_STATUS_V"),
        (21, "at", "ATTACHMENT_UNIT"),
        (22, "rule", "RULES_ROW_RULE"),
    ]
    told = yaml_file.marked(SEVEN.encode(), problems, "zh").decode()
    assert told.count(yaml_file.MARK) == 7
    lines = told.splitlines()
    at = next(n for n, line in enumerate(lines) if "amber" in line and "✗" not in line)
    assert "amber" in lines[at - 1]
    assert "blue" in lines[at - 1]
    assert yaml.safe_load(told) == yaml.safe_load(SEVEN)
    again = yaml_file.marked(told.encode(), problems, "zh").decode()
    assert again == told


def test_a_workbook_comes_back_and_asks_for_nothing():
    found = sheets.read(sheets.write(whole(LIBRARY)))
    assert found.problems == []
    made = asked(found.document)
    assert (codes(made), made.empty, made.unchanged) == ([], True, 6)


def edited(*changes):
    """The workbook with cells (sheet, row, heading's key) written over."""
    book = openpyxl.load_workbook(io.BytesIO(sheets.write(whole(LIBRARY))))
    for name, row, key, value in changes:
        sheet = book[name]
        column = next(c.column for c in sheet[1] if str(c.value).split()[-1] == key)
        sheet.cell(row, column).value = value
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


PLANTED = (
    ("规则 Rules", 2, "quantity", "tank_levle"),
    ("规则 Rules", 3, "kind", "limits"),
    ("规则 Rules", 4, "parameters", "{clauses}"),
    ("分级 Levels", 2, "colour", "amber"),
    ("分级 Levels", 3, "limit", "高"),
    ("挂接 Attachments", 2, "at", "site/gw/tank/none"),
    ("特征值 Named levels", 2, "valid_to", "10-32"),
)


def test_seven_planted_faults_are_marked_in_their_rows_of_the_same_workbook():
    data = edited(*PLANTED)
    found = sheets.read(data)
    problems = [*found.problems, *asked(found.document).problems]
    named = {(each.file, each.line) for each in sheets.placed(found, problems)}
    assert named >= {(sheet, row) for sheet, row, *_ in PLANTED}
    book = openpyxl.load_workbook(io.BytesIO(sheets.marked(data, found, problems, "zh")))
    for name, row, key, value in PLANTED:
        sheet = book[name]
        headings = [str(cell.value) for cell in sheet[1]]
        note = next(n for n, each in enumerate(headings, 1) if each.startswith("说明"))
        column = next(n for n, each in enumerate(headings, 1) if each.split()[-1] == key)
        assert sheet.cell(row, column).fill.start_color.rgb.endswith("FFC7CE"), (name, row, key)
        assert sheet.cell(row, column).value == value
        assert sheet.cell(row, note).value, (name, row)
    clean = [row for row in range(2, book["挂接 Attachments"].max_row + 1) if row != 2]
    sheet = book["挂接 Attachments"]
    assert [sheet.cell(row, sheet.max_column).value for row in clean] == [None]


def test_the_marked_workbook_can_be_corrected_and_read_again():
    data = edited(PLANTED[3])
    found = sheets.read(data)
    again = sheets.marked(data, found, asked(found.document).problems, "zh")
    book = openpyxl.load_workbook(io.BytesIO(again))
    book["分级 Levels"].cell(2, 4).value = "yellow"
    out = io.BytesIO()
    book.save(out)
    made = asked(sheets.read(out.getvalue()).document)
    assert (codes(made), made.empty) == ([], True)


def test_a_missing_sheet_and_a_missing_column_are_named():
    book = openpyxl.load_workbook(io.BytesIO(sheets.write(whole(LIBRARY))))
    del book["挂接 Attachments"]
    book["规则 Rules"].cell(1, 6).value = "x"
    out = io.BytesIO()
    book.save(out)
    found = sheets.read(out.getvalue())
    assert [each.code for each in found.problems] == ["RULES_COLUMN", "RULES_SHEET"]


def test_a_formula_stays_a_text():
    lib = library(TANK | {"label": {"zh": "=1+1"}})
    book = openpyxl.load_workbook(io.BytesIO(sheets.write(whole(lib))))
    assert book["规则 Rules"].cell(2, 2).data_type == "s"


def test_what_no_workbook_can_hold_is_replaced_and_hinders_nobody():
    kept = attachment(1, "own.high", "SITE", "site", reason="a\x01b")
    lib = library(TANK | {"label": {"zh": "c\0d"}}, attached=[kept])
    book = openpyxl.load_workbook(io.BytesIO(sheets.write(whole(lib))))
    shown = {cell.value for sheet in book for row in sheet.iter_rows() for cell in row}
    assert {"a\N{REPLACEMENT CHARACTER}b", "c\N{REPLACEMENT CHARACTER}d"} <= shown


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x03\x04" + b"x" * 100, b"\x00" * 64])
def test_what_is_no_workbook_is_refused(data):
    with pytest.raises(sheets.FileRefused):
        sheets.read(data)


def test_a_workbook_with_its_own_entities_or_too_much_in_it_is_refused():
    whole_book = sheets.write(whole(LIBRARY))
    for name, more in (("xl/x.xml", b"<!DOCTYPE x>"), ("xl/y.bin", b"0" * (33 << 20))):
        out = io.BytesIO(whole_book)
        with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as parts:
            parts.writestr(name, more)
        with pytest.raises(sheets.FileRefused):
            sheets.read(out.getvalue())
