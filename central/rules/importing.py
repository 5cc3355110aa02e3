"""A file of rules in, as a dry run or for real; with faults, the same file with them comes back."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from sqlite_utils import Database as Tables

from central.rules import sheets, yaml_file
from central.rules.acts import Who
from central.rules.alone import ReadBook
from central.rules.exchange import Plan, carry_out, plan, whole
from central.rules.faults import in_file
from central.rules.library import Library
from central.rules.meant import Place
from central.rules.placing import UNKNOWN_PLACE
from central.rules.sheets import FileRefused
from central.rules.threshold_sets import ThresholdSet
from protocols.errors import Problem
from protocols.schema.yaml_source import Source, in_order

XLSX: Final = "xlsx"
YAML: Final = "yaml"
MEDIA: Final = {
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    YAML: "application/yaml",
}


Done = TypeVar("Done")


class Known(Protocol):
    """What a file is held against."""

    @property
    def sets(self) -> Sequence[ThresholdSet]:
        """What is offered."""

    @property
    def library(self) -> Library:
        """What stands."""

    def places(self) -> Sequence[Place]:
        """Return every point there is."""


class Book(Known, Protocol):
    """The same, and it can be changed."""

    async def act(self, work: Callable[[Tables, Library], Done]) -> Done:
        """Do what `work` does to the library as one transaction."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What was done, or would be; `marked`: nothing was, and why stands in this file.

    `faults`: the same with sheet and row, or with the line, one by one.
    """

    plan: Plan
    form: str
    marked: bytes | None = None
    faults: tuple[Problem, ...] = ()


def form_of(data: bytes) -> str:
    """Return which form a file has: a workbook is a zip archive."""
    return XLSX if data.startswith(b"PK") else YAML


def exported(book: Known, form: str) -> bytes:
    """Return everything that stands as a file."""
    document = whole(book.library)
    return sheets.write(document) if form == XLSX else yaml_file.write(document)


async def bring_in(
    book: Book,
    data: bytes,
    who: Who,
    *,
    dry_run: bool,
    ahead: bool = False,
    language: str = "zh",
) -> Imported:
    """Bring a file in. Raises FileRefused: it is no file of rules at all.

    `ahead`: a place nobody has connected yet is no fault; its rules hold once it is there.
    """
    # A workbook of many rows takes seconds, and the loop has alarms to tell meanwhile.
    standing = ReadBook(book.sets, book.library, book.places())
    found = await asyncio.to_thread(tried, standing, data, who, ahead=ahead, language=language)
    if not dry_run and found.marked is None and not found.plan.empty:
        sets, asked = [each.name for each in book.sets], found.plan
        await book.act(lambda tables, library: carry_out(tables, library, asked, who, sets))
    return found


def tried(
    book: Known, data: bytes, who: Who, *, ahead: bool = False, language: str = "zh"
) -> Imported:
    """Return what a file would lead to. Raises FileRefused."""
    if not data.strip():
        raise FileRefused(reason="0 B")
    read = sheets.read(data) if form_of(data) == XLSX else yaml_file.read(data)
    if isinstance(read, Source):
        asked = _plan(book, read.data, who, ahead=ahead)
        known = {each.line for each in read.problems}
        found = [each for each in in_file(read, asked.problems) if each.line not in known]
        asked.problems = [*read.problems, *found]
        if asked.problems:
            marked = yaml_file.marked(data, asked.problems, language)
            return Imported(asked, YAML, marked, in_order(asked.problems))
    else:
        asked = _plan(book, read.document, who, ahead=ahead)
        asked.problems = [*read.problems, *asked.problems]
        if asked.problems:
            marked = sheets.marked(data, read, asked.problems, language)
            return Imported(asked, XLSX, marked, tuple(sheets.placed(read, asked.problems)))
    return Imported(asked, form_of(data))


def _plan(book: Known, document: object, who: Who, *, ahead: bool) -> Plan:
    asked = plan(document, book.library, book.places(), who, [each.name for each in book.sets])
    if ahead:
        asked.problems = [each for each in asked.problems if each.code != UNKNOWN_PLACE]
    return asked
