"""Backups and what they cover, and numbers of points kept with manifests.

Steps m007 to m010, m017, m024 and m027. Never edit one that has been released.
"""

from sqlite_utils import Database


def m007_backup(db: Database) -> None:
    """What verified backups cover of each stream, the backups, which boot spoke last.

    `ordinal` is the stream's number in its gateway's buffer, as its opening record has it;
    `restored` the cursor that a restore left it with.
    """
    for statement in (
        "ALTER TABLE stream ADD COLUMN safe INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE stream ADD COLUMN ordinal INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE stream ADD COLUMN restored INTEGER",
        "UPDATE stream SET ordinal = json_extract(CAST(opening AS TEXT), '$.number')",
        "CREATE INDEX stream_ordinal ON stream(gateway, ordinal)",
        "ALTER TABLE boot ADD COLUMN seen INTEGER NOT NULL DEFAULT 0",
        "UPDATE boot SET seen = learned",
        "ALTER TABLE gateway ADD COLUMN boot TEXT",
        """CREATE TABLE backup (
            id INTEGER PRIMARY KEY, time INTEGER NOT NULL, file TEXT NOT NULL,
            bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, result TEXT NOT NULL,
            detail TEXT NOT NULL, actor TEXT NOT NULL, seconds REAL NOT NULL,
            checked INTEGER, removed INTEGER) STRICT""",
        "CREATE INDEX backup_result ON backup(result, time)",
        # Restored and copied databases keep it: tells one's own backups from another's.
        "INSERT INTO collector(key, value) VALUES ('lineage', lower(hex(randomblob(16))))",
    ):
        db.execute(statement)


def m010_numbers(db: Database) -> None:
    """A manifest keeps the numbers of its points: int64, little-endian, in its own order.

    Where they are missing (an older file) they are worked out and written at the first use.
    """
    db.execute("ALTER TABLE manifest ADD COLUMN numbers BLOB")


def m017_identity(db: Database) -> None:
    """Whether a backup carries the collector's own files; `missing`: of a version before that."""
    db.execute("ALTER TABLE backup ADD COLUMN identity TEXT NOT NULL DEFAULT 'missing'")
    db.execute("ALTER TABLE backup ADD COLUMN identity_sha256 TEXT NOT NULL DEFAULT ''")


def m024_written(db: Database) -> None:
    """What a backup added to its folder, in bytes; NULL: of a version that did not say."""
    db.execute("ALTER TABLE backup ADD COLUMN written INTEGER")


def m027_backup_reason(db: Database) -> None:
    """Why a backup failed, or what became of it: a code of the catalogue and what fills it.

    Until here a failure was a text (`detail`), and what became of a backup an event alone.
    """
    for statement in (
        "ALTER TABLE backup ADD COLUMN code TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE backup ADD COLUMN params TEXT NOT NULL DEFAULT '{}'",
        """UPDATE backup SET code = 'BACKUP_IO', params = json_object('reason', detail)
        WHERE result = 'failed' AND detail <> '' AND detail NOT GLOB 'BACKUP_*'""",
        "UPDATE backup SET code = 'BACKUP_UNEXPLAINED' WHERE result = 'failed' AND code = ''",
        """UPDATE backup SET params = json_object('file', file), code = coalesce((
            SELECT code FROM event WHERE code IN ('BACKUP_GONE', 'BACKUP_DAMAGED')
            AND json_extract(params, '$.file') = backup.file ORDER BY id DESC LIMIT 1
        ), 'BACKUP_GONE') WHERE result = 'gone'""",
    ):
        db.execute(statement)
