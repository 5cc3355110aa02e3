"""What the door counts since the start: requests, readings, what came again, aside, refused."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from central.door.requests import Answer
from protocols.errors import FengsuiError


@dataclass(slots=True)
class Tally:
    """One virtual gateway's readings: taken, here already, put aside by reason."""

    accepted: int = 0
    known: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)


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
    each: dict[str, Tally] = field(default_factory=dict)
    """By virtual gateway."""

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

    def answered(self, gateway: str, answer: Answer) -> None:
        """Count what a request of the gateway brought."""
        if answer["duplicate"]:
            self.duplicates += 1
            return
        self.readings += answer["accepted"]
        self.known += answer["known"]
        self.quarantined.update(answer["reasons"])
        own = self.each.setdefault(gateway, Tally())
        own.accepted += answer["accepted"]
        own.known += answer["known"]
        own.quarantined.update(answer["reasons"])
