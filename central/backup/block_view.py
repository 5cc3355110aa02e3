"""Lets SQLite write a database as blocks, and read it from them without putting it together.

SQLite itself copies and checks; only where bytes lie is ours: a file system of its own (VFS), which
Python's standard library cannot give it. The library's SQLite never opens a file that the standard
library's has open in the same process: closing it there would drop the locks held here.
"""

import os
import sqlite3
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final

import apsw

from central.backup import blocks
from central.backup.blocks import BLOCK, BlockFolder, BlockList

OPEN: Final = 64
"""Block files that are open at once."""
BUSY: Final = 5_000
"""Milliseconds."""
_NAMES: Final = count()


class _File:
    """What every file of ours answers: nobody else has it, and it is on no medium of its own."""

    def xClose(self) -> None: ...  # noqa: N802
    def xLock(self, level: int) -> None: ...  # noqa: N802
    def xUnlock(self, level: int) -> None: ...  # noqa: N802
    def xSync(self, flags: int) -> None: ...  # noqa: N802

    def xCheckReservedLock(self) -> bool:  # noqa: N802
        return False

    def xFileControl(self, op: int, ptr: int) -> bool:  # noqa: N802
        return False

    def xSectorSize(self) -> int:  # noqa: N802
        return 4096

    def xDeviceCharacteristics(self) -> int:  # noqa: N802
        return 0


class _Written(_File):
    """Takes what SQLite writes; whole blocks leave it between two steps of a copy."""

    def __init__(self, target: BlockFolder) -> None:
        self._target = target
        self._open: dict[int, bytearray] = {}
        self._filled: dict[int, int] = {}
        self._names: dict[int, str] = {}
        self._size = 0

    def xFileSize(self) -> int:  # noqa: N802
        return self._size

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        place, at = divmod(offset, BLOCK)
        end = min(at + amount, at + max(0, self._size - offset))
        return bytes(self._piece(place)[at:end])

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        place, at = divmod(offset, BLOCK)
        self._piece(place)[at : at + len(data)] = data
        self._filled[place] = self._filled.get(place, 0) + len(data)
        self._size = max(self._size, offset + len(data))

    def xTruncate(self, size: int) -> None:  # noqa: N802
        self._size = size

    def hand_on(self) -> None:
        """Write the blocks that are full; the first one changes once more at the end."""
        for place in [each for each, filled in self._filled.items() if each and filled >= BLOCK]:
            self._names[place] = self._target.put(bytes(self._open.pop(place)))
            del self._filled[place]

    def finish(self) -> BlockList:
        """Write what is left. Raises OSError."""
        names = []
        for place in range(-(-self._size // BLOCK)):
            if place in self._open or place not in self._names:
                size = min(BLOCK, self._size - place * BLOCK)
                self._names[place] = self._target.put(bytes(self._piece(place)[:size]))
                del self._open[place]
            names.append(self._names[place])
        self._target.settle()
        return BlockList(lineage=self._target.lineage, bytes=self._size, names=tuple(names))

    def _piece(self, place: int) -> bytearray:
        if place not in self._open:
            self._open[place] = bytearray(BLOCK)
            if place in self._names:  # it has left already
                self._target.settle()
                name = self._names.pop(place)
                self._open[place][:] = self._target.block(name, BLOCK)
                self._filled[place] = BLOCK
        return self._open[place]


class _Read(_File):
    """The blocks of a list, one behind the other; they were checked before."""

    def __init__(self, source: BlockFolder, found: BlockList) -> None:
        self._source = source
        self._found = found
        self._handles: OrderedDict[int, int] = OrderedDict()

    def xFileSize(self) -> int:  # noqa: N802
        return self._found.bytes

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        if offset >= self._found.bytes:
            return b""
        place, at = divmod(offset, BLOCK)
        return os.pread(self._handle(place), amount, at)

    def xClose(self) -> None:  # noqa: N802
        while self._handles:
            os.close(self._handles.popitem()[1])

    def _handle(self, place: int) -> int:
        if place not in self._handles:
            if len(self._handles) >= OPEN:
                os.close(self._handles.popitem(last=False)[1])
            path = self._source.path(self._found.names[place])
            self._handles[place] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._handles.move_to_end(place)
        return self._handles[place]


class _Place(apsw.VFS):
    """A file system of one file; a file beside it there is not."""

    def __init__(self, file: _File) -> None:
        self._file = file
        self.vfs_name = f"blocks-{next(_NAMES)}"
        super().__init__(self.vfs_name, base="")

    def xOpen(self, name: Any, flags: list[int]) -> Any:  # noqa: N802
        return self._file

    def xAccess(self, pathname: str, flags: int) -> bool:  # noqa: N802
        return False

    def xFullPathname(self, name: str) -> str:  # noqa: N802
        return f"/{name}"


@contextmanager
def writing(target: BlockFolder) -> Iterator[tuple[apsw.Connection, _Written]]:
    """Give an empty database whose bytes become blocks of `target`, and what takes them."""
    written = _Written(target)
    place = _Place(written)
    with _closing(apsw.Connection("made", vfs=place.vfs_name)) as conn:
        conn.execute("PRAGMA journal_mode=OFF").fetchall()
        conn.execute("PRAGMA synchronous=OFF")
        conn.execute("PRAGMA cache_size=64")
        yield conn, written


@contextmanager
def reading(source: Path) -> Iterator[apsw.Connection]:
    """Open a database that is being written, and hold one moment of it."""
    with _closing(apsw.Connection(str(source), apsw.SQLITE_OPEN_READONLY)) as live:
        live.set_busy_timeout(BUSY)
        live.execute("BEGIN")
        live.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        yield live


@contextmanager
def opened(file: Path) -> Iterator[apsw.Connection]:
    """Open the database that the list `file` speaks of, for reading.

    Raises BlockUnusable, OSError; what SQLite finds is raised as sqlite3.DatabaseError.
    """
    found = blocks.read(file)
    place = _Place(_Read(blocks.folder_of(file, found), found))
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    with (
        as_sqlite3(),
        _closing(apsw.Connection("file:made?immutable=1", flags, place.vfs_name)) as conn,
    ):
        yield conn


@contextmanager
def as_sqlite3() -> Iterator[None]:
    """Raise what the library raises as the standard library would."""
    try:
        yield
    except apsw.Error as exc:
        raise sqlite3.DatabaseError(str(exc)) from exc


@contextmanager
def _closing(conn: apsw.Connection) -> Iterator[apsw.Connection]:
    try:
        yield conn
    finally:
        conn.close()
