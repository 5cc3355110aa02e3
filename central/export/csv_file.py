"""Blocks as CSV (RFC 4180): UTF-8, CRLF, and no cell that a spreadsheet would take for a formula.

A text that begins with one of `= + - @ ' TAB CR LF` gets one `'` in front; whoever reads it back
takes that one away. Numbers are written so that they read back as the same 64 bits.
"""

from functools import cache
from typing import Any, BinaryIO, Final

from central.export.frames import Job
from central.export.layout import OF_SUBJECT, TIERS, Block, Column, Sort, kinds, meaning
from central.export.zones import Zone
from central.store.values import Values
from protocols.words import Value

BOM: Final = b"\xef\xbb\xbf"
_RISKY: Final = tuple("=+-@'\t\r\n")
_QUOTED: Final = frozenset('",\r\n')


class CsvFile:
    """Written to `out` as it comes."""

    def __init__(self, job: Job, out: BinaryIO) -> None:
        self._job = job
        self._out = out
        self._zone = Zone(job.zone)
        self._meaning = cache(lambda code: quoted(meaning(code, job.language)))
        if job.bom:
            out.write(BOM)
        self._line([name for column in job.columns for name in _names(column, job.language)])

    def write(self, block: Block) -> None:
        """Add the rows of a block."""
        columns = [cells for column in self._job.columns for cells in self._cells(column, block)]
        lines = "\r\n".join(map(",".join, zip(*columns, strict=True)))
        if block.rows:
            self._out.write(lines.encode() + b"\r\n")

    def close(self) -> None:
        """Hand the last of it on."""
        self._out.flush()

    def _line(self, cells: list[str]) -> None:
        self._out.write(",".join(cells).encode() + b"\r\n")

    def _cells(self, column: Column, block: Block) -> list[list[str]]:
        subject = self._job.subjects[block.point]
        if column.sort in OF_SUBJECT:
            return [[guarded(getattr(subject, column.name))] * block.rows]
        cells: Any = block.cells[column.name]
        if isinstance(cells, Values):
            return [[_text(value) for value in cells.tolist()], kinds(cells)]
        if column.sort is Sort.TIME:
            return [self._zone.rfc3339(cells)]
        if column.sort is Sort.QUALITY:
            codes = cells.tolist()
            return [list(map(str, codes)), list(map(self._meaning, codes))]
        if column.sort is Sort.TIER:
            return [[TIERS[tier] for tier in cells.tolist()]]
        if column.sort is Sort.FLAG:
            return [["true" if flag else "false" for flag in cells.tolist()]]
        return [["" if cell != cell else repr(cell) for cell in cells.tolist()]]


def guarded(text: str) -> str:
    """Return a text as a cell that is a text wherever it is opened."""
    return quoted(f"'{text}" if text.startswith(_RISKY) else text)


def quoted(text: str) -> str:
    """Return a cell, in quotes where it has to be."""
    return text if _QUOTED.isdisjoint(text) else '"' + text.replace('"', '""') + '"'


def _names(column: Column, language: str) -> list[str]:
    """English headings are the columns' names: programs count on them."""
    if language == "zh":
        return [quoted(heading) for heading in column.headings("zh")]
    more = {Sort.VALUE: ["kind"], Sort.QUALITY: [f"{column.name}_text"]}
    return [column.name, *more.get(column.sort, [])]


def _text(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return guarded(value) if isinstance(value, str) else repr(value)
