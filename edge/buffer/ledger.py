"""What a loss takes with it: lines by point, made from the batches that go (pure).

The lines become the ledger of a skip (docs/wire.md section 4.2). A skip that goes in turn hands its
lines on, so that nothing is counted twice and nothing is forgotten.
"""

from dataclasses import dataclass, field

from protocols.clock import ClockState
from protocols.clock_trust import BUILT
from protocols.errors import WireError
from protocols.wire.batch import LedgerLine, ReadingsBatch, SkipBatch, decode_batch
from protocols.words import TimeMark


@dataclass(slots=True)
class Line:
    """One point's loss so far; times are wall clock, µs, None when unknown."""

    start: int | None
    end: int | None
    count: int = 0

    def add(self, start: int | None, end: int | None, count: int) -> None:
        """Take in `count` more, lost between `start` and `end`."""
        self.start, self.end = earlier(self.start, start), later(self.end, end)
        self.count += count


@dataclass(slots=True)
class Tally:
    """The lines of a loss on its way to becoming a skip; point None: not known by point."""

    lines: dict[int | None, Line] = field(default_factory=dict)
    known: int = 0

    def enter(self, data: bytes) -> None:
        """Count what one batch holds; what cannot be read is left to the sum."""
        try:
            batch = decode_batch(data)
        except WireError:
            return
        if isinstance(batch, SkipBatch):
            self.enter_skip(batch)
        elif isinstance(batch, ReadingsBatch):
            header = batch.header
            unset = header.clock_state is ClockState.UNSYNCHRONISED and header.wall0 < BUILT
            for point, time, mark in zip(batch.points, batch.times, batch.marks, strict=True):
                wall: int | None = time
                if mark == TimeMark.GATEWAY:  # of a clock nobody had set yet: not known
                    wall = None if unset else time + header.wall0 - header.mono0
                self._add(point, wall, wall, 1)

    def enter_skip(self, batch: SkipBatch) -> None:
        """Take over the lines of a skip that goes in turn."""
        for line in batch.ledger:
            self._add(line.point, line.start, line.end, line.count)

    def _add(self, point: int | None, start: int | None, end: int | None, count: int) -> None:
        line = self.lines.get(point)
        if line is None:
            line = self.lines[point] = Line(start, end)
        line.add(start, end, count)
        self.known += count

    def ledger(self, total: int) -> list[LedgerLine]:
        """Return the lines of a skip of `total` numbers; what is in no line is one without point.

        When more is known than is lost, because a part was delivered meanwhile, only the sum is
        told, with the time it lies in.
        """
        if self.known > total:
            return [self.summed(total)]
        lines = [
            LedgerLine(point=point, start=line.start, end=line.end, count=line.count)
            for point, line in self.lines.items()
        ]
        if self.known < total:
            rest = total - self.known
            lines.append(LedgerLine(point=None, start=None, end=None, count=rest))
        return lines

    def summed(self, total: int) -> LedgerLine:
        """Return one line for all `total`, from the first to the last time known."""
        start = end = None
        for line in self.lines.values():
            start, end = earlier(start, line.start), later(end, line.end)
        return LedgerLine(point=None, start=start, end=end, count=total)


def remainder(skip: SkipBatch, first: int, last: int) -> list[LedgerLine]:
    """Return the ledger of a part of what a skip stood for: its beginning had arrived."""
    tally = Tally()
    tally.enter_skip(skip)
    return [tally.summed(last - first + 1)]


def earlier(one: int | None, other: int | None) -> int | None:
    """Return the lesser; None counts as not known."""
    return other if one is None else one if other is None else min(one, other)


def later(one: int | None, other: int | None) -> int | None:
    """Return the greater; None counts as not known."""
    return other if one is None else one if other is None else max(one, other)
