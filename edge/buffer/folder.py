"""The buffer's files on the medium: one alarm file, numbered data segments, a quarantine.

Open at any time are at most four: the alarm file, the segment being written, the one being drained
or thinned and, while that is thinned, the one to replace it. A file that cannot be read is moved to
`quarantine/`, never deleted, and work goes on with a new one. Space is freed by unlinking whole
segments.
"""

import logging
import shutil
from pathlib import Path
from typing import Final, TypeVar

from edge.buffer.alarm_file import AlarmFile
from edge.buffer.file import BufferFile, unlink, wal
from edge.buffer.model import Tell
from protocols.errors import BufferDamaged, BufferFault, BufferNewer

logger = logging.getLogger(__name__)

ALARM: Final = "alarm.db"
SEGMENTS: Final = "data-[0-9]*.db"
QUARANTINE: Final = "quarantine"
NEWER: Final = "newer"

F = TypeVar("F", bound=BufferFile)


class Folder:
    """The files below `path`; `tell` hears of every one that was put aside."""

    def __init__(self, path: Path, tell: Tell) -> None:
        self.path = path
        self._tell = tell
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            reason = exc.strerror or str(exc)
            raise BufferFault("BUFFER_IO", file=str(path), reason=reason) from exc
        self._sizes: dict[str, int] = {}
        self._active: BufferFile | None = None
        self._drain: BufferFile | None = None
        self.alarm = self._open_or_quarantine(ALARM, AlarmFile)
        for name in self.segments():
            self._sizes[name] = size_of(path / name)

    def segments(self) -> list[str]:
        """Return the names of the data segments, oldest first."""
        return sorted(file.name for file in self.path.glob(SEGMENTS))

    @property
    def active_name(self) -> str | None:
        """The segment being written, if one is open."""
        return self._active.path.name if self._active else None

    def active(self) -> BufferFile:
        """Return the segment to write to, making the next one when none is open."""
        if self._active is None:
            names = self.segments()
            number = 1 + (int(names[-1][5:-3]) if names else 0)
            self._active = self._open_or_quarantine(f"data-{number:08d}.db", BufferFile)
        return self._active

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
        if self._active is not None and self._active.path.name == name:
            return self._active
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

    def _take(self, name: str) -> BufferFile:
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
        move_aside(self.path / name)
        self._sizes.pop(name, None)
        if name == ALARM:
            self.path.mkdir(parents=True, exist_ok=True)
            self.alarm = AlarmFile(self.path / ALARM)
        self._tell("BUFFER_QUARANTINED", {"file": name, "reason": reason})

    def put_newer_aside(self, name: str, error: BufferNewer) -> None:
        """Move a segment of a later format aside, untouched."""
        move_aside(self.path / name, NEWER)
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
        if self._drain is not None and self._drain.path.name == name:
            self._let_go()

    def _open_or_quarantine(self, name: str, kind: type[F]) -> F:
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            return kind(self.path / name)
        except BufferNewer as exc:
            move_aside(self.path / name, NEWER)
            self._tell("BUFFER_NEWER", {**exc.params, "file": name})
            return kind(self.path / name)
        except BufferDamaged as exc:
            move_aside(self.path / name)
            reason = str(exc.params.get("reason", exc.code))
            self._tell("BUFFER_QUARANTINED", {"file": name, "reason": reason})
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

    def free(self) -> int:
        """Return the bytes still free on the medium."""
        return shutil.disk_usage(self.path).free

    def close(self) -> None:
        """Close every open file."""
        self.retire()
        self._let_go()
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


def move_aside(path: Path, into: str = QUARANTINE) -> None:
    """Move a file and its journal into a folder beside them under a name not taken yet."""
    if not path.exists() and not wal(path).exists():
        return
    aside = path.parent / into
    aside.mkdir(exist_ok=True)
    number = 1
    while (aside / f"{path.name}.{number}").exists():
        number += 1
    for each, ending in ((wal(path), f"{path.name}.{number}-wal"), (path, f"{path.name}.{number}")):
        if each.exists():
            each.rename(aside / ending)
