"""Reads back what the collector stored: readings through its own API, batches from its evidence."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

from protocols.simulators.collector_door import CollectorDoor

PAGE = 5_000


@dataclass
class Stored:
    """`samples`: point number to its good `(time µs UTC, value)` in stored order; `rows` of any
    quality; `batches`: `(stream, seq0)` to how many readings the evidence says it holds."""

    samples: dict[int, list[tuple[int, object]]] = field(default_factory=dict)
    rows: int = 0
    batches: dict[tuple[str, int], int] = field(default_factory=dict)
    proved: int = 0
    """Readings in the evidence: as many must be stored."""


def open_read_only(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{file}?mode=ro", uri=True)


def read_cursors(file: Path) -> dict[str, int]:
    """Return the cursor of each stream the collector knows."""
    with closing(open_read_only(file)) as conn:
        return dict(conn.execute("SELECT id, cursor FROM stream"))


def read_batches(file: Path) -> dict[tuple[str, int], int]:
    """Return the size of each batch in evidence; a skip says what is gone, so it holds nothing."""
    with closing(open_read_only(file)) as conn:
        found = conn.execute(
            "SELECT s.id, e.seq0, e.n FROM evidence e JOIN stream s ON s.number = e.stream "
            "WHERE e.kind <> 2"
        )
        return {(stream, seq0): n for stream, seq0, n in found}


def read_proved(file: Path) -> int:
    """Return how many readings all batches of readings in evidence hold."""
    with closing(open_read_only(file)) as conn:
        return int(conn.execute("SELECT total(n) FROM evidence WHERE kind = 1").fetchone()[0])


def read_point(
    door: CollectorDoor, point: str, span: tuple[int, int]
) -> Iterable[tuple[int, object, int]]:
    """Yield `(time, value, quality)` of everything stored for a point, page by page."""
    start, end = (rfc3339(moment) for moment in span)
    query = {"from": start, "to": end, "limit": PAGE}
    cursor: str | None = None
    while True:
        asked = urlencode(query | ({"cursor": cursor} if cursor else {}))
        answer = door.ask("GET", f"/api/v1/points/{point}/readings?{asked}")
        columns = answer["columns"]
        for time, value, quality in zip(
            columns["time"], columns["value"], columns["quality"], strict=True
        ):
            yield microseconds(time), value, quality
        cursor = answer["next"]
        if not cursor:
            return


def rfc3339(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1_000_000, UTC).isoformat()


def microseconds(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond


def read_stored(
    door: CollectorDoor, file: Path, points: dict[int, str], span: tuple[int, int]
) -> Stored:
    """Read everything within `span` (µs UTC); `points` is point number to its id."""
    stored = Stored(batches=read_batches(file), proved=read_proved(file))
    for number, point in points.items():
        samples = stored.samples.setdefault(number, [])
        for time, value, quality in read_point(door, point, span):
            stored.rows += 1
            if not quality & 0xC0000000:
                samples.append((time, value))
    return stored
