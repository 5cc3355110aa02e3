"""Chain heads and batch edges of a stream, found again from what is stored."""

from edge.buffer.file import Row
from edge.buffer.holdings import Holdings
from edge.buffer.model import Budget
from edge.buffer.streams import Stream
from edge.buffer.thinning import known_header
from protocols.errors import BufferDamaged
from protocols.wire.batch import BatchKind
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
        """Return the chain head after `seq`, computed from the nearest known one.

        None where a skip of ours lies between: the collector's chain may have gone on over the
        data, which did arrive though nobody here heard so. It tells its head when asked for it.
        """
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
                if is_skip(row):
                    return None
                head = chain_next(head, row.bytes)
            at = rows[-1].last
        return head if at == seq else None

    def _stored(self, stream: Stream, seq: int, last: int) -> list[Row]:
        if stream.skip_over(seq) is not None:
            return []
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


def is_skip(row: Row) -> bool:
    """Whether a row is what thinning left for what it gave up."""
    header = known_header(row)
    return header is not None and header.kind is BatchKind.SKIP
