"""A medium that forgets: which bytes are left of a folder after the power went at one moment.

Every file keeps what was synced for certain. Of what was written since, anything may be there: all,
nothing, the first few writes, any of them, or any 512-byte sectors of them. Names (created,
renamed, unlinked) become durable in order, with the folder's sync or by chance, as on a journalling
file system.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple

SECTOR: Final = 512
STYLES: Final = ("nothing", "everything", "first", "some", "sectors", "sectors")


class Step(NamedTuple):
    """`what`: create, write, truncate, sync, names, unlink, rename, mark."""

    what: str
    name: str = ""
    at: int = 0
    data: Any = b""


class Write(NamedTuple):
    """Not synced yet; `data` None: the file was cut to `at` bytes."""

    at: int
    data: bytes | None


@dataclass
class File:
    """What is certain of a file, and what is not."""

    certain: bytearray = field(default_factory=bytearray)
    loose: list[Write] = field(default_factory=list)


class Medium:
    """A folder's content, step by step."""

    def __init__(self) -> None:
        self._numbers = count()
        self._files: dict[int, File] = {}
        self._names: dict[str, int] = {}
        self._certain_names: dict[str, int] = {}
        self._loose_names: list[tuple[str, str, int]] = []

    def take(self, step: Step) -> None:
        """Let one step happen."""
        if step.what in ("create", "unlink", "rename"):
            change = (step.what, step.name, self._number(step))
            if step.what == "rename":
                change = ("rename", f"{step.name}\0{step.data}", change[2])
            apply(self._names, change)
            self._loose_names.append(change)
        elif step.what == "names":
            for change in self._loose_names:
                apply(self._certain_names, change)
            self._loose_names.clear()
        elif step.what != "mark":
            self._content(self._files[self._names[step.name]], step)

    def _number(self, step: Step) -> int:
        if step.what != "create":
            return self._names.get(step.name, -1)
        number = next(self._numbers)
        self._files[number] = File()
        return number

    def _content(self, file: File, step: Step) -> None:
        if step.what == "sync":
            for write in file.loose:
                put(file.certain, write)
            file.loose.clear()
        else:
            file.loose.append(Write(step.at, step.data if step.what == "write" else None))

    def after_power_cut(self, dice: random.Random) -> dict[str, bytes]:
        """Return what is found in the folder when the power is back: name to content."""
        names = dict(self._certain_names)
        for change in self._loose_names[: dice.randint(0, len(self._loose_names))]:
            apply(names, change)
        found = {}
        for name, number in names.items():
            file = self._files[number]
            content = bytearray(file.certain)
            for write in left_over(file.loose, dice):
                put(content, write)
            found[name] = bytes(content)
        return found


def apply(names: dict[str, int], change: tuple[str, str, int]) -> None:
    what, name, number = change
    if what == "create":
        names[name] = number
    elif what == "unlink":
        names.pop(name, None)
    else:
        old, new = name.split("\0")
        if old in names:
            names[new] = names.pop(old)


def put(content: bytearray, write: Write) -> None:
    if write.data is None:
        if len(content) > write.at:
            del content[write.at :]
        else:
            content.extend(bytes(write.at - len(content)))
        return
    if len(content) < write.at:
        content.extend(bytes(write.at - len(content)))
    content[write.at : write.at + len(write.data)] = write.data


def left_over(loose: list[Write], dice: random.Random) -> Iterator[Write]:
    """Yield what happened to reach the medium of the writes nobody waited for."""
    style = dice.choice(STYLES)
    if style == "everything":
        yield from loose
    elif style == "first":
        yield from loose[: dice.randint(0, len(loose))]
    elif style == "some":
        yield from (write for write in loose if dice.random() < 0.5)
    elif style == "sectors":
        for write in loose:
            yield from torn(write, dice)


def torn(write: Write, dice: random.Random) -> Iterator[Write]:
    if write.data is None:
        if dice.random() < 0.5:
            yield write
        return
    start = 0
    while start < len(write.data):
        end = min(len(write.data), start + SECTOR - (write.at + start) % SECTOR)
        if dice.random() < 0.5:
            yield Write(write.at + start, write.data[start:end])
        start = end


def lay_out(found: dict[str, bytes], folder: Path) -> None:
    """Write what was found into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in found.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
