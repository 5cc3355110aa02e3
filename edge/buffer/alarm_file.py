"""The buffer's first file: alarms and events, and the little that is known about every stream.

`progress` says how far the collector has each stream (persisted every 30 s and at close: a restart
sends at most that again, as duplicates). `skip` holds the batches that stand for what is gone; one
here replaces whatever another file still has in its range. `meta` hands out stream numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from edge.buffer.faults import faults
from edge.buffer.file import BufferFile, StreamRecord, key
from edge.buffer.format import PAGE, SCHEMA
from edge.buffer.rows import NUMBER_MOST, SEQ_MOST
from protocols.wire.header import read_header

NEXT_NUMBER: Final = "next_number"
INCARNATION: Final = "incarnation"
REACH: Final = "reach."
"""Begins the name of a note, by stream: the highest number given when it was last persisted. What
is lost with a file, behind the last number still found, is told by it."""
TOLD: Final = "told."
"""Begins the name of a note, by stream: how far the collector had it before it went back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What the collector said of a stream, and the chain heads known at two places of it.

    `anchor` is a place at or before everything still kept, so that any later head can be computed.
    `told` is how far the collector had it before it went back; 0: it never did.
    """

    number: int
    committed: int
    head: bytes | None
    safe: int
    anchor: int
    anchor_head: bytes | None
    skipped: bool
    told: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """A sealed skip batch covering `first..last` of a stream."""

    number: int
    first: int
    last: int
    bytes: bytes


class AlarmFile(BufferFile):
    """`alarm.db`: alarm batches, progress of all streams, skips, the counter of streams."""

    schema = (
        *SCHEMA,
        "CREATE TABLE progress (number INTEGER PRIMARY KEY, committed INTEGER NOT NULL, head BLOB,"
        " safe INTEGER NOT NULL, anchor INTEGER NOT NULL, anchor_head BLOB,"
        " skipped INTEGER NOT NULL)",
        "CREATE TABLE skip (number INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,"
        " bytes BLOB NOT NULL, PRIMARY KEY (number, first)) WITHOUT ROWID",
    )

    def next_number(self, at_least: int) -> int:
        """Return a stream number never given before, above `at_least`; durable on return."""
        with faults(self.path), self.db.atomic():
            run = self.db.conn.execute
            row = run("SELECT value FROM meta WHERE name=?", (NEXT_NUMBER,)).fetchone()
            number = max(at_least + 1, _bounded(row[0], NUMBER_MOST) if row else 1)
            run("INSERT OR REPLACE INTO meta VALUES (?, ?)", (NEXT_NUMBER, number + 1))
        return number

    def incarnation(self) -> str | None:
        """Return the id of the collector's database that last answered."""
        known = self.meta(INCARNATION)
        return None if known is None else str(known)

    def set_incarnation(self, value: str) -> None:
        """Remember it; durable on return."""
        self.set_meta(INCARNATION, value)

    def progress(self) -> dict[int, Progress]:
        """Return what is known of every stream, by number."""
        told = self._notes(TOLD)
        with faults(self.path):
            rows = self.db.conn.execute(
                "SELECT number, committed, head, safe, anchor, anchor_head, skipped FROM progress"
            ).fetchall()
            return {
                row[0]: Progress(
                    number=_bounded(row[0], NUMBER_MOST),
                    committed=_bounded(row[1], SEQ_MOST),
                    head=_head(row[2]),
                    safe=_bounded(row[3], SEQ_MOST),
                    anchor=_bounded(row[4], SEQ_MOST),
                    anchor_head=_head(row[5]),
                    skipped=bool(row[6]),
                    told=told.get(row[0], 0),
                )
                for row in rows
            }

    def skips(self) -> list[Skip]:
        """Return every skip still kept, in order."""
        with faults(self.path):
            rows = self.db.conn.execute(
                "SELECT number, first, last, bytes FROM skip ORDER BY number, first"
            ).fetchall()
            for number, first, last, data in rows:
                header, _ = read_header(data)
                if (header.number, header.seq0, header.n) != (number, first, last - first + 1):
                    raise ValueError("skip and row disagree")
        return [Skip(number=r[0], first=r[1], last=r[2], bytes=r[3]) for r in rows]

    def put_skip(self, skip: Skip, record: StreamRecord, manifest: bytes) -> None:
        """Keep a skip instead of those it covers whole, with what its stream needs to be sent."""
        with faults(self.path), self.db.atomic():
            self.ensure(record, manifest)
            self.db.conn.execute(
                "DELETE FROM skip WHERE number=? AND first>=? AND last<=?",
                (skip.number, skip.first, skip.last),
            )
            self.db.conn.execute(
                "INSERT OR REPLACE INTO skip VALUES (?, ?, ?, ?)",
                (skip.number, skip.first, skip.last, skip.bytes),
            )

    def reaches(self) -> dict[int, int]:
        """Return how far each stream had reached when that was noted, by number."""
        return self._notes(REACH)

    def _notes(self, prefix: str) -> dict[int, int]:
        with faults(self.path):
            rows = self.db.conn.execute(
                "SELECT name, value FROM meta WHERE name>=? AND name<?", (prefix, prefix + "~")
            ).fetchall()
            numbers = [_bounded(row[0].removeprefix(prefix), NUMBER_MOST) for row in rows]
            return dict(zip(numbers, (_bounded(row[1], SEQ_MOST) for row in rows), strict=True))

    def note(
        self, record: StreamRecord, manifest: bytes, reach: int, progress: Progress | None
    ) -> None:
        """Keep what must be known of a stream to tell, if its files are lost, what was lost."""
        self.must_be_there()
        with faults(self.path), self.db.atomic():
            self.ensure(record, manifest)
            run = self.db.conn.execute
            run("INSERT OR REPLACE INTO meta VALUES (?, ?)", (f"{REACH}{record.number}", reach))
            if progress is not None:
                run("INSERT OR IGNORE INTO progress VALUES (?, ?, ?, ?, ?, ?, ?)", _row(progress))

    def lower_reach(self, number: int, most: int) -> None:
        """Take back a note that a stream reached further than `most`; durable on return."""
        name = f"{REACH}{number}"
        with faults(self.path), self.db.atomic():
            if most > 0:
                self.db.conn.execute(
                    "UPDATE meta SET value=? WHERE name=? AND value>?", (most, name, most)
                )
            else:
                self.db.conn.execute("DELETE FROM meta WHERE name=?", (name,))

    def save(
        self,
        progress: Sequence[Progress],
        forget: Sequence[int] = (),
        batches: Mapping[int, int] | None = None,
        skips: Mapping[int, int] | None = None,
    ) -> None:
        """Persist progress; drop batches and skips up to the given seq, and whole streams."""
        self.must_be_there()
        with faults(self.path), self.db.atomic():
            many = self.db.conn.executemany
            many(
                "INSERT OR REPLACE INTO progress VALUES (?, ?, ?, ?, ?, ?, ?)",
                [_row(each) for each in progress],
            )
            went_back = [each for each in progress if each.told > each.committed]
            many(
                "INSERT OR REPLACE INTO meta VALUES (?, ?)",
                [(f"{TOLD}{each.number}", each.told) for each in went_back],
            )
            many(
                "DELETE FROM batch WHERE key>=? AND key<=?",
                [(key(number, 0), key(number, last)) for number, last in (batches or {}).items()],
            )
            many("DELETE FROM skip WHERE number=? AND last<=?", list((skips or {}).items()))
            gone = [(number,) for number in forget]
            many("DELETE FROM progress WHERE number=?", gone)
            many("DELETE FROM skip WHERE number=?", gone)
            many("DELETE FROM stream WHERE number=?", gone)
            notes = [(f"{prefix}{number}",) for number in forget for prefix in (REACH, TOLD)]
            many("DELETE FROM meta WHERE name=?", notes)
            self.db.conn.execute(
                "DELETE FROM manifest WHERE digest NOT IN (SELECT manifest FROM stream)"
            )

    def size(self) -> int:
        """Return the bytes in use: freed pages are used again before the file grows."""
        with faults(self.path):
            run = self.db.conn.execute
            pages = run("PRAGMA page_count").fetchone()[0]
            free = run("PRAGMA freelist_count").fetchone()[0]
        return int(pages - free) * PAGE


def _row(p: Progress) -> tuple[object, ...]:
    return (p.number, p.committed, p.head, p.safe, p.anchor, p.anchor_head, p.skipped)


def _bounded(value: int | str, most: int) -> int:
    """Return a stored number. Raises ValueError: no writer of ours has put it there."""
    number = int(value)
    if not 0 <= number <= most:
        raise ValueError("out of bounds")
    return number


def _head(value: bytes | None) -> bytes | None:
    return None if value is None else bytes(value)
