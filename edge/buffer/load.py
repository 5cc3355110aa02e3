"""Rebuilds the picture of all streams from the files of earlier processes."""

from dataclasses import dataclass, field

from edge.buffer.alarm_file import Progress, Skip
from edge.buffer.file import BufferFile, StreamRecord
from edge.buffer.folder import ALARM, Folder
from edge.buffer.streams import Stream
from protocols.errors import BufferDamaged, BufferNewer
from protocols.wire.chain import chain_start
from protocols.words import StreamKind


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

    @property
    def highest(self) -> int:
        """The highest stream number any file knows."""
        return max([*self.streams, *self.progress], default=0)

    @property
    def orphans(self) -> list[int]:
        """Streams of which nothing is left but their progress."""
        return sorted(set(self.progress) - set(self.streams))


def load_streams(folder: Folder) -> Loaded:
    """Return what earlier processes left.

    A file is read whole before any of it counts: one that cannot be is quarantined, and what it
    held shows as missing ranges.
    """
    loaded = Loaded()
    skips: list[Skip] = []
    records: dict[int, StreamRecord] = {}
    for name in [ALARM, *folder.segments()]:
        try:
            file = folder.get(name)
            held = _read(file)
            if name == ALARM:
                records = {record.number: record for record in file.streams()}
                skips = [skip for skip in folder.alarm.skips() if skip.number in records]
                loaded.progress = folder.alarm.progress()
        except BufferNewer as exc:
            folder.put_newer_aside(name, exc)
            continue
        except BufferDamaged as exc:
            folder.quarantine(name, str(exc.params.get("reason", exc.code)))
            continue
        for each in held:
            _enter(loaded.streams, name, each)
    for skip in skips:
        stream = loaded.streams.setdefault(skip.number, _new(records[skip.number]))
        stream.skips[skip.first] = skip
    for stream in loaded.streams.values():
        _place(stream, loaded.progress.get(stream.number))
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
    stream = streams.setdefault(held.record.number, _new(held.record))
    stream.extend(name, held.first, held.last, held.newest - held.oldest + 1)
    stream.ordinal = held.newest


def _new(record: StreamRecord) -> Stream:
    stream = Stream(
        id=record.id,
        number=record.number,
        kind=StreamKind(record.kind),
        opening=record.opening,
        manifest=record.manifest,
    )
    stream.committed = stream.safe = stream.anchor = record.base
    stream.head = chain_start(record.opening) if record.base == 0 else record.base_head
    stream.anchor_head = stream.head
    return stream


def _place(stream: Stream, progress: Progress | None) -> None:
    if progress is not None and progress.committed >= stream.committed:
        stream.resume(progress)
