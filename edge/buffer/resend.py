"""Originals that turned up after a skip had taken their numbers at the collector.

They go out as an ordinary request at or below the cursor, when everything else of their stream has
been answered: the collector stores an original that comes after its skip as recovered, and what it
has already as a duplicate. The cursor and the chain are not touched by them.
"""

from edge.buffer.holdings import Holdings
from edge.buffer.model import Budget, Pending
from edge.buffer.streams import Stream
from protocols.errors import BufferDamaged
from protocols.words import Lane


def resend(holdings: Holdings, stream: Stream, lane: Lane, budget: Budget) -> Pending | None:
    """Return the first of a stream's recovered batches; asking again gives the same."""
    while stream.recovered:
        part = stream.recovered[0]
        try:
            file = holdings.folder.get(part.file)
            rows = file.rows(stream.number, part.first, part.last, budget.batches, budget.bytes)
        except BufferDamaged as exc:
            holdings.damage(part.file, exc)
            continue
        rows = [row for row in rows if row.intact and row.last <= stream.committed]
        if not rows:
            del stream.recovered[0]
            continue
        chosen = rows[:1]
        for row in rows[1:]:
            if row.seq0 != chosen[-1].last + 1:
                break
            chosen.append(row)
        last = chosen[-1].last
        stream.resent = last
        return Pending(
            stream=stream.id,
            number=stream.number,
            lane=lane,
            kind=stream.kind,
            opening=stream.opening,
            manifest=stream.manifest,
            first=chosen[0].seq0,
            last=last,
            batches=tuple(row.bytes for row in chosen),
            # Looked at only where the request ends at the cursor.
            head=stream.head if last == stream.committed else None,
        )
    return None
