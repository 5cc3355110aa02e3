"""One SQLite file of the buffer: sealed batches, the streams they belong to, their manifests.

A row is one sealed immutable batch. Its key packs the stream's ordinal and the first sequence
number (`number << 40 | seq0`): the table grows only at its right edge and needs no second index.
`ordinal` counts the batches of a stream, so that a range is counted without being read.
A file explains itself: it carries the opening record and the manifest of every stream it holds.

WAL with `synchronous=FULL` (what returned is on the medium), 1 KiB pages (an SD card's life),
EXCLUSIVE locking (one connection, no shared memory file). Every SQLite error leaves this module as
a BufferFault. All calls come from the buffer's one thread.
"""

import sqlite3
import zlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from edge.buffer.faults import faults, identity
from edge.buffer.format import FORMAT, PRAGMAS, SCHEMA
from edge.buffer.look import look_at
from edge.buffer.making import make
from edge.buffer.migrations import migrate
from edge.buffer.rows import Row, StreamRecord, key, stream_record, stream_row
from edge.buffer.sqlite import Database
from protocols.errors import BufferDamaged, BufferFault
from protocols.wire.header import BatchKind

__all__ = ["BufferFile", "Row", "StreamRecord", "key", "unlink", "wal"]


class BufferFile:
    """An open file; `path` is made when missing, and brought to the present format when older.

    Raises BufferNewer when a later version wrote it (and does not touch it), BufferDamaged,
    BufferFault.
    """

    schema: tuple[str, ...] = SCHEMA

    def __init__(self, path: Path) -> None:
        self.path = path
        if not look_at(path, wal(path)):
            make(path, self.schema)
        with faults(path):
            connection = sqlite3.connect(path, timeout=1.0, check_same_thread=False)
        connection.text_factory = partial(str, encoding="utf-8", errors="replace")
        self.db = Database(connection)
        try:
            with faults(path):
                self._prepare()
                self._identity = identity(path)
        except BufferFault:
            self.db.conn.close()
            raise

    def _prepare(self) -> None:
        for name, value, expected in PRAGMAS:
            self._pragma(f"{name}={value}")
            if expected is not None and (found := self._pragma(name)) != expected:
                raise BufferFault("BUFFER_PRAGMA", file=str(self.path), name=name, found=str(found))
        version = self._pragma("user_version")
        if not isinstance(version, int) or not 1 <= version <= FORMAT:
            raise BufferDamaged(file=str(self.path), reason=f"user_version {version}")
        if version < FORMAT:
            migrate(self.db, version)

    def _pragma(self, text: str) -> int | str | None:
        row = self.db.conn.execute(f"PRAGMA {text}").fetchone()
        return None if row is None else row[0]

    def write(
        self, record: StreamRecord, manifest: bytes, ordinal: int, rows: Sequence[Row]
    ) -> None:
        """Store batches of one stream, the first with `ordinal`, durable on return."""
        self.must_be_there()
        with faults(self.path), self.db.atomic():
            self.ensure(record, manifest)
            self.db.conn.executemany(
                "INSERT INTO batch VALUES (?, ?, ?, ?, ?)",
                [
                    (key(record.number, row.seq0), at, row.n, zlib.crc32(row.bytes), row.bytes)
                    for at, row in enumerate(rows, ordinal)
                ],
            )

    def scratch(self) -> None:
        """Write without a journal: for a file that counts only once it is complete and flushed."""
        with faults(self.path):
            self._pragma("journal_mode=OFF")
            self._pragma("synchronous=OFF")

    def insert(self, rows: Sequence[tuple[int, int, int, int, bytes]]) -> None:
        """Store rows of the table `batch` as they are."""
        with faults(self.path), self.db.atomic():
            self.db.conn.executemany("INSERT INTO batch VALUES (?, ?, ?, ?, ?)", rows)

    def put_back(
        self, record: StreamRecord, manifest: bytes, ordinals: Sequence[int], rows: Sequence[Row]
    ) -> int:
        """Store batches found again, where they are not there yet; returns how many readings."""
        self.must_be_there()
        with faults(self.path), self.db.atomic():
            self.ensure(record, manifest)
            return sum(
                row.n
                * self.db.conn.execute(
                    "INSERT OR IGNORE INTO batch VALUES (?, ?, ?, ?, ?)",
                    (key(record.number, row.seq0), at, row.n, zlib.crc32(row.bytes), row.bytes),
                ).rowcount
                for at, row in zip(ordinals, rows, strict=True)
            )

    def spans(self, number: int, seq: int, last: int, batches: int) -> list[tuple[int, int]]:
        """Return (first, n) of up to `batches` batches that begin in `seq..last`, in order."""
        low = key(number, 0)
        with faults(self.path):
            rows = self.db.conn.execute(
                "SELECT key, n FROM batch WHERE key>=? AND key<=? ORDER BY key LIMIT ?",
                (low + seq, low + last, batches),
            ).fetchall()
        return [(at - low, n) for at, n in rows]

    def stood_for(self, number: int, first: int, last: int) -> list[tuple[int, int]]:
        """Return the ranges within `first..last` that batches which are skips stand for, in order.

        Reads all of it: ask only where there may be one.
        """
        low, kind = key(number, 0), bytes([BatchKind.SKIP])
        with faults(self.path):
            rows = self.db.conn.execute(
                "SELECT key - ?1, n FROM batch WHERE key<=?1 + ?3 AND key>=coalesce("
                "(SELECT MAX(key) FROM batch WHERE key<=?1 + ?2 AND key>=?1), ?1 + ?2)"
                " AND substr(bytes, 1, 1)=?4 ORDER BY key",
                (low, first, last, kind),
            ).fetchall()
        found = [(max(at, first), min(at + n - 1, last)) for at, n in rows]
        return [each for each in found if each[0] <= each[1]]

    def must_be_there(self) -> None:
        """Raise BufferDamaged when the file was deleted: SQLite would write on, into nowhere."""
        if identity(self.path) != self._identity:
            raise BufferDamaged(file=str(self.path), reason="missing")

    def ensure(self, record: StreamRecord, manifest: bytes) -> None:
        """Note a stream and its manifest once; inside the caller's transaction."""
        run = self.db.conn.execute
        if run("SELECT 1 FROM stream WHERE number=?", (record.number,)).fetchone() is None:
            run("INSERT OR IGNORE INTO manifest VALUES (?, ?)", (record.manifest, manifest))
            run("INSERT INTO stream VALUES (?, ?, ?, ?, ?, ?, ?)", stream_row(record))

    def streams(self) -> list[StreamRecord]:
        """Return every stream the file has heard of, by number."""
        with faults(self.path):
            rows = self.db.conn.execute(
                "SELECT number, id, kind, opening, manifest, base, base_head FROM stream"
                " ORDER BY number"
            ).fetchall()
            return [stream_record(row) for row in rows]

    def extent(self, number: int) -> tuple[int, int] | None:
        """Return the first and last sequence number held of a stream; None when there is none."""
        low, high = key(number, 0), key(number + 1, 0)
        with faults(self.path):
            # Two questions: MIN and MAX in one would read the whole range.
            first = self.db.conn.execute(
                "SELECT MIN(key) FROM batch WHERE key>=? AND key<?", (low, high)
            ).fetchone()[0]
            if first is None:
                return None
            last, n = self.db.conn.execute(
                "SELECT key, n FROM batch WHERE key>=? AND key<? ORDER BY key DESC LIMIT 1",
                (low, high),
            ).fetchone()
        return first - low, last - low + n - 1

    def rows(self, number: int, seq: int, last: int, batches: int, size: int) -> list[Row]:
        """Return up to `batches` batches of `seq..last` in order, at least one, about `size`."""
        found: list[Row] = []
        with faults(self.path):
            cursor = self.db.conn.execute(
                "SELECT key, n, crc, bytes FROM batch WHERE key>=? AND key<=? ORDER BY key LIMIT ?",
                (key(number, seq), key(number, last), batches),
            )
            for at, n, crc, data in cursor:
                size -= len(data)
                if size < 0 and found:
                    break
                found.append(Row(at - key(number, 0), n, data, zlib.crc32(data) == crc))
        return found

    def before(self, number: int, seq: int) -> Row | None:
        """Return the batch that begins last at or before `seq`."""
        with faults(self.path):
            row = self.db.conn.execute(
                "SELECT key, n, crc, bytes FROM batch WHERE key<=? AND key>=?"
                " ORDER BY key DESC LIMIT 1",
                (key(number, seq), key(number, 0)),
            ).fetchone()
        if row is None:
            return None
        return Row(row[0] - key(number, 0), row[1], row[3], zlib.crc32(row[3]) == row[2])

    def ordinal(self, number: int, seq: int, *, after: bool = False) -> int | None:
        """Return the ordinal of the last batch that begins at or before `seq` (or the next)."""
        with faults(self.path):
            row = self.db.conn.execute(
                "SELECT ordinal FROM batch WHERE key>? AND key<? ORDER BY key LIMIT 1"
                if after
                else "SELECT ordinal FROM batch WHERE key<=? AND key>=? ORDER BY key DESC LIMIT 1",
                (key(number, seq), key(number + 1, 0) if after else key(number, 0)),
            ).fetchone()
        return None if row is None else row[0]

    def manifest(self, digest: str) -> bytes | None:
        """Return the manifest named by `digest`, if the file has it."""
        with faults(self.path):
            row = self.db.conn.execute(
                "SELECT bytes FROM manifest WHERE digest=?", (digest,)
            ).fetchone()
        return None if row is None else row[0]

    def meta(self, name: str) -> int | str | bytes | None:
        """Return what the file notes about itself under `name`."""
        with faults(self.path):
            row = self.db.conn.execute("SELECT value FROM meta WHERE name=?", (name,)).fetchone()
        return None if row is None else row[0]

    def set_meta(self, name: str, value: int | str | bytes) -> None:
        """Note it; durable on return."""
        with faults(self.path), self.db.atomic():
            self.db.conn.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def set_base(self, number: int, head: bytes) -> None:
        """Note the chain head before this file's part of a stream."""
        with faults(self.path), self.db.atomic():
            self.db.conn.execute("UPDATE stream SET base_head=? WHERE number=?", (head, number))

    def delete(self, number: int, first: int, last: int) -> None:
        """Forget the batches that begin within `first..last`."""
        with faults(self.path), self.db.atomic():
            self.db.conn.execute(
                "DELETE FROM batch WHERE key>=? AND key<=?", (key(number, first), key(number, last))
            )

    def size(self) -> int:
        """Return the bytes on the medium, journal included."""
        return sum(p.stat().st_size for p in (self.path, wal(self.path)) if p.exists())

    def close(self) -> None:
        """Fold the journal in and let go of the file."""
        with faults(self.path):
            self.db.conn.close()


def wal(path: Path) -> Path:
    """Return the journal's path beside `path`."""
    return path.with_name(path.name + "-wal")


def unlink(path: Path) -> None:
    """Remove a closed file with its journal; no error when it is gone."""
    for each in (wal(path), path):
        each.unlink(missing_ok=True)
