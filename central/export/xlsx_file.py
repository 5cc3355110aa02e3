"""Blocks as an Excel workbook: a sheet that says what it is, then the rows, a million a sheet.

Times are real times of the asked zone, so that they sort and draw; what they are to the microsecond
stands in the last column. Numbers keep all 64 bits; a text is never a formula.
"""

from pathlib import Path
from typing import Any, BinaryIO, Final

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from central.export.frames import Job
from central.export.layout import OF_SUBJECT, TIERS, Block, Column, Sort, kinds, meaning
from central.export.zones import Zone
from central.store.values import EXACT, Values
from protocols.words import Value

ROWS: Final = 1_048_576
"""Of a sheet, the headings among them: Excel's limit."""
_WORDS: Final = {
    "zh": {
        "sheet": "监测值",
        "about": "说明",
        "exact": "采集时间(RFC 3339)",
        "flags": ("", "是"),
        "none": "无",
        "boolean": "布尔",
        "integer": "整数",
        "number": "小数",
        "text": "文本",
    },
    "en": {
        "sheet": "Readings",
        "about": "About",
        "exact": "Measured (RFC 3339)",
        "flags": ("", "yes"),
        "none": "none",
        "boolean": "boolean",
        "integer": "integer",
        "number": "number",
        "text": "text",
    },
}
_WIDTHS: Final = {Sort.TIME: 24, Sort.POINT: 36, Sort.LABEL: 24, Sort.QUALITY: 12}
PIECE: Final = 1 << 18


class _Exact(float):
    """A number that is written with all its digits: the library asks for 16, some need 17."""

    def __format__(self, form: str) -> str:
        return repr(float(self))


class XlsxFile:
    """Written to the job's folder, handed to `out` when it is whole."""

    def __init__(self, job: Job, out: BinaryIO) -> None:
        self._job = job
        self._out = out
        self._zone = Zone(job.zone)
        self._words: dict[str, Any] = _WORDS[job.language]
        self._file = Path(job.folder) / "workbook.xlsx"
        options = {"constant_memory": True, "tmpdir": job.folder, "use_zip64": True}
        self._book = xlsxwriter.Workbook(str(self._file), options)
        self._bold = self._book.add_format({"bold": True})
        self._moment = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss.000"})
        self._meanings: dict[int, str] = {}
        self._sheets = 0
        self._row = 0
        self._about()
        self._sheet = self._next_sheet()

    def write(self, block: Block) -> None:
        """Add the rows of a block."""
        columns = [cells for column in self._job.columns for cells in self._cells(column, block)]
        times: Any = block.cells["time"]
        columns.append((self._zone.rfc3339(times), None))
        for place in range(block.rows):
            if self._row == ROWS:
                self._sheet = self._next_sheet()
            for number, (cells, form) in enumerate(columns):
                _put(self._sheet, (self._row, number), cells[place], form)
            self._row += 1

    def close(self) -> None:
        """Put the parts together and hand the file on."""
        self._book.close()
        with self._file.open("rb") as file:
            while piece := file.read(PIECE):
                self._out.write(piece)
        self._out.flush()

    def _about(self) -> None:
        sheet = self._book.add_worksheet(self._words["about"])
        sheet.set_column(0, 0, 24)
        sheet.set_column(1, 1, 96)
        for row, (heading, text) in enumerate(self._job.about):
            sheet.write_string(row, 0, heading, self._bold)
            sheet.write_string(row, 1, text)

    def _next_sheet(self) -> Worksheet:
        self._sheets += 1
        name = self._words["sheet"] + (f" {self._sheets}" if self._sheets > 1 else "")
        sheet = self._book.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        number = 0
        for column in self._job.columns:
            for heading in column.headings(self._job.language):
                sheet.set_column(number, number, _WIDTHS.get(column.sort, 14))
                sheet.write_string(0, number, heading, self._bold)
                number += 1
        sheet.set_column(number, number, 34)
        sheet.write_string(0, number, self._words["exact"], self._bold)
        self._row = 1
        if self._sheets == 1:
            sheet.activate()
        return sheet

    def _cells(self, column: Column, block: Block) -> list[tuple[list[Any], Format | None]]:
        if column.sort in OF_SUBJECT:
            text = getattr(self._job.subjects[block.point], column.name)
            return [([text] * block.rows, None)]
        cells: Any = block.cells[column.name]
        if isinstance(cells, Values):
            words = [self._words[kind] for kind in kinds(cells)]
            return [([_shown(value) for value in cells.tolist()], None), (words, None)]
        if column.sort is Sort.TIME:
            return [(self._zone.days(cells), self._moment)]
        if column.sort is Sort.QUALITY:
            codes = cells.tolist()
            return [(codes, None), ([self._meaning(code) for code in codes], None)]
        if column.sort is Sort.TIER:
            return [([TIERS[tier] for tier in cells.tolist()], None)]
        if column.sort is Sort.FLAG:
            return [([self._words["flags"][bool(flag)] for flag in cells.tolist()], None)]
        return [([None if cell != cell else cell for cell in cells.tolist()], None)]

    def _meaning(self, code: int) -> str:
        if code not in self._meanings:
            self._meanings[code] = meaning(code, self._job.language)
        return self._meanings[code]


def _shown(value: Value) -> Value:
    """A cell holds no integer beyond 2^53: those are texts."""
    large = isinstance(value, int) and not -EXACT <= value <= EXACT
    return str(value) if large else value


def _put(sheet: Worksheet, place: tuple[int, int], cell: Value, form: Format | None) -> None:
    if cell is None or cell == "":
        return
    if isinstance(cell, bool):
        sheet.write_boolean(*place, cell)
    elif isinstance(cell, str):
        sheet.write_string(*place, cell)
    else:
        sheet.write_number(*place, _Exact(cell), form)
