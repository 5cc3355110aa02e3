"""The read side: what to send next, and what the collector's answers do to it.

A collector may come to hold less of a stream than it once confirmed: its database was put back (a
virtual machine's snapshot, a copied file) without saying so. One stream notices; then everything
that no backup covers, of all streams, is offered again. A lost answer, or a restart that knows less
than the collector, leaves us behind the collector, never ahead of it: that is not noticed as such.
"""

import logging
from collections.abc import Collection
from contextlib import suppress

from edge.buffer.alarm_file import Skip
from edge.buffer.file import Row
from edge.buffer.folder import ALARM
from edge.buffer.heads import Heads, consecutive
from edge.buffer.holdings import Holdings
from edge.buffer.ledger import remainder
from edge.buffer.model import Budget, Pending, WentBack
from edge.buffer.resend import resend
from edge.buffer.streams import Part, Stream
from protocols.errors import BufferDamaged, BufferFault, SalvageUnderway
from protocols.wire.batch import SkipBatch, SkipReason, decode_batch
from protocols.wire.chain import chain_next
from protocols.words import Lane, StreamKind

logger = logging.getLogger(__name__)


class Delivery:
    """Hands out consecutive batches from `committed + 1` and moves the cursors."""

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings
        self._heads = Heads(holdings)
        self._offered: set[int] = set()
        """Streams offered again whose state at the collector no answer has confirmed since: what
        is missing of them belongs to what was noticed already."""

    def pending(self, lane: Lane, budget: Budget, without: Collection[str]) -> Pending | None:
        """Return what a lane has to send, or None. Streams named in `without` are passed over."""
        for stream in self._candidates(lane):
            if stream.id in without or self._holdings.is_unsure_of(stream):
                continue
            if not stream.pending:
                found = resend(self._holdings, stream, lane, budget)
                if found is not None:
                    return found
                continue
            with suppress(SalvageUnderway):  # what is missing of it may yet be found
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
                return _skips(stream, skip, budget)
            if skip is not None:
                self._skip_rest(stream, seq, skip.last, skip.bytes)
                continue
            hole = stream.missing(seq)
            if hole is not None:
                self._skip_hole(stream, *hole)
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
            cut = file.before(stream.number, seq)
            if cut is not None and cut.intact and cut.last >= seq:
                # The collector's cursor lies inside it; only a skip can stand so.
                self._skip_rest(stream, seq, min(cut.last, end), cut.bytes)
                return []
            after = next((row for row in found if row.intact and row.seq0 > seq), None)
            last = after.seq0 - 1 if after else (found[-1].last if found else end)
            self._holdings.put_skip(stream, seq, min(last, end), SkipReason.CORRUPT)
        return sound

    def _skip_hole(self, stream: Stream, first: int, last: int) -> None:
        """Skip what no file has. What the collector once had is gone on both sides: not damaged."""
        if first <= stream.told:
            last = min(last, stream.told)
            self._holdings.put_skip(stream, first, last, SkipReason.GONE_AT_COLLECTOR)
        else:
            self._holdings.put_skip(stream, first, last, SkipReason.CORRUPT)

    def _skip_rest(self, stream: Stream, seq: int, last: int, skip: bytes) -> None:
        """Skip the rest of what a skip stood for, which was given up and counted then."""
        batch = decode_batch(skip)
        if isinstance(batch, SkipBatch):
            rest, count = remainder(batch, seq, last), last - seq + 1
            self._holdings.put_skip(stream, seq, last, batch.reason, rest, counted=count)
        else:
            self._holdings.put_skip(stream, seq, last, SkipReason.CORRUPT)

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

    def committed(self, stream_id: str, seq: int, safe: int) -> WentBack | None:
        """Take in what the collector says it holds of a stream.

        Returns what it once confirmed when that was more, the first time this is noticed.
        """
        stream = self._holdings.find(stream_id)
        if stream is None:
            return None
        stream.resent_arrived()
        return self._reached(stream, seq, safe)

    def _reached(self, stream: Stream, seq: int, safe: int) -> WentBack | None:
        stream_id, stream.guessed = stream.id, False
        seq, back = min(seq, stream.last), None
        if seq < stream.committed:
            back = self.rewind(stream_id, seq + 1, None)
        else:
            self._offered.discard(stream.number)
        if seq > stream.committed:
            if seq not in stream.sent:
                seq = self._heads.edge(stream, seq)
            head = stream.sent[seq] if seq in stream.sent else self.head_at(stream, seq)
            stream.committed, stream.head = seq, head
            stream.changed = True
            stream.note_end()
        if stream.safe != (safe := min(safe, stream.committed)):
            stream.safe = safe
            stream.changed = True
        if stream.safe >= stream.committed:
            stream.anchor, stream.anchor_head = stream.committed, stream.head
        return back

    def rewind(self, stream_id: str, expected: int, head: bytes | None) -> WentBack | None:
        """Go to `expected`; `head` is the collector's chain head before it, if it said so.

        Forward, when its cursor lies inside a skip of ours. Back, when it holds less: what is no
        longer here and no longer there becomes a skip `gone_at_collector`; the first time this is
        noticed, everything not safe of every stream is offered again and what it was is returned.
        """
        stream = self._holdings.find(stream_id)
        if stream is None:
            return None
        told, now = stream.committed, expected - 1
        if now > told:
            self._go_on(stream, now, head)
            return None
        self._go_back(stream, now, head)
        if now == told or stream.number in self._offered:
            return None
        logger.error("the collector held %d of stream %s and now holds %d", told, stream_id, now)
        try:
            self.offer_again(but=stream)
        except BufferFault as exc:  # all is offered; `persist` makes it durable when it can
            logger.warning("offering again could not be made durable: %s", exc)
        return WentBack(stream=stream_id, told=told, now=now)

    def kept(self) -> dict[str, int]:
        """Return how far the collector is said to have each stream of which something is held."""
        return {stream.id: stream.committed for stream in self._holdings.streams.values()}

    def learned(self, stream_id: str, told: int, committed: int, safe: int) -> WentBack | None:
        """Take in how far a stream is at the collector, asked for when `told` was known of it.

        Only what is below `told` means that the collector went back: the stream may have got on
        since the question.
        """
        stream = self._holdings.find(stream_id)
        if stream is None:
            return None
        if committed < told:
            return self.rewind(stream_id, committed + 1, None)
        return self._reached(stream, max(committed, stream.committed), safe)

    def _go_on(self, stream: Stream, target: int, head: bytes | None) -> None:
        """Take the collector's cursor, though no batch or skip of ours ends there."""
        if target > stream.last:
            target, head = stream.last, None
        # Found before the cursor moves: the head here now is that of where it stands now.
        known = head if head is not None else self.head_at(stream, target)
        stream.committed, stream.head, stream.sent = target, known, {}
        stream.changed = True

    def _go_back(self, stream: Stream, target: int, head: bytes | None) -> None:
        stream.offer_recovered()
        stream.told = max(stream.told, stream.committed)
        expected, kept = target + 1, stream.first
        if target >= kept:
            target = self._heads.edge(stream, target)
        ours = self.head_at(stream, target)
        # Theirs only where ours may be wrong: a skip of ours may stand where the data did arrive.
        known = head if ours is None or (stream.skipped and head is not None) else ours
        stream.committed, stream.head, stream.sent = target, known, {}
        stream.safe = min(stream.safe, target)
        stream.changed = True
        stream.forget_ends()
        if stream.anchor > target or stream.anchor_head is None:
            stream.anchor, stream.anchor_head = target, stream.head
        stream.guessed = False
        if expected < kept:
            with suppress(SalvageUnderway):  # passed over meanwhile; what is gone is skipped then
                self._holdings.put_skip(
                    stream, expected, max(kept - 1, expected), SkipReason.GONE_AT_COLLECTOR
                )

    def offer_again(self, but: Stream | None = None) -> None:
        """Offer everything not safe of all streams (but one) again, durable on return."""
        streams = list(self._holdings.streams.values())
        self._offered = {stream.number for stream in streams}
        failed: BufferFault | None = None
        for stream in streams:
            if stream is not but and stream.safe < stream.committed:
                try:
                    self._go_back(stream, _offered_from(stream), None)
                except BufferFault as exc:  # it is offered; its skip waits until it is its turn
                    failed = exc
        if failed is not None:
            raise failed
        changed = [stream for stream in streams if stream.changed]
        try:
            self._holdings.folder.alarm.save([stream.progress() for stream in changed])
        except BufferDamaged as exc:
            self._holdings.damage(ALARM, exc)  # writes the progress of all into a new file
        for stream in changed:
            stream.changed = False

    def meet(self, incarnation: str) -> bool:
        """Note which database answers; if it is another one, offer all not backed up again."""
        known = self._holdings.folder.alarm.incarnation()
        if known == incarnation:
            return False
        if known is not None:
            # Before the name is durable: a process killed in between must do it again.
            self.offer_again()
        self._holdings.folder.alarm.set_incarnation(incarnation)
        return known is not None

    def head_at(self, stream: Stream, seq: int) -> bytes | None:
        """Return the chain head after `seq`, computed from the nearest known one."""
        return self._heads.head_at(stream, seq)


def _skips(stream: Stream, skip: Skip | None, budget: Budget) -> list[Row]:
    """Return a skip and those that follow it without a gap, as many as a request may carry."""
    rows, size = list[Row](), 0
    while skip is not None and len(rows) < max(1, budget.batches):
        size += len(skip.bytes)
        if rows and size > budget.bytes:
            break
        rows.append(Row(skip.first, skip.last - skip.first + 1, skip.bytes))
        skip = stream.skips.get(skip.last + 1)
    return rows


def _offered_from(stream: Stream) -> int:
    """Return where to go back to: what the quota took is asked for before it is called lost."""
    if stream.first > stream.last:
        return stream.safe
    return max(stream.safe, min(stream.first - 1, stream.committed))
