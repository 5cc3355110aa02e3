"""Reads back what the collector stored: readings through its own API, batches from its evidence."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import numpy as np

from protocols.simulators.collector_door import CollectorDoor

PAGE: Final = 50_000
NOT_GOOD: Final = 0xC0000000
OFFSET: Final = np.timedelta64(8 * 3600, "s")
"""The API writes China Standard Time."""


@dataclass
class Samples:
    """A point's stored readings: `times` (µs UTC) and `values` of the good ones in stored order,
    and the times of those that are not good."""

    times: Any
    values: Any
    bad: Any

    @property
    def rows(self) -> int:
        return len(self.times) + len(self.bad)


@dataclass
class Evidence:
    """`batches`: `(stream, seq0)` to how many items; `skips`: stream to the ranges of numbers that
    were given up, and why; `proved`: readings in batches of readings, as many must be stored or put
    aside; `loss`: point id to the spans of time its permitted losses lie in."""

    batches: dict[tuple[str, int], int] = field(default_factory=dict)
    skips: dict[str, list[tuple[int, int, str]]] = field(default_factory=dict)
    proved: int = 0
    quarantined: int = 0
    loss: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    unplaced: dict[str, int] = field(default_factory=dict)
    """Gateway to how many readings the loss ledger counts without naming their points."""
    lost: dict[str, int] = field(default_factory=dict)
    """Reason to how many readings the loss ledger counts."""
    security: dict[str, int] = field(default_factory=dict)
    """Code of security events to how many."""
    events: dict[str, int] = field(default_factory=dict)


def open_read_only(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)


def read_cursors(file: Path) -> dict[str, int]:
    """Return the cursor of each stream the collector knows."""
    with closing(open_read_only(file)) as conn:
        return dict(conn.execute("SELECT id, cursor FROM stream"))


def read_evidence(file: Path) -> Evidence:
    """Return what the collector can prove of batches, losses and events."""
    found = Evidence()
    with closing(open_read_only(file)) as conn:
        streams = dict(conn.execute("SELECT number, id FROM stream"))
        why = {(s, q): r for s, q, r in conn.execute("SELECT stream, seq0, reason FROM loss")}
        for stream, seq0, n, kind in conn.execute("SELECT stream, seq0, n, kind FROM evidence"):
            if kind == 2:
                skip = (seq0, seq0 + n - 1, why.get((stream, seq0), "no line in the ledger"))
                found.skips.setdefault(streams[stream], []).append(skip)
                continue
            found.batches[streams[stream], seq0] = n
            found.proved += n if kind == 1 else 0
        found.quarantined = int(conn.execute("SELECT total(n) FROM quarantine").fetchone()[0])
        found.lost = dict(conn.execute("SELECT reason, sum(count) FROM loss GROUP BY reason"))
        found.loss = _loss(conn)
        found.unplaced = dict(
            conn.execute(
                "SELECT s.gateway, sum(l.count) FROM loss l JOIN stream s ON s.number = l.stream"
                " WHERE l.point IS NULL GROUP BY s.gateway"
            )
        )
        count = "SELECT code, count(*) FROM event WHERE kind {} 'security' GROUP BY code"
        found.security = dict(conn.execute(count.format("=")))
        found.events = dict(conn.execute(count.format("<>")))
    return found


def _loss(conn: sqlite3.Connection) -> dict[str, list[tuple[int, int]]]:
    spans: dict[str, list[tuple[int, int]]] = {}
    for point, start, end in conn.execute(
        "SELECT p.id, l.time_from, l.time_to FROM loss l JOIN point p ON p.number = l.point"
        " WHERE l.time_from IS NOT NULL"
    ):
        spans.setdefault(point, []).append((start, end))
    return spans


def read_point(door: CollectorDoor, point: str, span: tuple[int, int]) -> Samples:
    """Return everything stored for a point, page by page, over the API."""
    times, values, qualities = [], [], []
    for page in _pages(door, point, span):
        columns = page["columns"]
        times.append(microseconds(columns["time"]))
        values += columns["value"]
        qualities.append(np.array(columns["quality"], dtype=np.int64))
    time = np.concatenate(times) if times else np.empty(0, dtype=np.int64)
    quality = np.concatenate(qualities) if qualities else np.empty(0, dtype=np.int64)
    good = quality & NOT_GOOD == 0
    # A good reading without a number would be wrong: it becomes one that nothing fits.
    numbers = np.array([-1 if v is None else v for v in values], dtype=np.float64)
    return Samples(time[good], numbers[good].astype(np.int64), time[~good])


def _pages(door: CollectorDoor, point: str, span: tuple[int, int]) -> Iterator[dict[str, Any]]:
    start, end = (rfc3339(moment) for moment in span)
    query = {"from": start, "to": end, "limit": PAGE}
    cursor: str | None = None
    while True:
        asked = urlencode(query | ({"cursor": cursor} if cursor else {}))
        answer = door.ask("GET", f"/api/v1/points/{point}/readings?{asked}")
        yield answer
        cursor = answer["next"]
        if not cursor:
            return


def rfc3339(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1_000_000, UTC).isoformat()


def microseconds(texts: list[str]) -> Any:
    """Return the API's times as µs UTC. Raises ValueError when they are not in its one form."""
    if not all(text.endswith("+08:00") for text in texts):
        raise ValueError("the API writes its times with the offset +08:00")
    return (np.array([t[:-6] for t in texts], dtype="datetime64[us]") - OFFSET).astype(np.int64)
