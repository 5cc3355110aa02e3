"""Rebuilds the picture of all streams from the files of earlier processes."""

from dataclasses import dataclass, field, replace
from typing import Final

from edge.buffer.alarm_file import AlarmFile, Progress, Skip
from edge.buffer.file import BufferFile, StreamRecord
from edge.buffer.folder import ALARM, Folder
from edge.buffer.streams import Stream
from protocols.errors import BufferDamaged, BufferNewer
from protocols.wire.chain import chain_start
from protocols.words import StreamKind

RECOVERED: Final = "recovered"
"""Noted in a segment that has originals whose numbers a skip took before they turned up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What one file holds of one stream: the numbers and ordinals of its batches, both included."""

    record: StreamRecord
    first: int
    last: int
    oldest: int
    newest: int


@dataclass(slots=True, kw_only=True)
class Loaded:
    """The streams that still have something, by number; `progress` may know of more."""

    streams: dict[int, Stream] = field(default_factory=dict)
    progress: dict[int, Progress] = field(default_factory=dict)
    reaches: dict[int, int] = field(default_factory=dict)
    records: dict[int, StreamRecord] = field(default_factory=dict)
    skips: list[Skip] = field(default_factory=list)
    resent: list[str] = field(default_factory=list)

    def take(self, alarm: AlarmFile) -> None:
        """Take in what the alarm file knows of all streams; all of it or nothing."""
        records = {record.number: record for record in alarm.streams()}
        skips = [skip for skip in alarm.skips() if skip.number in records]
        progress, reaches = alarm.progress(), alarm.reaches()
        self.records, self.skips = records, skips
        self.progress, self.reaches = progress, reaches

    def must_fit(self, file: BufferFile, held: list[Held]) -> None:
        """Raise BufferDamaged when another stream has a number here: of another card or gateway."""
        for record in (each.record for each in held):
            known = self.streams.get(record.number) or self.records.get(record.number)
            if known is not None and known.id != record.id:
                raise BufferDamaged(file=str(file.path), reason="foreign stream")

    @property
    def highest(self) -> int:
        """The highest stream number any file knows."""
        return max([*self.streams, *self.progress, *self.reaches], default=0)

    @property
    def orphans(self) -> list[int]:
        """Streams of which nothing is left but their progress."""
        return sorted({*self.progress, *self.reaches} - set(self.streams))


def load_streams(folder: Folder) -> Loaded:
    """Return what earlier processes left.

    A file is read whole before any of it counts: one that cannot be is quarantined, and what it
    held shows as missing ranges.
    """
    loaded = Loaded()
    for name in [ALARM, *folder.segments()]:
        try:
            file = folder.get(name)
            held = _read(file)
            loaded.must_fit(file, held)
            if file.meta(RECOVERED):
                loaded.resent.append(name)
            if name == ALARM:
                loaded.take(folder.alarm)
        except BufferNewer as exc:
            folder.put_newer_aside(name, exc)
            continue
        except BufferDamaged as exc:
            folder.quarantine(name, str(exc.params.get("reason", exc.code)))
            continue
        for each in held:
            _enter(loaded.streams, name, each)
    _place(loaded)
    for stream in loaded.streams.values():
        _set_recovered_apart(stream, loaded.resent)
    return loaded


def _read(file: BufferFile) -> list[Held]:
    return [
        Held(
            record=record,
            first=extent[0],
            last=extent[1],
            oldest=file.ordinal(record.number, extent[0]) or 0,
            newest=file.ordinal(record.number, extent[1]) or 0,
        )
        for record in file.streams()
        if (extent := file.extent(record.number)) is not None
    ]


def _enter(streams: dict[int, Stream], name: str, held: Held) -> None:
    stream = streams.setdefault(held.record.number, new_stream(held.record))
    stream.insert(name, held.first, held.last, held.newest - held.oldest + 1)
    stream.ordinal = max(stream.ordinal, held.newest)


def new_stream(record: StreamRecord) -> Stream:
    """Return a stream as far as one file tells of it."""
    stream = Stream(
        id=record.id,
        number=record.number,
        kind=StreamKind(record.kind),
        opening=record.opening,
        manifest=record.manifest,
        guessed=True,
    )
    stand(stream, record)
    return stream


def stand(stream: Stream, record: StreamRecord) -> None:
    """Let a stream begin where a file's part of it does."""
    stream.committed = stream.safe = stream.anchor = record.base
    stream.head = chain_start(record.opening) if record.base == 0 else record.base_head
    stream.anchor_head = stream.head


def _place(loaded: Loaded) -> None:
    """Put every stream where it was; one whose files are gone, but not its numbers, is kept."""
    for skip in loaded.skips:
        record = loaded.records[skip.number]
        stream = loaded.streams.setdefault(skip.number, new_stream(record))
        stream.skips[skip.first] = skip
    for number, record in loaded.records.items():
        progress = loaded.progress.get(number)
        # What is committed and not safe may be asked for again, though nothing of it is here.
        needed = 0 if progress is None else progress.safe
        if loaded.reaches.get(number, 0) > needed and number not in loaded.streams:
            loaded.streams[number] = new_stream(replace(record, base=0))
    for number, stream in loaded.streams.items():
        progress = loaded.progress.get(number)
        if progress is not None:
            # Even when a file's part begins later: what lies between was lost with another file.
            stream.resume(progress)
        stream.reach = max(stream.reach, loaded.reaches.get(number, 0))


def _set_recovered_apart(stream: Stream, resent: list[str]) -> None:
    """What was found below the cursor is sent once more: an interrupted restart cannot know."""
    for part in list(stream.parts):
        if part.file in resent and part.first <= stream.committed:
            stream.recovered.append(replace(part, last=min(part.last, stream.committed)))
            if part.last <= stream.committed:
                stream.parts.remove(part)
