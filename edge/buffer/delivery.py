"""The read side: what to send next, and what the collector's answers do to it."""

from collections.abc import Collection

from edge.buffer.file import Row
from edge.buffer.holdings import Holdings
from edge.buffer.model import Budget, Pending
from edge.buffer.streams import Part, Stream
from protocols.errors import BufferDamaged
from protocols.wire.batch import SkipBatch, SkipReason, decode_batch
from protocols.wire.chain import chain_next, chain_start
from protocols.words import Lane, StreamKind

CHUNK = Budget(batches=256, bytes=1 << 20)


class Delivery:
    """Hands out consecutive batches from `committed + 1` and moves the cursors."""

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings

    def pending(self, lane: Lane, budget: Budget, without: Collection[str]) -> Pending | None:
        """Return what a lane has to send, or None. Streams named in `without` are passed over."""
        for stream in self._candidates(lane):
            if stream.id in without or not stream.pending:
                continue
            rows = self._rows(stream, budget)
            if rows:
                return self._hand_out(stream, lane, rows)
        return None

    def _candidates(self, lane: Lane) -> list[Stream]:
        kind = StreamKind.ALARM if lane is Lane.ALARM else StreamKind.DATA
        streams = [s for s in self._holdings.streams.values() if s.kind is kind]
        if lane is not Lane.ALARM:
            streams = [s for s in streams if s.live == (lane is Lane.LIVE)]
        # What is being written now never waits behind what an earlier stream left.
        return sorted(streams, key=lambda s: (not s.live, s.number))

    def _rows(self, stream: Stream, budget: Budget) -> list[Row]:
        while stream.pending:
            seq = stream.committed + 1
            skip = stream.skip_over(seq)
            if skip is not None and skip.first == seq:
                return [Row(skip.first, skip.last - skip.first + 1, skip.bytes)]
            if skip is not None:
                self._holdings.put_skip(stream, seq, skip.last, _reason(skip.bytes))
                continue
            hole = stream.missing(seq)
            if hole is not None:
                self._holdings.put_skip(stream, *hole, SkipReason.CORRUPT)
                continue
            part = stream.part_over(seq)
            rows = self._read(stream, part, seq, budget) if part else []
            if rows:
                return rows
        return []

    def _read(self, stream: Stream, part: Part, seq: int, budget: Budget) -> list[Row]:
        """Return the sound consecutive batches from `seq` on; a hole becomes a skip first."""
        end = min(part.last, stream.run_end(seq))
        try:
            file = self._holdings.folder.get(part.file)
            found = file.rows(stream.number, seq, end, budget.batches, budget.bytes)
        except BufferDamaged as exc:
            self._holdings.damage(part.file, exc)
            return []
        sound = consecutive(found, seq)
        if not sound:
            after = next((row for row in found if row.intact and row.seq0 > seq), None)
            last = after.seq0 - 1 if after else (found[-1].last if found else end)
            self._holdings.put_skip(stream, seq, min(last, end), SkipReason.CORRUPT)
        return sound

    def _hand_out(self, stream: Stream, lane: Lane, rows: list[Row]) -> Pending:
        head = stream.head
        stream.sent = {}
        for row in rows:
            head = None if head is None else chain_next(head, row.bytes)
            stream.sent[row.last] = head
        return Pending(
            stream=stream.id,
            number=stream.number,
            lane=lane,
            kind=stream.kind,
            opening=stream.opening,
            manifest=stream.manifest,
            first=rows[0].seq0,
            last=rows[-1].last,
            batches=tuple(row.bytes for row in rows),
            head=head,
        )

    def committed(self, stream_id: str, seq: int, safe: int) -> None:
        """Take in what the collector says it holds of a stream; going back is a rewind."""
        stream = self._holdings.find(stream_id)
        if stream is None:
            return
        seq = min(seq, stream.last)
        if seq < stream.committed:
            self.rewind(stream_id, seq + 1, None)
        elif seq > stream.committed:
            if seq not in stream.sent:
                seq = self._edge(stream, seq)
            head = stream.sent[seq] if seq in stream.sent else self.head_at(stream, seq)
            stream.committed, stream.head = seq, head
            stream.changed = True
        if stream.safe != (safe := min(safe, stream.committed)):
            stream.safe = safe
            stream.changed = True
        if stream.safe >= stream.committed:
            stream.anchor, stream.anchor_head = stream.committed, stream.head

    def rewind(self, stream_id: str, expected: int, head: bytes | None) -> None:
        """Go (back) to `expected`; `head` is the collector's chain head before it, if it said so.

        What is no longer here and no longer there becomes a skip `gone_at_collector`.
        """
        stream = self._holdings.find(stream_id)
        if stream is None:
            return
        target, kept = expected - 1, stream.first
        if target > stream.committed:
            return
        if target >= kept:
            target = self._edge(stream, target)
        ours = self.head_at(stream, target)
        # Theirs only where ours may be wrong: a skip of ours may stand where the data did arrive.
        known = head if ours is None or (stream.skipped and head is not None) else ours
        stream.committed, stream.head, stream.sent = target, known, {}
        stream.safe = min(stream.safe, target)
        stream.changed = True
        if stream.anchor > target or stream.anchor_head is None:
            stream.anchor, stream.anchor_head = target, stream.head
        if expected < kept:
            self._holdings.put_skip(
                stream, expected, max(kept - 1, expected), SkipReason.GONE_AT_COLLECTOR
            )

    def meet(self, incarnation: str) -> bool:
        """Note which database answers; if it is another one, offer all not backed up again."""
        alarm = self._holdings.folder.alarm
        known = alarm.incarnation()
        if known == incarnation:
            return False
        alarm.set_incarnation(incarnation)
        if known is None:
            return False
        for stream in list(self._holdings.streams.values()):
            if stream.safe < stream.committed:
                self.rewind(stream.id, stream.safe + 1, None)
        return True

    def _edge(self, stream: Stream, seq: int) -> int:
        """Return the end of the last whole batch at or before `seq`."""
        skip = stream.skip_over(seq)
        part = stream.part_over(seq)
        if skip is not None or part is None:
            return seq
        try:
            row = self._holdings.folder.get(part.file).before(stream.number, seq)
        except BufferDamaged as exc:
            self._holdings.damage(part.file, exc)
            return seq
        return seq if row is None or row.last == seq else row.seq0 - 1

    def head_at(self, stream: Stream, seq: int) -> bytes | None:
        """Return the chain head after `seq`, computed from the nearest known one."""
        known = [(0, chain_start(stream.opening))]
        if stream.anchor_head is not None:
            known.append((stream.anchor, stream.anchor_head))
        if stream.head is not None:
            known.append((stream.committed, stream.head))
        at, head = max(mark for mark in known if mark[0] <= seq)
        while at < seq:
            rows = self._stored(stream, at + 1, seq)
            if not rows:
                return None
            for row in rows:
                head = chain_next(head, row.bytes)
            at = rows[-1].last
        return head if at == seq else None

    def _stored(self, stream: Stream, seq: int, last: int) -> list[Row]:
        skip = stream.skip_over(seq)
        if skip is not None:
            whole = skip.first == seq
            return [Row(seq, skip.last - seq + 1, skip.bytes)] if whole else []
        part = stream.part_over(seq)
        if part is None:
            return []
        end = min(part.last, stream.run_end(seq), last)
        try:
            file = self._holdings.folder.get(part.file)
            return consecutive(file.rows(stream.number, seq, end, CHUNK.batches, CHUNK.bytes), seq)
        except BufferDamaged as exc:
            self._holdings.damage(part.file, exc)
            return []


def consecutive(rows: list[Row], seq: int) -> list[Row]:
    """Return the leading rows that are sound and follow each other from `seq` on."""
    chosen: list[Row] = []
    for row in rows:
        if not row.intact or row.seq0 != seq:
            break
        chosen.append(row)
        seq = row.last + 1
    return chosen


def _reason(skip: bytes) -> SkipReason:
    batch = decode_batch(skip)
    return batch.reason if isinstance(batch, SkipBatch) else SkipReason.CORRUPT
