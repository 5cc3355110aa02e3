"""The shape of the buffer's files: page size, pragmas, tables, the number of the format."""

from typing import Final

FORMAT: Final = 2
"""The format this version writes, in `PRAGMA user_version`."""
PAGE: Final = 1024

PRAGMAS: Final = (
    # (name, what to set, what must then be read back; None: only set)
    ("page_size", str(PAGE), None),  # fixed when the file is made
    ("locking_mode", "EXCLUSIVE", "exclusive"),  # before WAL: no shared memory file is ever made
    ("journal_mode", "WAL", "wal"),
    ("synchronous", "FULL", 2),
    ("wal_autocheckpoint", "1000", 1000),
    ("journal_size_limit", "4194304", 4194304),
)

META: Final = "CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID"

SCHEMA: Final = (
    "CREATE TABLE stream (number INTEGER PRIMARY KEY, id TEXT NOT NULL, kind INTEGER NOT NULL,"
    " opening BLOB NOT NULL, manifest TEXT NOT NULL, base INTEGER NOT NULL, base_head BLOB)",
    "CREATE TABLE manifest (digest TEXT PRIMARY KEY, bytes BLOB NOT NULL)",
    "CREATE TABLE batch (key INTEGER PRIMARY KEY, ordinal INTEGER NOT NULL, n INTEGER NOT NULL,"
    " crc INTEGER NOT NULL, bytes BLOB NOT NULL)",
    META,
)

THINNED: Final = "thinned"
"""Noted in a segment that was thinned: it is not thinned again, and has skips among its batches."""
