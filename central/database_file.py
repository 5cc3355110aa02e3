"""Opens the file of the centre's database for its one writer, or refuses it untouched."""

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final

from sqlite_utils import Database as Tables

from central.migrations import migrate, newer_than_us
from protocols.errors import FengsuiError

NOTE: Final = "restore.json"
"""In the data folder while a restore moves files: the database under its name is not to be used."""

_PRAGMAS: Final[dict[str, tuple[str, object]]] = {
    "journal_mode": ("WAL", "wal"),
    "synchronous": ("FULL", 2),
    "foreign_keys": ("ON", 1),
    "busy_timeout": ("5000", 5000),
    "wal_autocheckpoint": ("1000", 1000),
    "journal_size_limit": ("67108864", 67_108_864),
}


class SchemaNewer(FengsuiError):
    """The file was written by a newer version of this program; nothing was touched."""

    code = "SCHEMA_NEWER"


class DatabaseUnusable(FengsuiError):
    """SQLite does not give what our promises need (a file system without WAL, a damaged file)."""

    code = "DATABASE_UNUSABLE"


class RestoreUnfinished(FengsuiError):
    """A restore was interrupted while it moved files; it has to be finished first."""

    code = "RESTORE_UNFINISHED"


def open_file(path: Path, now: int) -> tuple[Tables, str]:
    """Return the writing connection and the incarnation.

    Raises SchemaNewer, DatabaseUnusable or RestoreUnfinished.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if (path.parent / NOTE).exists():
            raise RestoreUnfinished(folder=str(path.parent))
        with suppress(FileExistsError):
            # It holds what lets people and gateways in: nobody else's to read. The files beside it
            # get the same mode from SQLite; one that is there keeps what somebody gave it.
            path.touch(mode=0o600, exist_ok=False)
        conn = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as exc:
        raise DatabaseUnusable(file=str(path), reason=str(exc)) from exc
    try:
        tables = Tables(conn)
        unknown = newer_than_us(tables)
        if unknown:
            raise SchemaNewer(file=str(path), migration=unknown)  # noqa: TRY301
        for name, (setting, expected) in _PRAGMAS.items():
            conn.execute(f"PRAGMA {name}={setting}").fetchall()
            actual = conn.execute(f"PRAGMA {name}").fetchone()[0]
            if actual != expected:
                raise DatabaseUnusable(  # noqa: TRY301
                    file=str(path), reason=f"{name} is {actual}, not {setting}"
                )
        incarnation = migrate(tables, now)
    except sqlite3.DatabaseError as exc:
        conn.close()
        raise DatabaseUnusable(file=str(path), reason=str(exc)) from exc
    except BaseException:
        conn.close()
        raise
    return tables, incarnation
