"""The write side: seals groups into the live stream of their kind, durable on return."""

from collections.abc import Sequence

from edge.buffer.file import BufferFile, Row
from edge.buffer.folder import ALARM
from edge.buffer.holdings import Holdings
from edge.buffer.model import Group, Report
from edge.buffer.seal import seal
from edge.buffer.streams import Stream
from edge.sabotage import Sabotage
from protocols.errors import BufferDamaged, BufferFault, BufferFull
from protocols.wire.chain import chain_start
from protocols.wire.opening import Opening, encode_opening, new_stream_id
from protocols.words import StreamKind


class Writer:
    """Owns the live streams of this process. `segment_bytes`: when a data file is full."""

    def __init__(
        self, holdings: Holdings, segment_bytes: int, report: Report | None, sabotage: Sabotage
    ) -> None:
        self._holdings = holdings
        self._segment_bytes = segment_bytes
        self._report = report
        self._sabotage = sabotage
        self._live: dict[StreamKind, Stream] = {}

    def write(self, kind: StreamKind, groups: Sequence[Group]) -> None:
        """Seal and store. Raises BufferFault, and then nothing of `groups` was stored."""
        stream = self._stream(kind)
        file = (
            self._holdings.folder.alarm
            if kind is StreamKind.ALARM
            else self._holdings.folder.active()
        )
        rows: list[Row] = []
        for group in self._sabotage.groups(kind, groups):
            seq0 = rows[-1].last + 1 if rows else stream.last + 1
            rows += seal(group, stream.number, seq0, self._holdings.origin.decimals)
        self._store(stream, file, rows)
        stream.extend(file.path.name, rows[0].seq0, rows[-1].last, len(rows))
        self._holdings.written += sum(len(row.bytes) for row in rows)
        self._tell(stream, file, rows)
        if kind is StreamKind.DATA and file.size() >= self._segment_bytes:
            self._holdings.folder.retire()

    def rotate(self, kind: StreamKind) -> None:
        """Close the live stream of `kind`: what it still holds is backfill from now on."""
        stream = self._live.pop(kind, None)
        if stream is not None:
            stream.live = False
            stream.changed = True

    def _stream(self, kind: StreamKind) -> Stream:
        stream = self._live.get(kind)
        if stream is None or not stream.live:
            stream = self._live[kind] = self._open(kind)
        return stream

    def _open(self, kind: StreamKind) -> Stream:
        held, origin = self._holdings, self._holdings.origin
        try:
            number = held.folder.alarm.next_number(held.highest)
        except BufferDamaged as exc:
            held.damage(ALARM, exc)
            number = held.folder.alarm.next_number(held.highest)
        opening = Opening(
            stream=new_stream_id(),
            number=number,
            gateway=origin.gateway,
            kind=kind,
            boot=origin.boot,
            purpose=origin.purpose,
            manifest=origin.manifest_digest,
            opened=held.clock.now(),
        )
        data = encode_opening(opening)
        head = chain_start(data)
        stream = Stream(
            id=opening.stream,
            number=number,
            kind=kind,
            opening=data,
            manifest=opening.manifest,
            live=True,
            head=head,
            anchor_head=head,
        )
        held.highest = number
        held.streams[number] = stream
        return stream

    def _store(self, stream: Stream, file: BufferFile, rows: list[Row]) -> None:
        record, origin = self._holdings.record(stream), self._holdings.origin
        try:
            file.write(record, origin.manifest, stream.ordinal + 1, rows)
        except (BufferDamaged, BufferFull):
            raise
        except BufferFault:
            # Whether the medium has it is unknown: ask a fresh connection, not the old one.
            if not self._stored(stream, file, rows[-1].last):
                raise

    def _stored(self, stream: Stream, file: BufferFile, last: int) -> bool:
        name = file.path.name
        fresh = self._holdings.folder.reopen(name)
        extent = fresh.extent(stream.number)
        if extent is not None and extent[1] >= last:
            return True
        # This stream ends with what is surely there; the same data goes into the next one.
        self.rotate(stream.kind)
        return False

    def _tell(self, stream: Stream, file: BufferFile, rows: list[Row]) -> None:
        if self._report is not None:
            for row in rows:
                self._report(stream.id, row.seq0, row.n)
        if self._sabotage.drops(stream.kind):
            file.delete(stream.number, rows[0].seq0, rows[-1].last)
