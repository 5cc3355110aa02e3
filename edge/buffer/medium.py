"""The store on the medium: opened, and after a failure opened again, as often as it takes.

A medium that failed is not trusted to have kept what it was given last: files and connections are
closed and opened as at a start, what may or may not be there is taken out (the lifeboat has it,
under the same numbers), and no file that was written to then is ever appended to again but the
alarm file. Everything here runs in the buffer's one thread.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from edge.buffer.faults import of_the_system
from edge.buffer.file import Row
from edge.buffer.holdings import Holdings
from edge.buffer.lifeboat import Cargo, Landing
from edge.buffer.store import Store
from edge.buffer.streams import Stream
from protocols.errors import BufferFault
from protocols.words import StreamKind

PROBE: Final = ".probe"


class Medium:
    """Holds the store while it can be opened; `make` opens it."""

    def __init__(self, folder: Path, make: Callable[[], Store]) -> None:
        self._folder = folder
        self._make = make
        self._before: Holdings | None = None
        self.store: Store | None = None
        self.unreadable = False
        """A question failed since it was opened last."""

    def open(self) -> None:
        """Open the store. Raises BufferFault."""
        with in_our_words(self._folder):
            self.store, self.unreadable = self._make(), False

    def reopen(self, aboard: Mapping[str, int], highest: int) -> None:
        """Open the store anew, ready to be written to. Raises BufferFault: it is not.

        `aboard`: the streams of the lifeboat and their floors. `highest`: numbers up to it are
        taken, which is durable on return.
        """
        try:
            with in_our_words(self._folder):
                probe(self._folder)
        except BufferFault:
            # A card that only refuses to be written to is read; else somebody may want to unmount.
            if self.unreadable or not self._waits():
                self._close()
            raise
        self._close()
        try:
            self.open()
            store = self.must()
            self._carry_over(store.holdings, aboard)
            store.run(self._get_ready, store, aboard, highest)
        except BufferFault:
            self._close()
            raise
        self._before = None

    def _waits(self) -> bool:
        store = self.store
        return store is not None and any(s.pending for s in store.holdings.streams.values())

    def must(self) -> Store:
        """Return the store. Raises BufferFault when it is not open."""
        if self.store is None:
            raise BufferFault("BUFFER_IO", file=str(self._folder), reason="closed")
        return self.store

    def _close(self) -> None:
        """Let go of the files; what was known of the streams is kept for the next time."""
        if self.store is not None:
            self._before = self._before or self.store.holdings
            with suppress(BufferFault, OSError):
                self.store.holdings.folder.close()
        self.store = None

    def _carry_over(self, now: Holdings, aboard: Mapping[str, int]) -> None:
        """Take up what was known and could not be made durable; account for what is gone."""
        before = self._before
        if before is None:
            return
        now.drops.update(before.drops)
        now.written += before.written
        now.highest = max(now.highest, before.highest)
        for stream in before.streams.values():
            found = now.find(stream.id)
            if found is None:
                if stream.id in aboard or stream.number in now.streams or not stream.pending:
                    continue
                found = replace(stream, parts=[], skips={}, recovered=[], sent={}, live=False)
                now.streams[found.number] = found
            found.resume(stream.progress())
            found.changed = True
            # What is not there any more shows as missing when its turn comes.
            found.reach = max(found.reach, stream.last)

    def _get_ready(self, store: Store, aboard: Mapping[str, int], highest: int) -> None:
        held = store.holdings
        held.folder.retire()
        for stream in list(held.streams.values()):
            if stream.id in aboard:
                cut(held, stream, aboard[stream.id])
        reserve(held, highest)
        held.account()


def reserve(held: Holdings, highest: int) -> None:
    """See to it that no number up to `highest` is ever given; durable on return."""
    held.highest = held.folder.next_number(max(held.highest, highest))


def cut(held: Holdings, stream: Stream, floor: int) -> None:
    """Take everything above `floor` out of a stream: it was never handed out from here.

    The note of how far it reached goes first: were it left, a kill would make a loss of it.
    """
    held.folder.alarm.lower_reach(stream.number, floor)
    held.noted.pop(stream.number, None)
    for part in list(stream.parts):
        if part.last <= floor:
            continue
        first = max(part.first, floor + 1)
        file = held.folder.get(part.file)
        newest = file.ordinal(stream.number, part.last) or 0
        file.delete(stream.number, first, part.last)
        if part.first > floor:
            stream.parts.remove(part)
        else:
            part.batches -= newest - (file.ordinal(stream.number, floor) or newest)
            part.last = floor
    stream.skips = {first: skip for first, skip in stream.skips.items() if first <= floor}
    stream.reach = min(stream.reach, floor)
    if not stream.parts and not stream.skips and stream.committed <= floor:
        del held.streams[stream.number]


def take(store: Store, cargo: Cargo, rows: list[Row]) -> None:
    """Store a stretch of a stream that comes from the lifeboat; durable on return."""
    held = store.holdings
    stream = berth(held, cargo)
    alarm = stream.kind is StreamKind.ALARM
    file = held.folder.alarm if alarm else held.folder.active()
    file.write(held.record(stream), cargo.manifest, stream.ordinal + 1, rows)
    held.streams[stream.number] = stream
    stream.extend(file.path.name, rows[0].seq0, rows[-1].last, len(rows))
    held.written += sum(len(row.bytes) for row in rows)
    if not alarm and file.size() >= store.segment_bytes:
        held.folder.retire()


def berth(held: Holdings, cargo: Cargo) -> Stream:
    """Return the medium's picture of a stream, new when it has none."""
    record = cargo.record
    known = held.streams.get(record.number)
    if known is not None:
        return known
    return Stream(
        id=record.id,
        number=record.number,
        kind=StreamKind(record.kind),
        opening=record.opening,
        manifest=record.manifest,
        committed=record.base,
        head=record.base_head,
        safe=record.base,
        anchor=record.base,
        anchor_head=record.base_head,
    )


def land(store: Store, cargo: Cargo, landing: Landing) -> None:
    """Take a stream over, whose batches are all here: its cursor and its skips, durable."""
    held, alarm = store.holdings, store.holdings.folder.alarm
    stream = berth(held, cargo)
    for skip in landing.skips:
        alarm.put_skip(skip, held.record(stream), cargo.manifest)
        stream.skips[skip.first] = skip
    held.streams[stream.number] = stream
    progress = landing.progress
    if stream.committed >= cargo.floor:  # else its beginning, which was never aboard, comes first
        safe = stream.safe if progress.safe <= cargo.floor else progress.safe
        anchor = (stream.anchor, stream.anchor_head)
        stream.resume(progress)
        stream.safe = min(safe, stream.committed)
        if stream.first <= cargo.floor:
            stream.anchor, stream.anchor_head = anchor
    stream.skipped = stream.skipped or progress.skipped
    alarm.save([stream.progress()])
    stream.changed = False


@contextmanager
def in_our_words(folder: Path) -> Iterator[None]:
    """Turn the system's errors into ours."""
    try:
        yield
    except OSError as exc:
        raise of_the_system(exc, folder) from exc


def probe(folder: Path) -> None:
    """Write, make durable and remove a small file, as SQLite would. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / PROBE
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.pwrite(descriptor, b"fengsui" * 100, 0)
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)
    path.unlink()
