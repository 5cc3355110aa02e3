"""Blocks that backups share: each lies once in the folder, named by the SHA-256 of what it holds.

A backup of this form is a list, `collector-….blocks`, of the blocks that are the database put one
behind the other. They lie in `blocks/LINEAGE/`, those of each collector by themselves, under their
names only when they are durable, and are never changed: what no list names any more is swept.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from protocols.errors import FengsuiError

BLOCK: Final = 1 << 18
"""Bytes of every block but the last of a database; a multiple of every page size."""
SUFFIX: Final = ".blocks"
FOLDER: Final = "blocks"
TMP: Final = ".tmp"
FORMAT: Final = 1
TOGETHER: Final = 128
"""Blocks made durable at once: no huge flush stands in front of a commit."""
_NAME: Final = re.compile(r"[0-9a-f]{64}")
_LINEAGE: Final = re.compile(r"[0-9a-f]{1,64}")
_LARGEST: Final = 256 << 20
"""Bytes of a list: a database of 900 GiB."""


class BlockUnusable(FengsuiError):
    """A block that is missing or is not what its name says, or a list that is none."""

    code = "BACKUP_BLOCK"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockList:
    """What a database is made of; `bytes` of all of it."""

    lineage: str
    bytes: int
    names: tuple[str, ...]

    def size(self, place: int) -> int:
        """Return the bytes of the block at `place`."""
        return min(BLOCK, self.bytes - place * BLOCK)


def is_list(file: Path) -> bool:
    """Whether a backup of that name is one of blocks, also while it is being made."""
    return SUFFIX in file.suffixes


def write(file: Path, found: BlockList) -> None:
    """Write a list durably as a new file for the collector's account alone. Raises OSError."""
    said = {
        "format": FORMAT,
        "lineage": found.lineage,
        "block": BLOCK,
        "bytes": found.bytes,
        "names": found.names,
    }
    _write(file, json.dumps(said, indent=0).encode() + b"\n")
    _sync(file)


def read(file: Path) -> BlockList:
    """Return the list in `file`. Raises BlockUnusable where it is none, OSError."""
    with file.open("rb") as source:
        data = source.read(_LARGEST)
    try:
        said: Any = json.loads(data)
        names, size, lineage = tuple(said["names"]), said["bytes"], said["lineage"]
        fits = (
            (said["format"], said["block"], type(size)) == (FORMAT, BLOCK, int)
            and _LINEAGE.fullmatch(lineage) is not None
            and len(names) == -(-size // BLOCK)
            and all(_NAME.fullmatch(name) for name in names)
        )
    except (ValueError, KeyError, TypeError, RecursionError) as exc:
        raise BlockUnusable(file=str(file), reason=type(exc).__name__) from exc
    if not fits:
        raise BlockUnusable(file=str(file), reason="format")
    return BlockList(lineage=lineage, bytes=size, names=names)


@dataclass(slots=True)
class BlockFolder:
    """The blocks of one collector in a backup folder.

    `sound` are those that were read back whole since this was made: only they are used again.
    """

    folder: Path
    lineage: str
    sound: set[str] = field(default_factory=set)
    written: int = 0
    """Bytes of the blocks that were not there."""
    _waiting: list[Path] = field(default_factory=list)
    _touched: set[Path] = field(default_factory=set)

    @property
    def root(self) -> Path:
        """Where they lie."""
        return self.folder / FOLDER / self.lineage

    def path(self, name: str) -> Path:
        """Return where the block of that name lies."""
        return self.root / name[:2] / name

    def names(self) -> set[str]:
        """Return the names of all that are there. Raises OSError."""
        return {file.name for file in self._files() if _NAME.fullmatch(file.name)}

    def block(self, name: str, size: int) -> bytes:
        """Return a block, read from the disk as far as the system lets us. Raises BlockUnusable."""
        path = self.path(name)
        try:
            with path.open("rb") as source:
                os.posix_fadvise(source.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                data = source.read(BLOCK + 1)
        except OSError as exc:
            raise BlockUnusable(file=str(path), reason=exc.strerror or str(exc)) from exc
        if len(data) != size or hashlib.sha256(data).hexdigest() != name:
            raise BlockUnusable(file=str(path), reason="SHA-256")
        self.sound.add(name)
        return data

    def put(self, data: bytes) -> str:
        """Return the name of a block, written if it is not there, or not sound. Raises OSError.

        It is durable after `settle`.
        """
        name = hashlib.sha256(data).hexdigest()
        if name in self.sound:
            return name
        with suppress(BlockUnusable):
            self.block(name, len(data))
            return name
        path = self.path(name)
        partial = path.with_name(name + TMP)
        if partial in self._waiting:
            return name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        _write(partial, data)
        self.written += len(data)
        self._waiting.append(partial)
        if len(self._waiting) >= TOGETHER:
            self._flush()
        return name

    def settle(self) -> None:
        """Make durable what was put, with the folders it lies in. Raises OSError."""
        self._flush()
        upper = {self.folder, self.folder / FOLDER, self.root} if self._touched else set()
        for each in self._touched | upper:
            _sync(each)
        self._touched.clear()

    def check(self, found: BlockList, told: Callable[[int], None]) -> None:
        """Read each block that was not read yet. Raises BlockUnusable."""
        for place, name in enumerate(found.names):
            if name not in self.sound:
                self.block(name, found.size(place))
            told(place * BLOCK)

    def lacks(self, found: BlockList) -> bool:
        """Whether a block is not there, without reading any. Raises OSError."""
        return not self.names().issuperset(found.names)

    def sweep(self, named: set[str]) -> int:
        """Delete what is not named, and what an interrupted backup left. Raises OSError."""
        count = 0
        for file in self._files():
            if file.name not in named:
                file.unlink(missing_ok=True)
                count += 1
        return count

    def _flush(self) -> None:
        for partial in self._waiting:
            _sync(partial)
        for partial in self._waiting:
            partial.replace(partial.with_suffix(""))
            self._touched.add(partial.parent)
        self._waiting.clear()

    def _files(self) -> Iterator[Path]:
        if self.root.is_dir():
            for each in sorted(self.root.iterdir()):
                if each.is_dir():
                    yield from each.iterdir()


def folder_of(file: Path, found: BlockList) -> BlockFolder:
    """Return the blocks a list in `file` speaks of."""
    return BlockFolder(file.parent, found.lineage)


def _write(file: Path, data: bytes) -> None:
    made = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(made, "wb") as out:  # noqa: PTH123  # it is the descriptor with its mode
        out.write(data)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
