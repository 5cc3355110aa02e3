"""The highest stream number ever given, kept beside the files that may be lost or put aside.

A number names one stream of this gateway for ever: were one given again because the alarm file was
damaged, or is of a later format, data would stand against data at the collector. So the number is
noted here, durable, before it is given; and where even this note is gone with the alarm file, the
count goes on so far ahead that nothing can have come that far.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from edge.buffer.rows import NUMBER_MOST

NUMBERS: Final = "highest-stream"
AHEAD: Final = 10_000
"""Streams. A process gives a few; there is room for eight million."""


def read_highest(folder: Path) -> int:
    """Return the number noted, 0 when there is none that can be read."""
    with suppress(OSError, ValueError):
        text = (folder / NUMBERS).read_text(encoding="ascii")
        if text.endswith("\n"):
            number = int(text)
            return number if 0 <= number <= NUMBER_MOST else 0
    return 0


def write_highest(folder: Path, number: int) -> None:
    """Note it, durable on return. Raises OSError."""
    new = folder / (NUMBERS + ".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        os.write(descriptor, f"{number}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    new.replace(folder / NUMBERS)


def known_highest(folder: Path, highest: int, *, lost: bool) -> int:
    """Return what new numbers must be above; `lost`: whether the alarm file was put aside."""
    noted = read_highest(folder)
    if lost and not noted:
        return highest + AHEAD
    return max(highest, noted)
