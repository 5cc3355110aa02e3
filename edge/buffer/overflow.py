"""What goes when the lifeboat is full: data the collector has, routine data, alarms last.

The oldest first, by whole segments; what nobody has becomes a skip that carries the ledger of it,
so that the loss is seen at the centre as soon as the skip gets there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from edge.buffer.folder import ALARM
from edge.buffer.heads import CHUNK
from edge.buffer.holdings import Holdings
from edge.buffer.housekeeping import Housekeeping
from edge.buffer.ledger import Tally
from edge.buffer.streams import Part, Stream
from protocols.wire.batch import SkipReason
from protocols.words import StreamKind

ALARMS_AT_ONCE: Final = 1024


@dataclass(frozen=True, slots=True)
class Given:
    """Numbers of a stream that were given up."""

    stream: str
    first: int
    last: int


def relieve(holdings: Holdings, housekeeping: Housekeeping, limit: int) -> list[Given]:
    """Give up until at most `limit` bytes are held; returns what was given up."""
    given: list[Given] = []
    while holdings.folder.total() > limit:
        name = _oldest_segment(holdings)
        if name is not None:
            given += _give_up_segment(holdings, housekeeping, name)
            continue
        more = _give_up_alarms(holdings, housekeeping)
        if not more:
            break
        given += more
    return given


def _oldest_segment(holdings: Holdings) -> str | None:
    folder = holdings.folder
    names = [name for name in folder.segments() if name != folder.active_name]
    if not names and folder.active_name is not None:
        names = [folder.active_name]
        if not _parts(holdings, names[0]):
            return None
        folder.retire()
    with_collector = (n for n in names if not any(_unsent(*each) for each in _parts(holdings, n)))
    return next(with_collector, names[0] if names else None)


def _parts(holdings: Holdings, name: str) -> list[tuple[Stream, Part]]:
    return [(s, p) for s in holdings.streams.values() for p in s.parts if p.file == name]


def _unsent(stream: Stream, part: Part) -> list[tuple[int, int]]:
    """Return the ranges of a part that are neither with the collector nor given up already."""
    ranges, seq = [], max(part.first, stream.committed + 1)
    while seq <= part.last:
        skip = stream.skip_over(seq)
        if skip is not None:
            seq = skip.last + 1
            continue
        last = min(part.last, stream.run_end(seq))
        ranges.append((seq, last))
        seq = last + 1
    return ranges


def _give_up_segment(holdings: Holdings, housekeeping: Housekeeping, name: str) -> list[Given]:
    given: list[Given] = []
    for stream, part in _parts(holdings, name):
        for first, last in _unsent(stream, part):
            _skip(holdings, stream, name, first, last)
            given.append(Given(stream.id, first, last))
    housekeeping.free(name)
    return given


def _give_up_alarms(holdings: Holdings, housekeeping: Housekeeping) -> list[Given]:
    """Give up the oldest alarms; nothing but a whole batch is ever given up."""
    alarm = holdings.folder.alarm
    for stream in sorted(holdings.streams.values(), key=lambda s: s.number):
        if stream.kind is not StreamKind.ALARM:
            continue
        for part in stream.parts:
            for first, last in _unsent(stream, part):
                rows = alarm.rows(stream.number, first, last, ALARMS_AT_ONCE, CHUNK.bytes)
                if not rows:
                    continue
                _skip(holdings, stream, ALARM, first, rows[-1].last)
                alarm.delete(stream.number, first, rows[-1].last)
                housekeeping.persist()
                return [Given(stream.id, first, rows[-1].last)]
    return []


def _skip(holdings: Holdings, stream: Stream, name: str, first: int, last: int) -> None:
    tally = Tally()
    for data in _batches(holdings, stream, name, first, last):
        tally.enter(data)
    ledger = tally.ledger(last - first + 1)
    holdings.put_skip(stream, first, last, SkipReason.QUOTA, ledger)


def _batches(
    holdings: Holdings, stream: Stream, name: str, first: int, last: int
) -> Iterator[bytes]:
    file = holdings.folder.get(name)
    while first <= last:
        rows = file.rows(stream.number, first, last, CHUNK.batches, CHUNK.bytes // 4)
        if not rows:
            return
        yield from (row.bytes for row in rows)
        first = rows[-1].last + 1
