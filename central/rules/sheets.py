"""The library as an Excel workbook, and a workbook that came back: errors stand in its own rows.

Four sheets: rules, their levels, attachments, named levels; headings are Chinese and the key. Of
an untrusted workbook nothing is believed: its size inflated, its rows and its XML are bounded
before it is opened, formulas are texts, and no cell is ever one.
"""

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import openpyxl
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell
from openpyxl.styles import Alignment, Font, PatternFill

from central.rules.columns import ATTACHMENTS, LEVELS, NAMED, NOTE, RULES, SHEETS, Column
from central.rules.reading import KIND_FIELDS
from protocols.errors import FengsuiError, Problem
from protocols.problems import sentence

MOST_BYTES: Final = 32 << 20
"""Of a workbook, inflated."""
MOST_ROWS: Final = 20_000
MOST_PARTS: Final = 200
_WRONG: Final = PatternFill("solid", start_color="FFC7CE", end_color="FFC7CE")
_BOLD: Final = Font(bold=True)
_FIRST: Final = 2
"""Row of the first entry."""


class FileRefused(FengsuiError):
    """It is no workbook of rules; `reason` says why."""

    code = "RULES_FILE_FORMAT"


@dataclass(slots=True)
class Sheets:
    """A workbook as read: the document, and where in it each entry and field stands."""

    document: dict[str, Any]
    problems: list[Problem] = field(default_factory=list)
    rows: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Path of an entry: its sheet and row."""


def write(document: Mapping[str, Any]) -> bytes:
    """Return the library as a workbook."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    rules = document["rules"]
    levels = [{"rule": rule["id"], **level} for rule in rules for level in rule["levels"]]
    for columns, entries in (
        (RULES, rules),
        (LEVELS, levels),
        (ATTACHMENTS, document["attachments"]),
        (NAMED, document["named_levels"]),
    ):
        sheet = book.create_sheet(SHEETS[id(columns)])
        sheet.freeze_panes = "A2"
        for number, column in enumerate(columns, 1):
            _put(sheet.cell(1, number), column.heading)
            sheet.cell(1, number).font = _BOLD
            sheet.column_dimensions[sheet.cell(1, number).column_letter].width = column.width
        for row, entry in enumerate(entries, _FIRST):
            for number, column in enumerate(columns, 1):
                _put(sheet.cell(row, number), column.shown(entry))
    return _saved(book)


def read(data: bytes) -> Sheets:
    """Return a workbook as read. Raises FileRefused."""
    book = _opened(data)
    found = Sheets({"format": "v1"})
    rules = _entries(book, RULES, "rules", found)
    by_id: dict[str, dict[str, Any]] = {}
    for rule in rules:
        rule["levels"] = []
        by_id.setdefault(str(rule.get("id")), rule)
    places = {id(rule): place for place, rule in enumerate(rules)}
    for entry, row in _rows(book, LEVELS, found):
        owner = by_id.get(str(entry.pop("rule", None)))
        if owner is None:
            name = SHEETS[id(LEVELS)]
            problem = Problem(
                "RULES_ROW_RULE", name, row, "rule", {"value": _cell(book, name, row)}
            )
            found.problems.append(problem)
            continue
        entry.setdefault("limit", None)
        at = f"rules[{places[id(owner)]}].levels[{len(owner['levels'])}]"
        found.rows[at] = (SHEETS[id(LEVELS)], row)
        owner["levels"].append(entry)
    found.document["rules"] = rules
    found.document["attachments"] = _entries(book, ATTACHMENTS, "attachments", found)
    found.document["named_levels"] = _entries(book, NAMED, "named_levels", found)
    return found


def marked(data: bytes, found: Sheets, problems: Sequence[Problem], language: str) -> bytes:
    """Return the same workbook: red cells, and what is wrong in a column of its own."""
    book = _opened(data)
    told: dict[tuple[str, int], list[str]] = {}
    for each in placed(found, problems):
        sheet, row, key = each.file, max(1, each.line), each.key
        told.setdefault((sheet, row), []).append(f"{key}: {sentence(each, language)}")
        if sheet in book.sheetnames and (number := _number(book[sheet], key)):
            book[sheet].cell(row, number).fill = _WRONG
    for name in book.sheetnames:
        sheet, number = book[name], _note_column(book[name])
        for row in range(_FIRST, sheet.max_row + 1):
            sheet.cell(row, number).value = None
        for (of, row), texts in told.items():
            if of == name and row >= _FIRST:
                _put(sheet.cell(row, number), "\n".join(texts))
                sheet.cell(row, number).alignment = Alignment(wrap_text=True, vertical="top")
        rest = [
            text for (of, row), texts in told.items() if of == name and row == 1 for text in texts
        ]
        _put(sheet.cell(1, number), "\n".join([NOTE, *rest]))
    return _saved(book)


def placed(found: Sheets, problems: Iterable[Problem]) -> list[Problem]:
    """Return problems with the sheet as file, the row as line and the column's key as key."""
    shown = []
    for each in problems:
        if each.line:
            shown.append(each)
            continue
        entry = max((at for at in found.rows if _within(each.key, at)), key=len, default="")
        sheet, row = found.rows.get(entry, (SHEETS[id(RULES)], 1))
        key = each.key[len(entry) :].lstrip(".")
        shown.append(Problem(each.code, sheet, row, key, each.params, each.allowed))
    return sorted(shown, key=lambda each: (list(SHEETS.values()).index(each.file), each.line))


def _within(key: str, at: str) -> bool:
    return key == at or (key.startswith(at) and key[len(at)] in ".[")


def _opened(data: bytes) -> Any:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            _bounded(parts)
        return openpyxl.load_workbook(io.BytesIO(data))
    except FileRefused:
        raise
    except Exception as exc:  # the library raises whatever a damaged part makes it raise
        raise FileRefused(reason=type(exc).__name__) from exc


def _bounded(parts: zipfile.ZipFile) -> None:
    infos = parts.infolist()
    if len(infos) > MOST_PARTS or sum(each.file_size for each in infos) > MOST_BYTES:
        raise FileRefused("RULES_FILE_LARGE", limit=MOST_BYTES >> 20, rows=MOST_ROWS)
    for each in infos:
        with parts.open(each) as part:
            read = part.read(MOST_BYTES + 1)
        if len(read) > MOST_BYTES:
            raise FileRefused("RULES_FILE_LARGE", limit=MOST_BYTES >> 20, rows=MOST_ROWS)
        if b"<!DOCTYPE" in read or b"<!ENTITY" in read or b"<\x00!\x00" in read:
            raise FileRefused(reason="DOCTYPE")


def _entries(book: Any, columns: tuple[Column, ...], name: str, found: Sheets) -> list[Any]:
    entries: list[Any] = []
    for entry, row in _rows(book, columns, found):
        found.rows[f"{name}[{len(entries)}]"] = (SHEETS[id(columns)], row)
        entries.append(entry)
    return entries


def _rows(
    book: Any, columns: tuple[Column, ...], found: Sheets
) -> list[tuple[dict[str, Any], int]]:
    """Return the entries of a sheet and their rows; empty rows are none."""
    title = SHEETS[id(columns)]
    if title not in book.sheetnames:
        found.problems.append(Problem("RULES_SHEET", SHEETS[id(RULES)], 1, "", {"value": title}))
        return []
    sheet = book[title]
    if sheet.max_row > MOST_ROWS or sheet.max_column > 100:
        raise FileRefused("RULES_FILE_LARGE", limit=MOST_BYTES >> 20, rows=MOST_ROWS)
    numbers = {column.key: _number(sheet, column.key) for column in columns}
    for column in columns:
        if not numbers[column.key] and column.needed:
            value = {"value": column.heading}
            found.problems.append(Problem("RULES_COLUMN", title, 1, column.key, value))
    rows = []
    for row in range(_FIRST, sheet.max_row + 1):
        cells = {key: sheet.cell(row, number).value for key, number in numbers.items() if number}
        if any(value is not None for value in cells.values()):
            rows.append((_entry(columns, cells, (title, row), found), row))
    return rows


def _entry(
    columns: tuple[Column, ...], cells: Mapping[str, Any], where: tuple[str, int], found: Sheets
) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    for column in columns:
        wrong = column.take(entry, cells.get(column.key))
        if wrong is not None:
            problem = Problem("RULES_CELL_JSON", *where, column.key, {"value": wrong})
            found.problems.append(problem)
    return entry


def _number(sheet: Any, key: str) -> int:
    """Return the column whose heading ends with the key a problem speaks of; 0: none."""
    plain = key.partition("[")[0].partition(".")[0]
    plain = "parameters" if plain in KIND_FIELDS else plain
    for cell in sheet[1]:
        words = str(cell.value or "").split()
        if words and words[-1] in (key, plain):
            return int(cell.column)
    return 0


def _note_column(sheet: Any) -> int:
    for cell in sheet[1]:
        if str(cell.value or "").startswith(NOTE):
            return int(cell.column)
    return int(sheet.max_column) + 1


def _cell(book: Any, sheet: str, row: int) -> str:
    return str(book[sheet].cell(row, 1).value or "")[:80]


def _put(cell: Cell, value: Any) -> None:
    if value is None or value == "":
        return
    if isinstance(value, str):
        # What steers a terminal is in no sheet; an earlier version took it into the tables.
        value = ILLEGAL_CHARACTERS_RE.sub("\N{REPLACEMENT CHARACTER}", value)
    cell.value = value
    if isinstance(value, str):
        cell.data_type = "s"
        cell.number_format = "@"


def _saved(book: Any) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
