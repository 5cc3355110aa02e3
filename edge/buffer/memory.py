"""The buffer's files in memory: the lifeboat's alarm file and segments, of the same schema.

They are SQLite databases without a file, so that writer, delivery and housekeeping work on them
as they do on the medium. A page is written back by nobody: what is here dies with the process.
"""

import sqlite3
from pathlib import Path
from typing import Final, TypeVar

from edge.buffer.alarm_file import AlarmFile
from edge.buffer.faults import faults
from edge.buffer.file import BufferFile
from edge.buffer.folder import ALARM, Folder
from edge.buffer.model import Kept
from edge.buffer.quarantine import Wreckage
from edge.buffer.sqlite import Database
from protocols.errors import BufferDamaged

PAGE: Final = 4096
"""Bytes; larger than on the medium, as a page costs SQLite some hundred bytes of its own."""
CACHE_KIB: Final = 64
MEMORY: Final = Path("memory")


class _InMemory(BufferFile):
    """What differs from a file: nothing to lock, to look for or to measure on a medium."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with faults(path):
            connection = sqlite3.connect(":memory:", check_same_thread=False)
        self.db = Database(connection)
        with faults(path):
            connection.execute(f"PRAGMA page_size={PAGE}")
            connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
            with self.db.atomic():
                for statement in self.schema:
                    connection.execute(statement)

    def must_be_there(self) -> None:
        """Nobody can delete it."""

    def size(self) -> int:
        """Return the bytes in use."""
        with faults(self.path):
            run = self.db.conn.execute
            pages = run("PRAGMA page_count").fetchone()[0]
            free = run("PRAGMA freelist_count").fetchone()[0]
        return int(pages - free) * PAGE


class MemorySegment(_InMemory):
    """A data segment."""


class MemoryAlarmFile(_InMemory, AlarmFile):
    """The alarm file."""


F = TypeVar("F", bound=BufferFile)


class MemoryFolder(Folder):
    """A folder whose files are in memory; space is freed by letting go of whole segments."""

    def __init__(self) -> None:
        # Nothing of what a folder on a medium prepares is wanted here.
        self.path = MEMORY
        self.alarm = MemoryAlarmFile(MEMORY / ALARM)
        self._segments: dict[str, BufferFile] = {}
        self._active = None
        self._drain = None
        self._made = 0

    def segments(self) -> list[str]:
        """Return the names of the data segments, oldest first."""
        return sorted(self._segments)

    def active(self) -> BufferFile:
        """Return the segment to write to, making the next one when none is open."""
        if self._active is None:
            self._made += 1
            name = f"data-{self._made:08d}.db"
            self._active = self._segments[name] = MemorySegment(MEMORY / name)
        return self._active

    def next_number(self, at_least: int) -> int:
        """Return a stream number above `at_least`; the medium's counter learns of it later."""
        return self.alarm.next_number(at_least)

    def write_to(self, name: str) -> None:
        """Go on writing to an existing segment."""
        self._active = self._segments[name]

    def retire(self) -> None:
        """Leave the segment being written: the next write makes a new one."""
        self._active = None

    def get(self, name: str) -> BufferFile:
        """Return the file `name`. Raises BufferDamaged when there is none."""
        if name == ALARM:
            return self.alarm
        if name not in self._segments:
            raise BufferDamaged(file=str(MEMORY / name), reason="missing")
        return self._segments[name]

    def remove(self, name: str) -> None:
        """Let go of a segment."""
        file = self._segments.pop(name, None)
        if file is not None:
            if file is self._active:
                self._active = None
            file.close()

    def quarantine(self, name: str, reason: str) -> None:
        """Put a new file in the place of one that cannot be read."""
        del reason
        if name == ALARM:
            self.alarm.close()
            self.alarm = MemoryAlarmFile(MEMORY / ALARM)
        else:
            self.remove(name)

    def reopen(self, name: str) -> BufferFile:
        """Return the file: there is nothing to open again."""
        return self.get(name)

    def size(self, name: str) -> int:
        """Return a file's bytes."""
        return self.get(name).size()

    def total(self) -> int:
        """Return the bytes of everything."""
        return sum(self.size(name) for name in (ALARM, *self._segments))

    def wrecks(self) -> list[Wreckage]:
        """Return nothing: memory keeps no damaged file."""
        return []

    def kept(self) -> tuple[Kept, ...]:
        """Return nothing."""
        return ()

    def free(self) -> int:
        """Return 0: how much memory is left is the setting's business."""
        return 0

    def close(self) -> None:
        """Let go of everything."""
        for name in self.segments():
            self.remove(name)
        self.alarm.close()
