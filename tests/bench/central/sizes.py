"""What the collector's database takes on disk, by what it is for; read beside it, never written."""

import sqlite3
import threading
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from protocols.clock import real_monotonic

STORE: Final = ("chunk", "family", "family_member", "late", "head", "store")
EVIDENCE: Final = (
    *("evidence", "evidence_pack", "evidence_head"),
    *("evidence_edge", "evidence_total", "evidence_packed"),
)
STILL: Final = 10.0
"""Seconds without a change after which sealing and merging are over."""
PATIENCE: Final = 120.0


@dataclass(frozen=True)
class Sizes:
    """Bytes, and the readings they hold: of the store those in chunks and late rows alone."""

    store: int
    readings: int
    chunks: int
    late: int
    evidence: int
    kept: int
    """Readings the evidence holds."""
    total: int

    def since(self, before: "Sizes") -> "Sizes":
        """Return what was added."""
        fields = self.__dataclass_fields__
        return Sizes(**{name: getattr(self, name) - getattr(before, name) for name in fields})

    @property
    def per_reading(self) -> float:
        """Bytes of the store a reading."""
        return round(self.store / max(1, self.readings), 3)

    @property
    def evidence_per_reading(self) -> float:
        """Bytes of the evidence a reading."""
        return round(self.evidence / max(1, self.kept), 3)


def look(database: Path) -> Sizes:
    """Return the sizes now."""
    with closing(_open(database)) as conn:
        pages: dict[str, int] = dict(
            conn.execute(
                "SELECT m.tbl_name, sum(s.pgsize) FROM dbstat s JOIN sqlite_schema m "
                "ON m.name = s.name WHERE s.aggregate = 1 GROUP BY 1"
            ).fetchall()
        )
        chunks, held = conn.execute("SELECT count(*), coalesce(sum(n), 0) FROM chunk").fetchone()
        (late,) = conn.execute("SELECT count(*) FROM late").fetchone()
        (kept,) = conn.execute("SELECT coalesce(sum(n), 0) FROM evidence WHERE kind = 1").fetchone()
    return Sizes(
        store=sum(pages.get(table, 0) for table in STORE),
        readings=held + late,
        chunks=chunks,
        late=late,
        evidence=sum(pages.get(table, 0) for table in EVIDENCE),
        kept=kept,
        total=sum(pages.values()),
    )


def held(database: Path) -> int:
    """Return how many readings a start would find: in chunks, in the journal, as rows."""
    with closing(_open(database)) as conn:
        found = conn.execute(
            "SELECT (SELECT coalesce(sum(n), 0) FROM chunk, store WHERE seal <= watermark) + "
            "(SELECT coalesce(sum(n), 0) FROM journal, store WHERE journal.id > watermark) + "
            "(SELECT count(*) FROM late)"
        ).fetchone()
    return int(found[0])


def settled(database: Path) -> Sizes:
    """Wait until sealing and merging come to rest, and return the sizes then."""
    deadline, last, since = real_monotonic() + PATIENCE, None, real_monotonic()
    pause = threading.Event()
    while real_monotonic() < deadline:
        with closing(_open(database)) as conn:
            now = conn.execute(
                "SELECT (SELECT watermark FROM store), (SELECT count(*) FROM chunk), "
                "(SELECT max(id) FROM chunk), (SELECT count(*) FROM journal), "
                "(SELECT max(id) FROM evidence_pack)"
            ).fetchone()
        if now != last:
            last, since = now, real_monotonic()
        elif real_monotonic() - since >= STILL:
            break
        pause.wait(0.25)
    return look(database)


def _open(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)
