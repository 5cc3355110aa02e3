"""Chain heads and batch edges of a stream, found again from what is stored."""

from edge.buffer.file import Row
from edge.buffer.holdings import Holdings
from edge.buffer.model import Budget
from edge.buffer.streams import Stream
from protocols.errors import BufferDamaged
from protocols.wire.chain import chain_next, chain_start

CHUNK = Budget(batches=256, bytes=1 << 20)


class Heads:
    """Reads a stream's batches to say where one ends and what the head is after it."""

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings

    def edge(self, stream: Stream, seq: int) -> int:
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
            # Where it is parted, the collector's chain went on over what did arrive.
            whole = skip.first == seq and not stream.is_parted(skip)
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
