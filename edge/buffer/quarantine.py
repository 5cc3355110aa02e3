"""Files put aside: damaged ones in `quarantine/`, those of a later format in `newer/`.

A file is moved whole, with its journal, and never written to again. Beside a damaged one that was
read to the end stands `<name>.salvaged`, which says what was found: whatever has none is still to
be read, by this process or the next. Only files that were read are ever deleted.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.buffer.file import unlink, wal
from edge.buffer.format import FORMAT
from edge.buffer.model import Kept
from edge.buffer.pages import stored_format

QUARANTINE: Final = "quarantine"
NEWER: Final = "newer"
DONE: Final = ".salvaged"
NEWEST: Final = 8
"""Damaged files kept at most once they were read; they also keep to a share of the quota."""
SEGMENT: Final = "data-"
NUMBERED: Final = re.compile(r"data-([0-9]{8,12})\.db")
"""The name of a segment; a longer number is nobody's of ours, and one more would not fit a name."""
OURS: Final = re.compile(r"(alarm|data-[0-9]{8,12})\.db\.[0-9]+")
"""The name of a file put aside."""


@dataclass(frozen=True, slots=True)
class Wreckage:
    """A file put aside that is to be read: where it lies, what it was called, from `newer/`?"""

    path: Path
    name: str
    newer: bool


class Quarantine:
    """The two folders below the buffer's `folder`. Raises OSError when the medium refuses."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take(self, name: str, into: str = QUARANTINE) -> bool:
        """Move a closed file and its journal aside; False when there was nothing to move."""
        return move(self._folder / name, self._folder / into)

    def bring_back(self) -> None:
        """Put segments back whose format has become known; the alarm file is read instead."""
        for path in self._files(NEWER):
            name = original(path)
            back = self._folder / name
            if not name.startswith(SEGMENT) or back.exists() or not known(path):
                continue
            if wal(path).exists():
                wal(path).rename(wal(back))
            path.rename(back)
            sync(self._folder)

    def unread(self) -> list[Wreckage]:
        """Return what is still to be read, alarms first, the newest first of each."""
        found = [Wreckage(path, original(path), newer=False) for path in self._files(QUARANTINE)]
        found = [each for each in found if not done(each.path).exists()]
        found += [
            Wreckage(path, original(path), newer=True)
            for path in self._files(NEWER)
            if known(path) and not original(path).startswith(SEGMENT)
        ]
        found.sort(key=lambda each: each.path.name, reverse=True)
        return sorted(found, key=lambda each: each.name.startswith(SEGMENT))

    def settle(self, wreckage: Wreckage, found: int, lost: int) -> None:
        """Note that a file was read to the end."""
        path = wreckage.path
        if wreckage.newer:
            target = free_name(self._folder / wreckage.name, self._folder / QUARANTINE)
            move(path, self._folder / QUARANTINE, target)
            path = target
        done(path).write_text(json.dumps({"found": found, "lost": lost}), encoding="utf-8")
        sync(path.parent)

    def kept(self) -> list[Kept]:
        """Return what stands aside, the oldest first."""
        return [
            _kept(path, newer=folder == NEWER)
            for folder in (QUARANTINE, NEWER)
            for path in self._files(folder)
        ]

    def trim(self, most: int) -> Iterator[Kept]:
        """Delete the oldest that were read until few are left, of `most` bytes; yields them."""
        held = [each for each in self.kept() if not each.newer]
        total = sum(each.bytes for each in held)
        for number, each in enumerate(held):
            if len(held) - number <= NEWEST and total <= most:
                return
            if each.found is not None:
                path = self._folder / QUARANTINE / each.file
                unlink(path)
                done(path).unlink(missing_ok=True)
                total -= each.bytes
                yield each

    def highest(self) -> int:
        """Return the highest number of a segment that stands aside."""
        names = [original(path) for each in (QUARANTINE, NEWER) for path in self._files(each)]
        return max((segment_number(name) for name in names), default=0)

    def _files(self, folder: str) -> list[Path]:
        """Return the files put aside (a journal without its file counts), the oldest first."""
        with suppress(OSError):
            names = {path.name.removesuffix("-wal") for path in (self._folder / folder).iterdir()}
            paths = [self._folder / folder / name for name in names if OURS.fullmatch(name)]
            files = [p for p in paths if p.is_file() or (wal(p).is_file() and not p.exists())]
            return sorted(files, key=_age)
        return []


def move(path: Path, into: Path, target: Path | None = None) -> bool:
    """Move a file and its journal; False when there is neither."""
    if not path.exists() and not wal(path).exists():
        return False
    into.mkdir(exist_ok=True)
    target = target or free_name(path, into)
    # The journal first: a kill in between leaves a file that is seen to lack it, never the reverse.
    for each, aside in ((wal(path), wal(target)), (path, target)):
        if each.exists():
            each.rename(aside)
    sync(into)
    sync(path.parent)
    return True


def free_name(path: Path, into: Path) -> Path:
    """Return a name below `into` that nothing has."""
    number = 1
    while _taken(target := into / f"{path.name}.{number}"):
        number += 1
    return target


def _taken(path: Path) -> bool:
    return any(each.exists() for each in (path, wal(path), done(path)))


def original(path: Path) -> str:
    """Return what a file put aside was called: `data-00000001.db.2` was `data-00000001.db`."""
    return path.name.rpartition(".")[0]


def segment_number(name: str) -> int:
    """Return the number in a segment's name, 0 when it is no segment's."""
    found = NUMBERED.fullmatch(name)
    return int(found[1]) if found else 0


def known(path: Path) -> bool:
    """Whether this version reads the file's format; what cannot be told is left alone."""
    try:
        version = stored_format(path, wal(path))
    except OSError:
        return False
    return version is not None and version <= FORMAT


def done(path: Path) -> Path:
    """Return the mark beside a file that was read."""
    return path.with_name(path.name + DONE)


def sync(folder: Path) -> None:
    """Make names durable where the file system can."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _kept(path: Path, *, newer: bool) -> Kept:
    size = sum(each.stat().st_size for each in (path, wal(path)) if each.exists())
    found = lost = None
    with suppress(OSError, ValueError, TypeError, KeyError):
        told = json.loads(done(path).read_text(encoding="utf-8"))
        found, lost = int(told["found"]), int(told["lost"])
    return Kept(file=path.name, bytes=size, newer=newer, found=found, lost=lost)


def _age(path: Path) -> tuple[float, str]:
    for each in (path, wal(path)):
        with suppress(OSError):
            return each.stat().st_mtime, path.name
    return 0.0, path.name
