"""The store: journal, chunks, families, heads; rows only for strays and corrections.

Steps m021, m025 and m028. Never edit one that has been released.
"""

from sqlite_utils import Database


def m021_store(db: Database) -> None:
    """Readings leave their row table, which stays for what is late and for what is here already.

    `journal.id` rises and is never used twice; what is at or below `store.watermark` is in chunks,
    and a chunk whose `seal` is above it is not there yet; `high` was the last chunk's id when it
    moved. `day` counts UTC days since 1970, which
    begin at 08:00 in Beijing; `members` are bits by `family_member.place`; times µs UTC.
    """
    for statement in (
        "ALTER TABLE reading RENAME TO late",
        """CREATE TABLE journal (
            id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, received INTEGER NOT NULL,
            n INTEGER NOT NULL, body BLOB NOT NULL) STRICT""",
        "CREATE TABLE family (number INTEGER PRIMARY KEY, device TEXT NOT NULL) STRICT",
        "CREATE INDEX family_device ON family(device, number)",
        """CREATE TABLE family_member (
            point INTEGER PRIMARY KEY, family INTEGER NOT NULL REFERENCES family(number),
            place INTEGER NOT NULL) STRICT""",
        "CREATE UNIQUE INDEX family_member_place ON family_member(family, place)",
        """CREATE TABLE chunk (
            id INTEGER PRIMARY KEY, family INTEGER NOT NULL, day INTEGER NOT NULL,
            t0 INTEGER NOT NULL, t1 INTEGER NOT NULL, n INTEGER NOT NULL, members INTEGER NOT NULL,
            received0 INTEGER NOT NULL, received1 INTEGER NOT NULL, seal INTEGER NOT NULL,
            summary BLOB NOT NULL, body BLOB NOT NULL) STRICT""",
        "CREATE INDEX chunk_family ON chunk(family, day, t0, t1, members, n, seal)",
        """CREATE TABLE head (
            kind TEXT NOT NULL, page INTEGER NOT NULL, body BLOB NOT NULL,
            PRIMARY KEY (kind, page)) STRICT""",
        """CREATE TABLE store (
            one INTEGER PRIMARY KEY CHECK (one = 1), watermark INTEGER NOT NULL,
            high INTEGER NOT NULL) STRICT""",
        "INSERT INTO store(one, watermark, high) VALUES (1, 0, 0)",
    ):
        db.execute(statement)


def m025_set_aside(db: Database) -> None:
    """What could not be read or sealed, with its bytes as they were; it is in no answer.

    `origin`: `journal` (`journal` is the row's id, `body` its bytes, empty where SQLite could not
    read them), `seal` (`body` packed as a journal row's) or `head` (a page of newest values).
    `found`, `received`: µs UTC.
    """
    db.execute(
        """CREATE TABLE set_aside (
            id INTEGER PRIMARY KEY, found INTEGER NOT NULL, origin TEXT NOT NULL,
            journal INTEGER, what TEXT NOT NULL, stream INTEGER NOT NULL,
            received INTEGER NOT NULL, n INTEGER NOT NULL, reason TEXT NOT NULL,
            body BLOB NOT NULL) STRICT"""
    )


def m028_settled(db: Database) -> None:
    """Who settled what was set aside, when (µs UTC) and how: dismissed with a note, or rebuilt.

    `restored`: readings that were put back. NULL: nobody settled it yet.
    """
    for column in (
        "settled INTEGER",
        "settled_by TEXT",
        "how TEXT",
        "note TEXT",
        "restored INTEGER NOT NULL DEFAULT 0",
    ):
        db.execute(f"ALTER TABLE set_aside ADD COLUMN {column}")
