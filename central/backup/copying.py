"""Copies a database that is being written, and verifies a copy; blocking, for a process of its own.

The copy is one snapshot: a read transaction held from the first page to the last, so that writing
goes on meanwhile and never makes it begin again (a backup step that has to open its own transaction
does begin again with every commit of another connection). What is written meanwhile waits in the
WAL, so room on both disks is watched while copying: the copy gives up before the database suffers.
"""

import contextlib
import hashlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from central.backup import block_view, blocks
from central.backup.manifest import BackupUnusable
from central.migrations import unknown_among
from protocols.clock import real_monotonic
from protocols.errors import FengsuiError

RESERVE: Final = 256 << 20
"""Bytes that stay free on the database's disk, whatever a backup would need."""
PAGES: Final = 256
"""Pages a step; after each the disk is left to others for as long as it took."""
PIECE: Final = 1 << 20
SYNC_EVERY: Final = 32 << 20
"""Bytes after which the copy is made durable, so that no huge flush holds up a commit."""
LONGEST_PAUSE: Final = 0.25

Progress = Callable[[str, int, int], None]
"""Told the phase (copy, verify), what is done and what there is to do; called often."""


class NoRoom(FengsuiError):
    """A backup would take room that the database needs."""

    code = "BACKUP_NO_ROOM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a verified copy holds."""

    incarnation: str
    lineage: str
    streams: int


def copy(source: Path, target: Path, progress: Progress) -> None:
    """Copy the database `source` into the new file `target`, durably.

    Raises NoRoom, OSError or sqlite3.Error; what was begun then stays under `target`. It is made
    for the collector's account alone: it holds what the database holds.
    """
    check_room(source, target.parent, source.stat().st_size)
    target.touch(mode=0o600, exist_ok=False)
    uri = f"{source.resolve().as_uri()}?mode=ro"
    with (
        contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as live,
        contextlib.closing(sqlite3.connect(target, isolation_level=None)) as made,
    ):
        made.execute("PRAGMA journal_mode=OFF").fetchall()
        made.execute("PRAGMA synchronous=OFF")
        live.execute("BEGIN")
        live.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        size = live.execute("PRAGMA page_size").fetchone()[0]
        live.backup(made, pages=PAGES, progress=Pace(source, target, size, progress).step)
    sync(target)


def sha256_of(file: Path, progress: Progress) -> str:
    """Return the digest of a file, read from the disk as far as the system lets us."""
    total, done, digest = file.stat().st_size, 0, hashlib.sha256()
    with file.open("rb") as source:
        os.posix_fadvise(source.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while piece := source.read(PIECE):
            digest.update(piece)
            done += len(piece)
            progress("verify", done, 2 * total)
    return digest.hexdigest()


def verify(file: Path, progress: Progress) -> Contents:
    """Check a copy from its first page to its last. Raises BackupUnusable."""
    total = file.stat().st_size

    def goes_on() -> bool:
        progress("verify", total, 2 * total)
        return False

    try:
        with frozen(file) as conn:
            conn.set_progress_handler(goes_on, 1_000_000)
            found = conn.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if found != "ok":
                raise BackupUnusable(file=str(file), reason=str(found))
            unknown = unknown_among(
                conn.execute("SELECT migration_set, name FROM _sqlite_migrations").fetchall()
            )
            if unknown is not None:
                raise BackupUnusable("SCHEMA_NEWER", file=str(file), migration=unknown)
            facts = dict(conn.execute("SELECT key, value FROM collector").fetchall())
            streams = conn.execute("SELECT count(*) FROM stream").fetchone()[0]
            return Contents(
                incarnation=facts["incarnation"], lineage=facts["lineage"], streams=streams
            )
    except (sqlite3.Error, OSError, KeyError) as exc:
        raise BackupUnusable(file=str(file), reason=str(exc)) from exc


def lineage(source: Path) -> str:
    """Return what tells this collector's backups from another's. Raises sqlite3.Error."""
    uri = f"{source.resolve().as_uri()}?mode=ro"
    with contextlib.closing(sqlite3.connect(uri, uri=True)) as conn:
        row = conn.execute("SELECT value FROM collector WHERE key = 'lineage'").fetchone()
    return str(row[0])


def covered(file: Path) -> list[tuple[int, int]]:
    """Return (number, cursor) of each stream of which the copy covers more than was safe then."""
    with frozen(file) as conn:
        found = conn.execute("SELECT number, cursor FROM stream WHERE cursor > safe").fetchall()
    return [(number, cursor) for number, cursor in found]


class Pace:
    """Leaves the disk to others half of the time, and watches the room on both disks.

    A target that is a file is made durable now and then.
    """

    def __init__(self, source: Path, target: Path, page: int, progress: Progress) -> None:
        self._source = source
        self._target = target
        self._file = target.is_file()
        self._folder = target.parent if self._file else target
        self._page = page
        self._progress = progress
        self._began = real_monotonic()
        self._synced = 0
        self._rest = threading.Event()

    def step(self, status: int, remaining: int, total: int) -> None:
        done = (total - remaining) * self._page
        if self._file and done - self._synced >= SYNC_EVERY:
            self._synced = done
            sync(self._target)
        check_room(self._source, self._folder, 0)
        self._progress("copy", done, total * self._page)
        self._rest.wait(min(LONGEST_PAUSE, real_monotonic() - self._began))
        self._began = real_monotonic()


@contextlib.contextmanager
def frozen(file: Path) -> Iterator[Any]:
    """Open a backup, which nobody writes: without a WAL or a lock of its own beside it.

    Raises sqlite3.Error, BlockUnusable, OSError.
    """
    if blocks.is_list(file):
        with block_view.opened(file) as view:
            yield view
        return
    uri = f"{file.resolve().as_uri()}?mode=ro&immutable=1"
    with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as conn:
        yield conn


def check_room(source: Path, folder: Path, size: int) -> None:
    """Look whether so many bytes fit into `folder`, and the database keeps its own. Raises NoRoom.

    Where both are one disk, the database's reserve stays free beside it.
    """
    same = source.parent.stat().st_dev == folder.stat().st_dev
    here, there = _free(source.parent), _free(folder)
    if here < RESERVE + (size if same else 0):
        need = RESERVE + (size if same else 0)
        raise NoRoom(folder=str(source.parent), need=_mib(need), free=_mib(here))
    if not same and there < size:
        raise NoRoom(folder=str(folder), need=_mib(size), free=_mib(there))


def _mib(size: int) -> str:
    return f"{size / (1 << 20):.0f} MiB"


def _free(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def sync(file: Path) -> None:
    """Make a file durable. Raises OSError."""
    handle = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
