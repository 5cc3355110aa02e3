"""What a check of the store found: a text's code and what it is about."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from protocols.words import Value


class Finding(NamedTuple):
    """Something that is not as it was written; `code` is a key of the text catalogue."""

    code: str
    params: dict[str, Value]


Say = Callable[[Finding], None]
"""Told each finding when it is found: there may be many."""


@dataclass(slots=True)
class Checked:
    """What was looked at. `leftover_*`: of a seal that goes on or was killed; a start deletes it.

    `findings` counts them, however many were shown.
    """

    families: int = 0
    chunks: int = 0
    readings: int = 0
    rows: int = 0
    journal: int = 0
    journal_readings: int = 0
    heads: int = 0
    rollups: int = 0
    leftover_rows: int = 0
    leftover_chunks: int = 0
    findings: int = 0
