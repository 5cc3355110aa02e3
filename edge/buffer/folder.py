"""The buffer's files on the medium: one alarm file, numbered data segments, a quarantine.

Open at any time are at most four: the alarm file, the segment being written, the one being drained
or thinned, and either the one to replace that or the one being restored from a damaged one. A file
that cannot be read is moved to `quarantine/`, one of a later format to `newer/`, and work goes on
with a new one. Space is freed by unlinking whole segments.
"""

import logging
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from edge.buffer.alarm_file import AlarmFile
from edge.buffer.faults import of_the_system
from edge.buffer.file import BufferFile, unlink, wal
from edge.buffer.making import NEW
from edge.buffer.migrations import MIGRATED
from edge.buffer.model import Kept, Tell
from edge.buffer.numbers import read_highest, write_highest
from edge.buffer.quarantine import NEWER, Quarantine, Wreckage, segment_number
from edge.buffer.strangers import put_strangers_aside
from protocols.errors import BufferDamaged, BufferFault, BufferNewer

logger = logging.getLogger(__name__)

ALARM: Final = "alarm.db"
SEGMENTS: Final = "data-[0-9]*.db"

F = TypeVar("F", bound=BufferFile)


class Folder:
    """The files below `path`; `tell` hears of every one that was put aside.

    `put_aside`: whether the alarm file, which knows the numbers of streams, was lost in this start.
    """

    put_aside: bool = False
    _restoring: BufferFile | None = None

    def __init__(self, path: Path, tell: Tell) -> None:
        self.path = path
        self._tell = tell
        self.aside = Quarantine(path)
        self._sizes: dict[str, int] = {}
        self._active: BufferFile | None = None
        self._drain: BufferFile | None = None
        try:
            path.mkdir(parents=True, exist_ok=True)
            if not os.access(path, os.W_OK):  # SQLite would speak of locks
                raise BufferFault("BUFFER_READ_ONLY", folder=str(path))
            for name in put_strangers_aside(path):
                self._tell("BUFFER_STRANGER", {"file": name})
            self.aside.bring_back()
            self._tidy()
            for name in self.segments():
                self._sizes[name] = size_of(path / name)
        except OSError as exc:
            raise of_the_system(exc, path) from exc
        # Last: when anything fails there is no open file whose lock the next attempt would meet.
        self.alarm = self._open_or_replace(ALARM, AlarmFile)

    def _tidy(self) -> None:
        """Delete what was never finished; put aside journals whose file is gone."""
        for leftover in (*self.path.glob(f"*{NEW}"), *self.path.glob(f"*{NEW}-*")):
            leftover.unlink()
        for copy in (self.path / MIGRATED).glob("*.format*"):
            if not (self.path / copy.name.partition(".format")[0]).exists():
                copy.unlink()
        for journal in self.path.glob(f"{SEGMENTS}-wal"):
            name = journal.name.removesuffix("-wal")
            lone = segment_number(name) and not (self.path / name).exists()
            if lone and journal.stat().st_size:
                self._put_aside(name, "missing")
        known = self.segments() or read_highest(self.path)
        if known and not (self.path / ALARM).exists() and not wal(self.path / ALARM).exists():
            self.put_aside = True
            self._tell("BUFFER_GONE", {"file": ALARM})

    def segments(self) -> list[str]:
        """Return the names of the data segments, oldest first."""
        try:
            with os.scandir(self.path) as found:  # a glob takes twice as long over thousands
                names = [(segment_number(each.name), each.name) for each in found]
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return []
        return [name for number, name in sorted(names) if number]

    @property
    def active_name(self) -> str | None:
        """The segment being written, if one is open."""
        return self._active.path.name if self._active else None

    def active(self) -> BufferFile:
        """Return the segment to write to, making the next one when none is open."""
        if self._active is None:
            self._active = self._open_or_replace(self.next_name(), BufferFile)
        return self._active

    def next_number(self, at_least: int) -> int:
        """Return a stream number never given before, above `at_least`; durable on return."""
        number = self.alarm.next_number(at_least)
        try:
            write_highest(self.path, number)
        except OSError as exc:
            raise of_the_system(exc, self.path) from exc
        return number

    def next_name(self) -> str:
        """Return the name of the next segment: above all there are, those put aside included."""
        taken = [segment_number(name) for name in self.segments()]
        return f"data-{1 + max([*taken, self.aside.highest()]):08d}.db"

    def restore(self, name: str) -> BufferFile:
        """Return the segment that takes what a damaged one of that name still held."""
        if self._restoring is None or self._restoring.path.name != name:
            self.restored()
            self._restoring = self._take(name, make=True)
        return self._restoring

    def restored(self) -> None:
        """Let go of the segment that was restored: it is one like the others now."""
        if self._restoring is not None:
            name = self._restoring.path.name
            close_quietly(self._restoring)
            self._restoring = None
            self.measure(name)

    @property
    def in_use(self) -> set[str]:
        """The segments that may not be unlinked, thinned or replaced just now."""
        used = (self._active, self._restoring)
        return {file.path.name for file in used if file is not None}

    def write_to(self, name: str) -> None:
        """Go on writing to an existing segment."""
        self._active = self._take(name)

    def retire(self) -> None:
        """Close the segment being written: the next write makes a new one."""
        if self._active is not None:
            name = self._active.path.name
            close_quietly(self._active)
            self._active = None
            self._sizes[name] = size_of(self.path / name)

    def get(self, name: str) -> BufferFile:
        """Return the file `name`, opened for draining if need be. Raises BufferDamaged."""
        if name == ALARM:
            return self.alarm
        for file in (self._active, self._restoring):
            if file is not None and file.path.name == name:
                return file
        if self._drain is None or self._drain.path.name != name:
            self._let_go()
            if not (self.path / name).exists():
                raise BufferDamaged(file=str(self.path / name), reason="missing")
            self._drain = BufferFile(self.path / name)
        return self._drain

    def let_go(self, name: str) -> None:
        """Close a segment that is not being written, if it is open: somebody replaces it."""
        if self._drain is not None and self._drain.path.name == name:
            self._let_go()

    def measure(self, name: str) -> None:
        """Note the size of a segment that was replaced."""
        self._sizes[name] = size_of(self.path / name)

    def _take(self, name: str, *, make: bool = False) -> BufferFile:
        if make and not (self.path / name).exists():
            return self._open_or_replace(name, BufferFile)
        file = self.get(name)
        self._drain = None
        return file

    def _let_go(self) -> None:
        if self._drain is not None:
            close_quietly(self._drain)
            self._drain = None

    def remove(self, name: str) -> None:
        """Unlink a segment."""
        self._close(name)
        unlink(self.path / name)
        self._sizes.pop(name, None)

    def quarantine(self, name: str, reason: str) -> None:
        """Move a damaged file aside; the alarm file is replaced by an empty one at once."""
        self._close(name)
        self._put_aside(name, reason)
        self._sizes.pop(name, None)
        if name == ALARM:
            self.path.mkdir(parents=True, exist_ok=True)
            self.alarm = self._open_or_replace(ALARM, AlarmFile)

    def _put_aside(self, name: str, reason: str) -> None:
        moved = self.aside.take(name) if self.path.exists() else False
        self.put_aside = self.put_aside or name == ALARM
        self._tell(
            "BUFFER_QUARANTINED" if moved else "BUFFER_GONE",
            {"file": name, "reason": reason} if moved else {"file": name},
        )

    def put_newer_aside(self, name: str, error: BufferNewer) -> None:
        """Move a file of a later format aside, untouched."""
        self.aside.take(name, NEWER)
        self.put_aside = self.put_aside or name == ALARM
        self._sizes.pop(name, None)
        self._tell("BUFFER_NEWER", {**error.params, "file": name})

    def reopen(self, name: str) -> BufferFile:
        """Return a fresh connection to an open file. Raises BufferFault."""
        self._close(name)
        if name == ALARM:
            self.alarm = AlarmFile(self.path / ALARM)
            return self.alarm
        self._active = BufferFile(self.path / name)
        return self._active

    def _close(self, name: str) -> None:
        if name == ALARM:
            close_quietly(self.alarm)
        if self._active is not None and self._active.path.name == name:
            close_quietly(self._active)
            self._active = None
        if self._restoring is not None and self._restoring.path.name == name:
            close_quietly(self._restoring)
            self._restoring = None
        self.let_go(name)

    def _open_or_replace(self, name: str, kind: type[F]) -> F:
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            return kind(self.path / name)
        except BufferNewer as exc:
            self.put_newer_aside(name, exc)
        except BufferDamaged as exc:
            self._put_aside(name, str(exc.params.get("reason", exc.code)))
        return kind(self.path / name)

    def size(self, name: str) -> int:
        """Return a file's bytes on the medium."""
        if name == ALARM:
            return self.alarm.size()
        if name == self.active_name or name not in self._sizes:
            return size_of(self.path / name)
        return self._sizes[name]

    def total(self) -> int:
        """Return the bytes of everything but the quarantine."""
        return self.size(ALARM) + sum(self.size(name) for name in self.segments())

    def wrecks(self) -> list[Wreckage]:
        """Return the damaged files that are still to be read."""
        return self.aside.unread()

    def kept(self) -> tuple[Kept, ...]:
        """Return what stands aside."""
        return tuple(self.aside.kept())

    def capacity(self) -> int:
        """Return the bytes of the medium, used and free."""
        return shutil.disk_usage(self.path).total

    def free(self) -> int:
        """Return the bytes still free on the medium."""
        return shutil.disk_usage(self.path).free

    def close(self) -> None:
        """Close every open file, whatever the medium says to it."""
        for close in (self.retire, self.restored, self._let_go):
            with suppress(OSError):  # of its size, which nobody asks for any more
                close()
        close_quietly(self.alarm)


def size_of(path: Path) -> int:
    """Return the bytes of a file and its journal, 0 when it is gone."""
    total = 0
    for each in (path, wal(path)):
        try:
            total += each.stat().st_size
        except FileNotFoundError:
            continue
    return total


def close_quietly(file: BufferFile) -> None:
    """Close; a medium that refuses even that is logged, as there is nothing left to save."""
    try:
        file.close()
    except BufferFault as exc:
        logger.warning("buffer file did not close: %s", exc)
