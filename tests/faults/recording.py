"""Records what a process does to the SQLite files of one folder, in order, while it does it.

Statements are recorded as SQLite expands them, with their values. Queries are left out: they write
nothing. Beside the statements: opening and closing, the folder's own changes (unlink, rename,
fsync) and marks put in by whoever records.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple


class Act(NamedTuple):
    """`what`: open, sql, close, unlink, rename, fsync, mark. `at`: the connection or the file."""

    what: str
    at: Any
    said: Any = None


class Recorder:
    """`acts` grows while `recording` is entered; everything outside `folder` is left alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.acts: list[Act] = []
        self._lock = threading.Lock()
        self._numbers = count(1)

    def mark(self, said: object) -> None:
        """Put in something that was promised at this very moment."""
        self.note("mark", None, said)

    def mark_at(self, at: int, said: object) -> None:
        """Put in a promise that counts from an earlier moment on."""
        with self._lock:
            self.acts.insert(at, Act("mark", None, said))

    def note(self, what: str, at: object, said: object = None) -> None:
        with self._lock:
            self.acts.append(Act(what, at, said))

    def inside(self, path: object) -> str | None:
        """Return the name below the folder, or None for what is elsewhere or no path."""
        if not isinstance(path, str | os.PathLike):
            return None
        try:
            return str(Path(path).resolve().relative_to(self.folder))
        except ValueError:
            return None

    def connect(self, real: Any, database: object, *args: Any, **kwargs: Any) -> sqlite3.Connection:
        name = self.inside(database)
        if name is None or kwargs.get("uri"):
            return real(database, *args, **kwargs)
        number = next(self._numbers)
        recorder = self

        class Recorded(sqlite3.Connection):
            def close(self) -> None:
                super().close()
                if number in recorder_open:
                    recorder_open.discard(number)
                    recorder.note("close", number)

        recorder_open = {number}
        self.note("open", number, name)
        connection = real(database, *args, factory=Recorded, **kwargs)
        connection.set_trace_callback(lambda text: self._statement(number, text))
        return connection

    def _statement(self, number: int, text: str) -> None:
        if not text.lstrip().upper().startswith(("SELECT", "--")):
            self.note("sql", number, text)


@contextmanager
def recording(recorder: Recorder) -> Iterator[Recorder]:
    """Record this process until the block ends."""
    connect, unlink, remove = sqlite3.connect, os.unlink, os.remove
    rename, replace, fsync = os.rename, os.replace, os.fsync

    def unlinking(path: Any, **kwargs: Any) -> None:
        unlink(path, **kwargs)
        if (name := recorder.inside(path)) is not None:
            recorder.note("unlink", name)

    def renaming(source: Any, target: Any, **kwargs: Any) -> None:
        names = recorder.inside(source), recorder.inside(target)
        replace(source, target, **kwargs)
        if None not in names:
            recorder.note("rename", *names)

    def syncing(file: Any) -> None:
        fsync(file)
        descriptor = file if isinstance(file, int) else file.fileno()
        name = recorder.inside(Path(f"/proc/self/fd/{descriptor}").readlink())
        if name is not None:
            recorder.note("fsync", name)

    sqlite3.connect = lambda *a, **k: recorder.connect(connect, *a, **k)  # type: ignore[assignment]
    os.unlink = os.remove = unlinking  # type: ignore[assignment]
    os.rename = os.replace = renaming  # type: ignore[assignment]
    os.fsync = syncing
    try:
        yield recorder
    finally:
        sqlite3.connect, os.unlink, os.remove = connect, unlink, remove  # type: ignore[assignment]
        os.rename, os.replace, os.fsync = rename, replace, fsync
