"""What is given up when the quota is reached, in this order, everything counted:

1. the oldest segment whose data the collector has committed though not yet backed up,
2. the oldest routine data: a skip takes its numbers and carries the ledger of what was lost,
3. the oldest alarms, the same way, when there is nothing else left.

Building a ledger means decoding what is lost; it is done in small steps so that the buffer's thread
goes on taking new readings in between.
"""

from dataclasses import dataclass, field
from typing import Final

from edge.buffer.folder import ALARM
from edge.buffer.heads import CHUNK
from edge.buffer.holdings import Holdings
from edge.buffer.housekeeping import Housekeeping
from edge.buffer.streams import Part, Stream
from protocols.errors import BufferDamaged, WireError
from protocols.wire.batch import LedgerLine, ReadingsBatch, SkipReason, decode_batch
from protocols.words import StreamKind, TimeMark

ALARMS_AT_ONCE: Final = 4096
"""Alarm batches are small: fewer would free nothing worth a transaction."""


@dataclass(slots=True)
class Line:
    """One point's loss so far; times are wall clock, µs."""

    start: int
    end: int
    count: int = 0

    def add(self, time: int) -> None:
        self.start, self.end = min(self.start, time), max(self.end, time)
        self.count += 1


@dataclass(slots=True, kw_only=True)
class Loss:
    """A range of one stream on its way to becoming a skip."""

    stream: Stream
    file: str
    first: int
    last: int
    at: int
    lines: dict[int, Line] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Victim:
    """What goes next: a segment (or the head of the alarm file) and the losses in it."""

    file: str
    losses: list[Loss]


class Quota:
    """Chooses, accounts and removes. All calls in the buffer's thread."""

    def __init__(self, holdings: Holdings, housekeeping: Housekeeping) -> None:
        self._holdings = holdings
        self._housekeeping = housekeeping

    def over(self) -> int:
        """Return the bytes above the quota, 0 when within."""
        return max(0, self._holdings.folder.total() - self._housekeeping.quota_bytes)

    def victim(self) -> Victim | None:
        """Return what is to go next; None when only the newest alarms are left."""
        folder = self._holdings.folder
        held = [n for n in folder.segments() if n != folder.active_name]
        if not held and folder.active_name is not None and self._holds_rows(folder.active_name):
            held = [folder.active_name]
            folder.retire()
        committed = next((n for n in held if not self._losses(n)), None)
        if committed is not None:
            return Victim(file=committed, losses=[])
        if held:
            return Victim(file=held[0], losses=self._losses(held[0]))
        return self._oldest_alarms()

    def _holds_rows(self, name: str) -> bool:
        return any(part.file == name for s in self._holdings.streams.values() for part in s.parts)

    def _losses(self, name: str) -> list[Loss]:
        return [
            loss
            for stream in self._holdings.streams.values()
            for part in stream.parts
            if part.file == name
            for loss in self._unsent(stream, part)
        ]

    def _unsent(self, stream: Stream, part: Part) -> list[Loss]:
        """Return the ranges of a part that are neither committed nor already skipped."""
        losses, seq = [], max(part.first, stream.committed + 1)
        while seq <= part.last:
            skip = stream.skip_over(seq)
            if skip is not None:
                seq = skip.last + 1
                continue
            last = min(part.last, stream.run_end(seq))
            losses.append(Loss(stream=stream, file=part.file, first=seq, last=last, at=seq))
            seq = last + 1
        return losses

    def _oldest_alarms(self) -> Victim | None:
        streams = sorted(self._holdings.streams.values(), key=lambda s: s.number)
        for stream in streams:
            for part in stream.parts:
                if part.file != ALARM or stream.kind is not StreamKind.ALARM:
                    continue
                losses = self._unsent(stream, part)
                if losses:
                    losses[0].last = self._end_of_run(losses[0])
                    return Victim(file=ALARM, losses=losses[:1])
        return None

    def _end_of_run(self, loss: Loss) -> int:
        rows = self._holdings.folder.alarm.rows(
            loss.stream.number, loss.first, loss.last, ALARMS_AT_ONCE, CHUNK.bytes
        )
        return rows[-1].last if rows else loss.last

    def account(self, victim: Victim) -> bool:
        """Add some of what is lost to the ledger; False when all of it is in."""
        loss = next((each for each in victim.losses if each.at <= each.last), None)
        if loss is None:
            return False
        try:
            file = self._holdings.folder.get(loss.file)
            rows = file.rows(loss.stream.number, loss.at, loss.last, CHUNK.batches // 8, 1 << 18)
        except BufferDamaged:
            rows = []
        for row in rows:
            if row.intact:
                enter(loss.lines, row.bytes)
        loss.at = rows[-1].last + 1 if rows else loss.last + 1
        return True

    def drop(self, victim: Victim) -> None:
        """Write the skips, then free the space."""
        for loss in victim.losses:
            # Sent and answered while the ledger was written: that part is not lost after all.
            first = max(loss.first, loss.stream.committed + 1)
            if first <= loss.last:
                lines = ledger(loss, first)
                self._holdings.put_skip(loss.stream, first, loss.last, SkipReason.QUOTA, lines)
        if victim.file == ALARM:
            for loss in victim.losses:
                self._holdings.folder.alarm.delete(loss.stream.number, loss.first, loss.last)
                drop_head(loss.stream, loss.last)
            return
        for stream in self._holdings.streams.values():
            self._count_forgotten(stream, victim.file)
        self._housekeeping.free(victim.file)

    def _count_forgotten(self, stream: Stream, name: str) -> None:
        for part in stream.parts:
            last = min(part.last, stream.committed)
            if part.file == name and last > stream.safe:
                first = max(part.first, stream.safe + 1)
                self._holdings.drops["not_yet_backed_up"] += last - first + 1


def drop_head(stream: Stream, last: int) -> None:
    """Take what is gone out of a stream's first part."""
    part = stream.parts[0]
    if last >= part.last:
        stream.parts.remove(part)
    else:
        part.first = last + 1


def enter(lines: dict[int, Line], data: bytes) -> None:
    """Count the readings of one batch into the ledger's lines."""
    try:
        batch = decode_batch(data)
    except WireError:
        return
    if not isinstance(batch, ReadingsBatch):
        return
    to_wall = batch.header.wall0 - batch.header.mono0
    for point, time, mark in zip(batch.points, batch.times, batch.marks, strict=True):
        wall = time + to_wall if mark == TimeMark.GATEWAY else time
        line = lines.get(point)
        if line is None:
            line = lines[point] = Line(wall, wall)
        line.add(wall)


def ledger(loss: Loss, first: int) -> list[LedgerLine] | None:
    """Return the ledger of `first..loss.last`, or None when it cannot be told by point."""
    total = loss.last - first + 1
    known = sum(line.count for line in loss.lines.values())
    if first != loss.first or known > total:
        return None
    lines = [
        LedgerLine(point=point, start=line.start, end=line.end, count=line.count)
        for point, line in sorted(loss.lines.items())
    ]
    if known < total:
        lines.append(LedgerLine(point=None, start=None, end=None, count=total - known))
    return lines
