"""What a medium does to a file, in our words: full, damaged, locked, failing, gone."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from protocols.errors import BufferDamaged, BufferFault, BufferFull, WireError

DAMAGE: Final = frozenset({"SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_FORMAT", "SQLITE_ERROR"})
"""SQLITE_ERROR too: what is asked never changes, so a table that is not there is damage."""


NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def faults(path: Path) -> Iterator[None]:
    """Turn SQLite's errors and rows of nonsense into ours: full, damaged, locked, or failing."""
    try:
        yield
    except sqlite3.Error as exc:
        name = getattr(exc, "sqlite_errorname", None) or ""
        primary = "_".join(name.split("_")[:2])
        if primary == "SQLITE_FULL":
            raise BufferFull(file=str(path)) from exc
        if primary in DAMAGE or isinstance(exc, (sqlite3.IntegrityError, sqlite3.InterfaceError)):
            raise BufferDamaged(file=str(path), reason=name or str(exc)) from exc
        if primary in ("SQLITE_BUSY", "SQLITE_LOCKED"):
            raise BufferFault("BUFFER_LOCKED", file=str(path)) from exc
        raise BufferFault("BUFFER_IO", file=str(path), reason=name or str(exc)) from exc
    except (
        TypeError,
        ValueError,
        OverflowError,
        WireError,
    ) as exc:  # a row that no writer of ours made
        raise BufferDamaged(file=str(path), reason=type(exc).__name__) from exc


def of_the_system(error: OSError, place: Path) -> BufferFault:
    """Return what an error of the system means: no room, or a medium that fails."""
    if error.errno in NO_ROOM:
        return BufferFull(file=str(place))
    return BufferFault("BUFFER_IO", file=str(place), reason=error.strerror or str(error))


def identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from another of the same name; None when it is gone."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
