"""What the door counts since the start: requests, readings, what came again, aside, refused."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from central.door.requests import Answer
from protocols.errors import FengsuiError


@dataclass(slots=True)
class DoorFigures:
    """Changed only on the event loop."""

    requests: int = 0
    duplicates: int = 0
    """Requests that came again under their key."""
    readings: int = 0
    known: int = 0
    """Readings that were here already, under whatever key."""
    quarantined: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    """Requests answered with an error, by code."""

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count a request, and its refusal."""
        self.requests += 1
        try:
            yield
        except FengsuiError as exc:
            self.refused[exc.code] += 1
            raise
        except sqlite3.Error:  # the database has logged the cause
            self.refused["STORE_UNAVAILABLE"] += 1
            raise

    def answered(self, answer: Answer) -> None:
        """Count what a request brought."""
        if answer["duplicate"]:
            self.duplicates += 1
            return
        self.readings += answer["accepted"]
        self.known += answer["known"]
        self.quarantined.update(answer["reasons"])
