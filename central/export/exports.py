"""Who exports what: how many at once, how much at most, and where the rows come from."""

import contextlib
import importlib.util
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from central.export.frames import Job
from central.export.layout import Block, Subject
from central.export.process import Give, clear, produce
from central.registry_records import PointRecord
from central.store.columns import Integers
from protocols.clock import real_monotonic
from protocols.errors import FengsuiError

FORMATS: Final = ("csv", "xlsx", "parquet")
PLACES: Final = 2
"""Exports at once; each is a process. One of them for one caller."""
MOST_POINTS: Final = 20_000
MOST_ROWS: Final[dict[str, int]] = {"xlsx": 2_000_000, "parquet": 50_000_000}
"""CSV has no limit of its own: nothing of it is kept anywhere."""
ASK_AGAIN: Final = 30.0
"""Real seconds after which it is asked whether the caller may still read."""


class ExportBusy(FengsuiError):
    """All places are taken, or this caller has one already."""

    code = "EXPORT_BUSY"


class ExportTooLarge(FengsuiError):
    """More rows than the format takes; ask for less or for another format."""

    code = "EXPORT_TOO_LARGE"


class ExportPoints(FengsuiError):
    """More points than one export takes."""

    code = "EXPORT_POINTS"


class ExportEnded(FengsuiError):
    """The caller may no longer read."""

    code = "UNAUTHENTICATED"


class FormatMissing(FengsuiError):
    """This collector was installed without what writes the format."""

    code = "EXPORT_FORMAT_MISSING"


class ExportNoRoom(FengsuiError):
    """The disk has no room for what an export lays down on its way."""

    code = "EXPORT_NO_ROOM"


class Source(Protocol):
    """Where rows come from, in bounded blocks, in order of time."""

    def blocks(
        self, place: int, point: PointRecord, start: int, end: int
    ) -> AsyncGenerator[Block, None]:
        """Yield the blocks of a point with start <= time < end; `place` is its place in the job."""
        ...


@dataclass(slots=True)
class ExportFigures:
    """Since the start, by format."""

    begun: Counter[str] = field(default_factory=Counter)
    finished: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    """By code."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is exported: points, start <= time < end (µs UTC)."""

    points: Sequence[PointRecord]
    start: int
    end: int

    @property
    def times(self) -> Integers:
        """Both ends."""
        return np.array([self.start, self.end], np.int64)


class Exports:
    """Makes exports; `clear` what a killed one left before the first."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._running: Counter[str] = Counter()
        self.may: Callable[[], bool] = lambda: True
        """Whether the disk has room for more than what comes in."""
        self.figures = ExportFigures()

    def clear(self) -> None:
        """Remove what a collector that was killed left behind."""
        clear(self._data)

    @property
    def running(self) -> int:
        """How many are being made."""
        return self._running.total()

    def check(self, form: str, points: int) -> None:
        """Refuse what cannot be made. Raises FormatMissing, ExportNoRoom, ExportPoints."""
        if form != "csv" and not self.may():
            raise self._refused(ExportNoRoom(format=form))
        if form == "parquet" and importlib.util.find_spec("pyarrow") is None:
            raise self._refused(FormatMissing(format=form))
        if points > MOST_POINTS:
            raise self._refused(ExportPoints(found=points, most=MOST_POINTS))

    @contextlib.contextmanager
    def place(self, caller: str) -> Iterator[None]:
        """Hold one of the places. Raises ExportBusy."""
        if self.running >= PLACES or self._running[caller]:
            raise self._refused(ExportBusy(places=PLACES, seconds=10))
        self._running[caller] += 1
        try:
            yield
        finally:
            self._running[caller] -= 1
            if not self._running[caller]:
                del self._running[caller]

    async def make(
        self,
        job: Job,
        wanted: Wanted,
        source: Source,
        give: Give,
        still: Callable[[], Awaitable[bool]],
    ) -> None:
        """Give the bytes of the file. Raises ExportTooLarge, ExportBroken, ExportEnded."""
        figures, form = self.figures, job.format
        figures.begun[form] += 1

        async def counted(piece: bytes) -> None:
            await give(piece)
            figures.bytes[form] += len(piece)

        rows = self._rows(form, wanted, source, still)
        async with contextlib.aclosing(rows):
            await produce(job, rows, self._data, counted)
        figures.finished[form] += 1

    async def _rows(
        self, form: str, wanted: Wanted, source: Source, still: Callable[[], Awaitable[bool]]
    ) -> AsyncGenerator[Block, None]:
        total, most = 0, MOST_ROWS.get(form)
        asked = real_monotonic()
        for place, point in enumerate(wanted.points):
            async for block in source.blocks(place, point, wanted.start, wanted.end):
                total += block.rows
                if most is not None and total > most:
                    raise self._refused(ExportTooLarge(format=form, most=most))
                if real_monotonic() - asked > ASK_AGAIN:
                    asked = real_monotonic()
                    if not await still():
                        raise ExportEnded
                self.figures.rows[form] += block.rows
                yield block

    def _refused(self, error: FengsuiError) -> FengsuiError:
        self.figures.refused[error.code] += 1
        return error


def subject(point: PointRecord, language: str) -> Subject:
    """Return how files name a point: the device's name and its own."""
    device = point.device_label.en if language == "en" else ""
    own = point.label.en if language == "en" else ""
    label = f"{device or point.device_label.zh} · {own or point.label.zh}"
    return Subject(point.id, label, point.unit)
