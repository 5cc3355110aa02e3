"""The write side: seals groups into the live stream of their kind, durable on return.

What was sealed keeps its numbers for ever. When the medium fails while it takes them, nobody can
say whether it has them (a failed fsync is not asked again: it would lie), so they must never go out
under other numbers: they are left in `unsure`, and their stream ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from edge.buffer.file import BufferFile, Row
from edge.buffer.folder import ALARM
from edge.buffer.holdings import Holdings
from edge.buffer.model import Group, Report
from edge.buffer.seal import seal
from edge.buffer.streams import Stream
from edge.sabotage import Sabotage
from protocols.errors import BufferDamaged
from protocols.wire.chain import chain_start
from protocols.wire.opening import Opening, encode_opening, new_stream_id
from protocols.words import StreamKind


@dataclass(frozen=True, slots=True)
class Written:
    """The numbers that what was written got, both included."""

    stream: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Unsure:
    """Sealed batches the medium may or may not have; the stream held `base` before them, surely."""

    stream: Stream
    rows: tuple[Row, ...]

    @property
    def base(self) -> int:
        return self.rows[0].seq0 - 1

    @property
    def last(self) -> int:
        return self.rows[-1].last


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
        self._unsure: dict[StreamKind, Unsure] = {}

    def write(self, kind: StreamKind, groups: Sequence[Group]) -> Written:
        """Seal and store. Raises BufferFault: writing the same again is safe, anything else is not
        until `unsure` was asked.
        """
        self._unsure.pop(kind, None)
        stream = self._stream(kind)
        file = (
            self._holdings.folder.alarm
            if kind is StreamKind.ALARM
            else self._holdings.folder.active()
        )
        self._sabotage.prepare(file)
        rows: list[Row] = []
        for group in self._sabotage.groups(kind, groups):
            seq0 = rows[-1].last + 1 if rows else stream.last + 1
            rows += seal(group, stream.number, seq0, self._holdings.origin.decimals)
        self._store(stream, file, rows)
        self._holdings.crash.reach("edge.sealed")
        self._unsure.pop(kind, None)
        stream.extend(file.path.name, rows[0].seq0, rows[-1].last, len(rows))
        self._holdings.written += sum(len(row.bytes) for row in rows)
        self._tell(stream, file, rows)
        if kind is StreamKind.DATA and file.size() >= self._segment_bytes:
            self._holdings.folder.retire()
        return Written(stream.id, rows[0].seq0, rows[-1].last)

    def unsure(self, kind: StreamKind) -> Unsure | None:
        """Return what the last write may have left on the medium, and end its stream; once."""
        unsure = self._unsure.pop(kind, None)
        if unsure is not None:
            self.rotate(kind)
        return unsure

    def rotate(self, kind: StreamKind) -> None:
        """Close the live stream of `kind`: what it still holds is backfill from now on."""
        stream = self._live.pop(kind, None)
        if stream is not None:
            self._holdings.crash.reach("edge.rotating")
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
            number = held.folder.next_number(held.highest)
        except BufferDamaged as exc:
            held.damage(ALARM, exc)
            number = held.folder.next_number(held.highest)
        opening = Opening(
            stream=new_stream_id(),
            number=number,
            gateway=origin.gateway,
            kind=kind,
            boot=origin.boot,
            purpose=origin.purpose,
            manifest=origin.manifest_digest,
            opened=held.clock.now(),
            sig_alg=origin.sig_alg,
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
        self._unsure[stream.kind] = Unsure(stream, tuple(rows))
        try:
            file.write(record, origin.manifest, stream.ordinal + 1, rows)
        except BufferDamaged:  # rolled back, or never begun: surely not there
            del self._unsure[stream.kind]
            raise

    def _tell(self, stream: Stream, file: BufferFile, rows: list[Row]) -> None:
        if self._report is not None:
            for row in rows:
                self._report(stream.id, row.seq0, row.n)
        if self._sabotage.drops(stream.kind):
            file.delete(stream.number, rows[0].seq0, rows[-1].last)
