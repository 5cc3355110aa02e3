"""Which batches stay when routine data is thinned, and what stands for the rest (pure).

One batch a minute of source wall time stays; each run between two that stay becomes one skip whose
ledger tells by point what is gone, or in one line where that would take more than a quarter of
what is saved. What cannot be read stays as it is, to be told as damage when its turn to be sent
comes. Events and skips are never thinned.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from edge.buffer.file import Row
from edge.buffer.ledger import Tally
from protocols.clock import MINUTE
from protocols.errors import WireError
from protocols.wire.batch import BatchKind, Header, SkipReason, encode_skip, read_header

KEEP_EVERY: Final = MINUTE
LEDGER_SHARE: Final = 4
"""A ledger by point may take a fourth of what is dropped, a longer one is summed up."""
WORTH: Final = 256
"""Bytes: a skip for less than that would save nothing."""


@dataclass(slots=True)
class Run:
    """Batches that go, one after the other."""

    header: Header
    last: int
    bytes: int = 0
    rows: list[Row] = field(default_factory=list)
    """Kept while the run is too short to be worth a skip."""
    tally: Tally = field(default_factory=Tally)

    def take(self, row: Row) -> None:
        """Take in the next batch that goes."""
        self.last = row.last
        self.bytes += len(row.bytes)
        self.tally.enter(row.bytes)
        if self.bytes <= WORTH:
            self.rows.append(row)

    @property
    def count(self) -> int:
        return self.last - self.header.seq0 + 1

    def skip(self) -> Row:
        """Return what stands for the run, stamped as its first batch."""
        try:
            data = encode_skip(self.header.stamp, SkipReason.QUOTA, self.tally.ledger(self.count))
        except WireError:  # of very many points: too large
            data = b""
        if not data or len(data) * LEDGER_SHARE > self.bytes:
            total = self.tally.summed(self.count)
            data = encode_skip(self.header.stamp, SkipReason.QUOTA, [total])
        return Row(self.header.seq0, self.count, data)


@dataclass(slots=True, kw_only=True)
class Thinner:
    """Goes through one stretch batch by batch; nothing up to `guard` is touched.

    `thinned` counts readings given up, `first_gone` is the first of them.
    """

    guard: int
    next: int
    """The number the next batch should begin with."""
    thinned: int = 0
    first_gone: int | None = None
    _minute: int | None = None
    _run: Run | None = None

    def take(self, row: Row) -> Iterator[Row]:
        """Yield what is to be written because `row` is the next one."""
        header = known_header(row)
        if row.seq0 != self.next or header is None:
            yield from self.end()
        self.next = row.seq0 + 1 if header is None else row.last + 1
        if header is None:
            yield row._replace(intact=False)
            return
        minute = header.wall0 // KEEP_EVERY
        routine = header.kind is BatchKind.READINGS and row.seq0 > self.guard
        if not routine or minute != self._minute:
            yield from self.end()
            yield row
            if header.kind is BatchKind.READINGS:
                self._minute = minute
            return
        if self._run is None:
            self._run = Run(header, row.last)
        self._run.take(row)

    def end(self) -> Iterator[Row]:
        """Yield what stands for the run that ends here."""
        run, self._run = self._run, None
        if run is None:
            return
        if run.bytes <= WORTH:
            yield from run.rows
            return
        self.thinned += run.count
        if self.first_gone is None:
            self.first_gone = run.header.seq0
        yield run.skip()


def known_header(row: Row) -> Header | None:
    """Return the header of a sound batch; None for one that is damaged."""
    if not row.intact:
        return None
    try:
        header, _ = read_header(row.bytes)
    except WireError:
        return None
    return header if (header.seq0, header.n) == (row.seq0, row.n) else None
