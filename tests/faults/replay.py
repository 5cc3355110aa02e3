"""Replays recorded statements through a VFS that writes down every step the medium would see.

SQLite itself decides what is written and synced when: only the file calls are watched. The replay
runs on real files, so that it can read what it wrote.
"""

import re
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import Any, Final

import apsw

from tests.faults.medium import Step
from tests.faults.recording import Act

SYNCHRONOUS: Final = re.compile(r"synchronous\s*=\s*\w+", re.IGNORECASE)
JOURNALS: Final = apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL
_NAMES = count()


class Watching(apsw.VFS):
    """The default VFS, its files below `folder` watched into `steps`."""

    def __init__(self, folder: Path, steps: list[Step]) -> None:
        self.folder = folder.resolve()
        self.steps = steps
        self.vfs_name = f"watching-{next(_NAMES)}"
        super().__init__(self.vfs_name, base="")

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return WatchedFile(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        super().xDelete(filename, syncdir)
        self.steps.append(Step("unlink", self.inside(filename)))
        if syncdir:
            self.steps.append(Step("names"))

    def inside(self, filename: str) -> str:
        return str(Path(filename).relative_to(self.folder))


class WatchedFile(apsw.VFSFile):
    """A file whose writes, cuts and syncs are written down."""

    def __init__(self, vfs: Watching, name: Any, flags: list[int]) -> None:
        self._steps, self._name = vfs.steps, None
        self._names_too = False
        if name is not None:
            filename = name.filename() if isinstance(name, apsw.URIFilename) else name
            self._name = vfs.inside(filename)
            if not Path(filename).exists():
                self._steps.append(Step("create", self._name))
                # SQLite syncs the folder with the first sync of a journal it made.
                self._names_too = bool(flags[0] & JOURNALS)
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        super().xWrite(data, offset)
        self._tell("write", offset, bytes(data))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        super().xTruncate(newsize)
        self._tell("truncate", newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._tell("sync")
        if self._names_too:
            self._names_too = False
            self._steps.append(Step("names"))

    def _tell(self, what: str, at: int = 0, data: bytes = b"") -> None:
        if self._name is not None:
            self._steps.append(Step(what, self._name, at, data))


def replay(acts: Iterable[Act], folder: Path, synchronous: str = "") -> list[Step]:
    """Return the steps of `acts`, carried out in the empty `folder`.

    `synchronous` replaces the setting that the recorded process made. Every connection has its file
    alone: shared memory is for readers, of which there are none here.
    """
    steps: list[Step] = []
    folder.mkdir(parents=True, exist_ok=True)
    vfs = Watching(folder, steps)
    opened: dict[int, apsw.Connection] = {}
    try:
        for act in acts:
            if act.what == "open":
                opened[act.at] = apsw.Connection(str(vfs.folder / act.said), vfs=vfs.vfs_name)
                opened[act.at].execute("PRAGMA locking_mode=EXCLUSIVE").fetchall()
            elif act.what == "sql":
                for _ in opened[act.at].execute(changed(act.said, synchronous)):
                    continue
            elif act.what == "close":
                opened.pop(act.at).close()
            else:
                _outside(act, vfs)
    finally:
        for connection in opened.values():
            connection.close()
        vfs.unregister()
    return steps


def changed(text: str, synchronous: str) -> str:
    return SYNCHRONOUS.sub(f"synchronous={synchronous}", text) if synchronous else text


def _outside(act: Act, vfs: Watching) -> None:
    """What is done to the folder beside SQLite."""
    if act.what == "mark":
        vfs.steps.append(Step("mark", data=act.said))
    elif act.what == "unlink" and (vfs.folder / act.at).exists():
        (vfs.folder / act.at).unlink()
        vfs.steps.append(Step("unlink", act.at))
    elif act.what == "rename" and (vfs.folder / act.at).exists():
        (vfs.folder / act.said).parent.mkdir(parents=True, exist_ok=True)
        (vfs.folder / act.at).replace(vfs.folder / act.said)
        vfs.steps.append(Step("rename", act.at, data=act.said))
    elif act.what == "fsync":
        if act.at == ".":
            vfs.steps.append(Step("names"))
        elif (vfs.folder / act.at).is_file():  # what SQLite did not make has not been replayed
            vfs.steps.append(Step("sync", act.at))
