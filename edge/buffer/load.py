"""Rebuilds the picture of all streams from the files of earlier processes."""

from edge.buffer.alarm_file import Progress
from edge.buffer.file import BufferFile, StreamRecord
from edge.buffer.folder import ALARM, Folder
from edge.buffer.streams import Stream
from protocols.errors import BufferDamaged
from protocols.wire.chain import chain_start
from protocols.words import StreamKind


def load_streams(folder: Folder) -> dict[int, Stream]:
    """Return every stream of earlier processes that still has something, by number.

    Damaged files are quarantined; what they held shows as missing ranges.
    """
    streams: dict[int, Stream] = {}
    for name in [ALARM, *folder.segments()]:
        try:
            _read(folder.get(name), name, streams)
        except BufferDamaged as exc:
            folder.quarantine(name, str(exc.params.get("reason", exc.code)))
            _strike(streams, name)
    records = {record.number: record for record in folder.alarm.streams()}
    for skip in folder.alarm.skips():
        if skip.number not in streams:
            streams[skip.number] = _new(records[skip.number])
        streams[skip.number].skips[skip.first] = skip
    progress = folder.alarm.progress()
    for stream in streams.values():
        _place(stream, progress.get(stream.number))
    return streams


def highest_number(folder: Folder, streams: dict[int, Stream]) -> int:
    """Return the highest stream number any file knows."""
    return max([*streams, *folder.alarm.progress()], default=0)


def _read(file: BufferFile, name: str, streams: dict[int, Stream]) -> None:
    for record in file.streams():
        extent = file.extent(record.number)
        if extent is None:
            continue
        first, last = extent
        newest = file.ordinal(record.number, last) or 0
        oldest = file.ordinal(record.number, first) or 0
        stream = streams.setdefault(record.number, _new(record))
        stream.extend(name, first, last, newest - oldest + 1)
        stream.ordinal = newest


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


def _strike(streams: dict[int, Stream], name: str) -> None:
    for number in list(streams):
        stream = streams[number]
        stream.parts = [part for part in stream.parts if part.file != name]
        if not stream.parts:
            del streams[number]
