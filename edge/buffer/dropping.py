"""Gives up whole ranges of streams: a skip with its ledger takes their numbers, then they go.

Building a ledger means decoding what is lost; it is done in small steps so that the buffer's thread
goes on taking new readings in between.
"""

from dataclasses import dataclass, field
from typing import Final

from edge.buffer.file import Row
from edge.buffer.folder import ALARM
from edge.buffer.format import THINNED
from edge.buffer.holdings import Holdings
from edge.buffer.housekeeping import Housekeeping
from edge.buffer.ledger import Tally
from edge.buffer.rewriting import STEP
from edge.buffer.streams import Part, Stream
from edge.buffer.thinning import known_header
from protocols.clock import real_monotonic
from protocols.errors import BufferDamaged
from protocols.wire.batch import SkipReason

ROWS: Final = 64
READ: Final = 64 * 1024


@dataclass(slots=True, kw_only=True)
class Loss:
    """A range of one stream on its way to becoming a skip; `at` is where its ledger has got to."""

    stream: Stream
    part: Part
    first: int
    last: int
    at: int
    tally: Tally = field(default_factory=Tally)
    stood_for: list[tuple[int, int]] | None = None
    """The ranges that thinning gave up, and counted, before; None: not looked at yet."""

    @property
    def file(self) -> str:
        return self.part.file

    @property
    def overtaken(self) -> bool:
        """Whether its file was put aside meanwhile: what was in it may yet be found."""
        return not any(part is self.part for part in self.stream.parts)


@dataclass(slots=True, kw_only=True)
class Dropping:
    """A segment (or the head of the alarm file) that goes, and the losses in it.

    Call `step` until it is False, then `finish`; `finish` alone tells the losses by their sums.
    `void` is set by whoever removes the segment meanwhile.
    """

    holdings: Holdings
    housekeeping: Housekeeping
    file: str
    losses: list[Loss]
    void: bool = False
    done: bool = False

    def step(self) -> bool:
        """Add some of what is lost to the ledger; False when all of it is in."""
        until = real_monotonic() + STEP
        while real_monotonic() < until:
            loss = next((each for each in self.losses if each.at <= each.last), None)
            if loss is None or self.void:
                return False
            self._account(loss, until)
        return True

    def _account(self, loss: Loss, until: float) -> None:
        rows = self._rows(loss)
        if not rows:
            loss.at = loss.last + 1
        for row in rows:
            sound = known_header(row) is not None
            if sound:
                loss.tally.enter(row.bytes)
            loss.at = row.last + 1 if sound else row.seq0 + 1
            if real_monotonic() >= until:
                return

    def _rows(self, loss: Loss) -> list[Row]:
        try:
            file = self.holdings.folder.get(loss.file)
            return file.rows(loss.stream.number, loss.at, loss.last, ROWS, READ)
        except BufferDamaged:
            return []

    def finish(self) -> None:
        """Write the skips, then free the space. Raises BufferFull; may be called again then."""
        if self.void or (self.file != ALARM and any(each.overtaken for each in self.losses)):
            return
        self._look_what_was_given_up_before()
        while self.losses:
            loss = self.losses[0]
            # Sent and answered while the ledger was written: that part is not lost after all.
            first = max(loss.first, loss.stream.committed + 1)
            if first <= loss.last:
                self._skip(loss, first)
            if self.file == ALARM:
                self.holdings.folder.alarm.delete(loss.stream.number, loss.first, loss.last)
                drop_head(loss.stream, loss.last)
            self.losses.pop(0)
        if self.file != ALARM:
            self._free()
        self.done = True

    def _free(self) -> None:
        forgotten = sum(map(self._forgotten, self.holdings.streams.values()))
        self.housekeeping.free(self.file)
        if forgotten:  # counted once it is so: this may be done again
            self.holdings.drops["not_yet_backed_up"] += forgotten

    def _look_what_was_given_up_before(self) -> None:
        for loss in self.losses:
            if loss.stood_for is None:
                loss.stood_for = self._stood_for(loss)

    def _stood_for(self, loss: Loss) -> list[tuple[int, int]]:
        """Return what was given up before; only a thinned segment has skips among its batches."""
        try:
            file = self.holdings.folder.get(loss.file)
            if file.meta(THINNED) is None:
                return []
            return file.stood_for(loss.stream.number, loss.first, loss.last)
        except BufferDamaged:
            return []

    def free_first(self) -> bool:
        """Free the segment's space where there is not even room to note it; then call `finish`.

        A kill in between leaves a hole, which is told as damage. False when this is no segment.
        """
        if self.void or self.file == ALARM:
            return False
        self.housekeeping.anchor_past(self.file)
        self.holdings.folder.remove(self.file)
        return True

    def _skip(self, loss: Loss, first: int) -> None:
        total, tally = loss.last - first + 1, loss.tally
        whole = first == loss.first and loss.at > loss.last
        lines = tally.ledger(total) if whole else [tally.summed(total)]
        counted = sum(max(0, b - max(a, first) + 1) for a, b in loss.stood_for or ())
        self.holdings.put_skip(
            loss.stream, first, loss.last, SkipReason.QUOTA, lines, counted=counted
        )

    def _forgotten(self, stream: Stream) -> int:
        """Return how much of a stream goes that the collector has and no backup covers."""
        return sum(
            max(0, min(part.last, stream.committed) - max(part.first, stream.safe + 1) + 1)
            for part in stream.parts
            if part.file == self.file
        )


def unsent(stream: Stream, part: Part) -> list[Loss]:
    """Return the ranges of a part that are neither committed nor already skipped."""
    losses, seq = [], max(part.first, stream.committed + 1)
    while seq <= part.last:
        skip = stream.skip_over(seq)
        if skip is not None:
            seq = skip.last + 1
            continue
        last = min(part.last, stream.run_end(seq))
        losses.append(Loss(stream=stream, part=part, first=seq, last=last, at=seq))
        seq = last + 1
    return losses


def drop_head(stream: Stream, last: int) -> None:
    """Take what is gone out of a stream's first part."""
    part = stream.parts[0]
    if last >= part.last:
        stream.parts.remove(part)
    else:
        part.first = last + 1
