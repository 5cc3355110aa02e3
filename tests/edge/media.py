"""Ways to make a real medium fail under a buffer, and to make it work again."""

import ctypes
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edge.buffer import medium
from edge.buffer.file import BufferFile
from protocols.errors import BufferFault


@dataclass
class FailingMedium:
    """`fail()` and `mend()`, any number of times; `readable`: what is there can still be read."""

    folder: Path
    fail: Callable[[], None]
    mend: Callable[[], None]
    readable: bool


@contextmanager
def no_writes(folder: Path) -> Iterator[FailingMedium]:
    """No file of this process may grow or be made longer: every write to the medium is EFBIG."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(soft: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, before[1]))

    try:
        yield FailingMedium(folder, lambda: limit(0), lambda: limit(before[0]), readable=True)
    finally:
        limit(before[0])


@contextmanager
def no_folder(folder: Path) -> Iterator[FailingMedium]:
    """The folder is gone, and a file lies in its place, as under a mount that came off.

    One takes the other's place in one step, as mounts do: between two, the buffer, which is at work
    in its own thread, would make the folder anew.
    """
    away = folder.with_name(folder.name + ".away")

    def fail() -> None:
        if folder.is_dir():
            away.write_text("not a folder")
            swap(folder, away)
        elif not folder.exists():
            folder.write_text("not a folder")

    def mend() -> None:
        if not folder.is_file():
            return
        if away.exists():
            swap(folder, away)
            away.unlink()
        else:
            folder.unlink()

    try:
        yield FailingMedium(folder, fail, mend, readable=False)
    finally:
        mend()


def swap(one: Path, other: Path) -> None:
    """Let two names change places in one step (renameat2 of Linux)."""
    libc = ctypes.CDLL(None, use_errno=True)
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    if libc.renameat2(here, bytes(one), here, bytes(other), exchange):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(one))


@contextmanager
def stored_yet_refused(folder: Path) -> Iterator[FailingMedium]:
    """What is written is there, and the answer is an error: a failed fsync of what did arrive."""
    real, state = BufferFile.write, {"failing": False}

    def write(self: BufferFile, *args: Any) -> None:
        real(self, *args)
        if state["failing"] and self.path.is_relative_to(folder):
            raise BufferFault("BUFFER_IO", file=str(self.path), reason="SQLITE_IOERR_FSYNC")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BufferFile, "write", write)
        patch.setattr("edge.buffer.medium.probe", probe_if(state))
        yield FailingMedium(
            folder,
            lambda: state.update(failing=True),
            lambda: state.update(failing=False),
            readable=True,
        )


def probe_if(state: dict[str, bool]) -> Callable[[Path], None]:
    real = medium.probe

    def probe(folder: Path) -> None:
        if state["failing"]:
            raise OSError(5, "Input/output error")
        real(folder)

    return probe


MEDIA = {
    "no writes": no_writes,
    "no folder": no_folder,
    "stored yet refused": stored_yet_refused,
}
