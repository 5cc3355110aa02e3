"""A page of raw readings, and the cursor that goes on where it ends. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from central.store.parts import Part
from central.store.points import PointReadings
from central.store.queries.source import Deadline, PointSource

Place = tuple[int, int, int]
"""(time, stream, seq) of a reading: their order, and no two of a point share it."""


@dataclass(frozen=True, slots=True)
class RawPage:
    """Readings in order of time; `next` continues where this page ends (None: it is the last)."""

    parts: Sequence[Part]
    next: str | None

    @property
    def readings(self) -> PointReadings:
        """All of them."""
        return PointReadings.merged([part.readings for part in self.parts])


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """start <= time < end, at most `limit` readings after the place `after`."""

    start: int
    end: int
    limit: int
    after: Place | None = None


class NearSource(PointSource, Protocol):
    """A source of little."""

    def parts(self, number: int, start: int, end: int) -> list[Part]:
        """Return the readings with start <= time < end, in parts that follow each other."""
        ...


def near_page(source: NearSource, number: int, span: Span, deadline: Deadline) -> RawPage:
    """Return what `page` returns; a whole span as it is kept."""
    if span.after is None:
        parts = source.parts(number, span.start, span.end)
        if sum([part.count for part in parts]) <= span.limit:
            return RawPage(parts, None)
    return page(source, number, span, deadline)


def page(source: PointSource, number: int, span: Span, deadline: Deadline) -> RawPage:
    """Return one page; reads no further than it has to."""
    start = span.start if span.after is None else max(span.start, span.after[0])
    blocks, held = [], 0
    for block in source.blocks(number, start, span.end, span.limit + 1):
        deadline.check()
        wanted = block if span.after is None else _after(block, span.after)
        blocks.append(wanted)
        held += len(wanted)
        if held > span.limit:
            break
    found = PointReadings.merged(blocks)
    if held <= span.limit:
        return RawPage([Part(found)], None)
    shown = found.take(slice(0, span.limit))
    return RawPage([Part(shown)], cursor_after(shown))


def cursor_after(readings: PointReadings) -> str:
    """Return the cursor behind the last of at least one reading."""
    return f"{readings.times[-1]}.{readings.streams[-1]}.{readings.seqs[-1]}"


def parse_cursor(cursor: str) -> Place:
    """Return the place a cursor stands for. ValueError: it is not ours."""
    time, stream, seq = (int(part) for part in cursor.split("."))
    if not all(-(2**63) <= part < 2**63 for part in (time, stream, seq)):
        raise ValueError("beyond any place")
    return time, stream, seq


def _after(block: PointReadings, after: Place) -> PointReadings:
    time, stream, seq = after
    first, last = np.searchsorted(block.times, [time, time + 1])
    same = block.take(slice(int(first), int(last)))
    behind = (same.streams > stream) | ((same.streams == stream) & (same.seqs > seq))
    skipped = int(first) + len(same) - int(np.count_nonzero(behind))
    return block if not skipped else block.take(slice(skipped, None))
