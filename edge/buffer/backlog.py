"""What waits to be sent, counted without reading a backlog.

Where a stream's cursor lies within a file, that file is asked once and the answer kept until the
cursor or the file's part moves: to open thousands of files for one figure takes seconds.
"""

from collections.abc import Iterable
from typing import NamedTuple

from edge.buffer.holdings import Holdings
from edge.buffer.model import Backlog
from edge.buffer.streams import Part, Stream
from protocols.wire.batch import read_header
from protocols.wire.opening import decode_opening


class Place(NamedTuple):
    """What an answer depends on: the cursor, and the part or skip that holds what follows it."""

    committed: int
    file: str
    first: int
    last: int


class Front(NamedTuple):
    """What waits first: both clocks when it was opened, and how many batches of its part wait."""

    place: Place
    mono: int
    wall: int
    ours: bool
    """Of this boot, so that its monotonic time tells its age whatever the wall clock was."""
    batches: int


class Backlogs:
    """Counts what waits; in the buffer's thread."""

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings
        self._fronts: dict[int, Front] = {}

    def count(self, streams: Iterable[Stream]) -> Backlog:
        """Return what waits of some streams."""
        readings, batches, oldest = 0, 0, None
        for stream in streams:
            pending = stream.pending
            if pending:
                front = self._front(stream)
                readings += pending
                batches += front.batches + _behind(stream)
                opened = self._opened(front)
                oldest = opened if oldest is None else min(oldest, opened)
        return Backlog(readings=readings, batches=batches, oldest=oldest)

    def forget_others(self) -> None:
        """Let go of what is known of streams that are no more."""
        streams = self._holdings.streams
        for number in [number for number in self._fronts if number not in streams]:
            del self._fronts[number]

    def _front(self, stream: Stream) -> Front:
        skip = stream.skip_over(stream.committed + 1) if stream.skips else None
        part = None if skip is not None else stream.part_over(stream.committed + 1)
        if skip is not None:
            place = Place(stream.committed, "", skip.first, skip.last)
        elif part is not None:
            place = Place(stream.committed, part.file, part.first, part.last)
        else:
            place = Place(stream.committed, "", 0, 0)
        known = self._fronts.get(stream.number)
        if known is not None and known.place == place and place.first:
            return known
        clock = self._holdings.clock
        at = (clock.mono(), clock.now(), False)
        if skip is not None:
            at = self._clocks(stream, skip.bytes)
        elif part is not None and known is not None and place[:3] == known.place[:3]:
            at = known[1:4]  # it only grew
        elif part is not None:
            file = self._holdings.folder.get(part.file)
            row = file.before(stream.number, stream.committed + 1)
            at = self._clocks(stream, row.bytes) if row else at
        front = Front(place, *at, self._begun(stream))
        self._fronts[stream.number] = front
        return front

    def _clocks(self, stream: Stream, data: bytes) -> tuple[int, int, bool]:
        header = read_header(data)[0]
        ours = decode_opening(stream.opening).boot == self._holdings.origin.boot
        return header.mono0, header.wall0, ours

    def _opened(self, front: Front) -> int:
        """Return when a front was opened, by the wall clock as it is now."""
        clock = self._holdings.clock
        return clock.now() - (clock.mono() - front.mono) if front.ours else front.wall

    def _begun(self, stream: Stream) -> int:
        """Return how many batches wait of the part that the cursor lies in."""
        part = next((p for p in stream.parts if p.first <= stream.committed < p.last), None)
        if part is None:
            return 0
        return self._after(stream, part)

    def _after(self, stream: Stream, part: Part) -> int:
        ordinal = self._holdings.folder.get(part.file).ordinal
        newest = ordinal(stream.number, part.last) or 0
        return newest - (ordinal(stream.number, stream.committed) or 0)


def _behind(stream: Stream) -> int:
    """Return how many skips, and batches in parts not begun, wait."""
    # Of two skips that end together one is sent.
    committed, skips = stream.committed, 0
    if stream.skips:
        skips = len({skip.last for skip in stream.skips.values() if skip.last > committed})
    return skips + sum([part.batches for part in stream.parts if part.first > committed])
