"""Deletes evidence that is past its retention, from the beginning of each stream, in small steps.

Up to where it went is said by the edge, written in the transaction that deletes: the number, the
chain's head there, how much and when: verifying begins at an honest end, never at a hole. What
a step deletes is worked out on a reading connection; the writer only deletes rows by their id,
and a pack with the last of its batches.
Of the heads over what is deleted the last of each hour stays for ever, and so does the newest.
"""

import asyncio
import logging
import sqlite3
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlite_utils import Database as Tables

from central.database import Database, Urgency
from central.evidence.heads import keep_head
from central.evidence.keeping import Keeping
from central.evidence.sites import sites_of
from central.evidence.steps import Step, next_step
from protocols.clock import HOUR, MINUTE, Clock
from protocols.wire.chain import chain_start

logger = logging.getLogger(__name__)

LOOK: Final = 10 * MINUTE
"""Of the clock: between two rounds through all streams."""
PAUSE: Final = 0.02
"""Real seconds between two steps."""
PAGE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceState:
    """How much evidence there is, and when its oldest came (µs UTC; None: there is none)."""

    batches: int = 0
    bytes: int = 0
    oldest: int | None = None


class Retention:
    """`batches` and `bytes` are what was deleted since the start."""

    def __init__(self, db: Database, clock: Clock, keeping: Keeping) -> None:
        self._db = db
        self._clock = clock
        self._keeping = keeping
        self.batches = 0
        self.bytes = 0

    async def run(self) -> None:
        """Delete what is due, again and again until cancelled."""
        while True:
            await self.round()
            await self._clock.sleep(LOOK)

    async def round(self) -> None:
        """Go through all streams once."""
        number, before = 0, self.batches
        spans: dict[str, int | None] = {}
        while True:
            page = await self._db.read(partial(_unfinished, after=number))
            if not page:
                break
            for number, manifest in page:  # where the next page begins
                if manifest not in spans:
                    sites = await self._db.read(partial(sites_of, manifest=manifest))
                    spans[manifest] = self._keeping.longest(sites)
                span = spans[manifest]
                if span is not None:
                    await self._shorten(number, self._clock.now() - span)
        if self.batches > before:
            logger.info("evidence: %d batches past their retention deleted", self.batches - before)

    async def _shorten(self, stream: int, cutoff: int) -> None:
        while True:
            step = await self._db.read(partial(next_step, stream=stream, cutoff=cutoff))
            if step is None:
                return
            now = self._clock.now()
            done = await self._db.write(partial(_delete, step, now), urgency=Urgency.PATIENT)
            if not done:
                return  # somebody else was here; the next round looks again
            self.batches += len(step.ids)
            self.bytes += step.bytes
            await asyncio.sleep(PAUSE)


def evidence_state(conn: sqlite3.Connection) -> EvidenceState:
    """Return how much there is; costs nothing however much that is."""
    batches, size = conn.execute("SELECT batches, bytes FROM evidence_total").fetchone()
    row = conn.execute("SELECT received FROM evidence ORDER BY id LIMIT 1").fetchone()
    return EvidenceState(batches=batches, bytes=size, oldest=None if row is None else row[0])


def _unfinished(conn: sqlite3.Connection, after: int) -> list[tuple[int, str]]:
    """Return streams of which evidence may be left, by number."""
    return conn.execute(
        "SELECT number, manifest FROM stream s LEFT JOIN evidence_edge e ON e.stream = s.number "
        "WHERE number > ? AND cursor > 0 AND (e.seq IS NULL OR e.seq < cursor) "
        "ORDER BY number LIMIT ?",
        (after, PAGE),
    ).fetchall()


def _delete(step: Step, now: int, tables: Tables) -> bool:
    """Delete a step's rows and move the edge; False when the edge is not where it was."""
    conn = tables.conn
    known = conn.execute(
        "SELECT seq, batches, bytes FROM evidence_edge WHERE stream = ?", (step.stream,)
    ).fetchone()
    seq, batches, size = known or (0, 0, 0)
    if seq != step.before:
        return False
    opening = conn.execute("SELECT opening FROM stream WHERE number = ?", (step.stream,))
    # Streams older than the heads: the record's digest is kept before what stands on it goes.
    keep_head(tables, (step.stream, 0), chain_start(opening.fetchone()[0]), None, now)
    stored = _take(conn, step.ids)
    conn.execute(
        "INSERT OR REPLACE INTO evidence_edge(stream, seq, head, batches, bytes, received, deleted)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            step.stream,
            step.seq,
            step.head,
            batches + len(step.ids),
            size + step.bytes,
            step.received,
            now,
        ),
    )
    conn.execute(
        "UPDATE evidence_total SET batches = batches - ?, bytes = bytes - ?",
        (len(step.ids), stored),
    )
    conn.execute(
        "DELETE FROM evidence_head AS h WHERE stream = ?1 AND apart = 0 AND seq > 0 AND seq > ?2 "
        "AND seq <= ?3 AND received / ?4 = (SELECT n.received / ?4 FROM evidence_head n WHERE "
        "n.stream = ?1 AND n.apart = 0 AND n.seq > h.seq ORDER BY n.seq LIMIT 1)",
        (step.stream, step.before - 1, step.seq, HOUR),
    )
    return True


def _take(conn: sqlite3.Connection, ids: tuple[int, ...]) -> int:
    """Delete rows, and packs of which nothing is left; return how many bytes were stored."""
    marks = ", ".join("?" * len(ids))
    rows = conn.execute(
        "SELECT pack, count(*), sum(length(body)) FROM evidence "  # noqa: S608
        f"WHERE id IN ({marks}) GROUP BY pack",
        ids,
    ).fetchall()
    stored: int = sum(size for _, _, size in rows)
    conn.execute(f"DELETE FROM evidence WHERE id IN ({marks})", ids)  # noqa: S608
    for pack, count, _ in rows:
        gone = conn.execute(
            "UPDATE evidence_pack SET remaining = remaining - ? WHERE id = ? "
            "RETURNING remaining, length(body)",
            (count, pack),
        ).fetchone()
        if gone is not None and gone[0] <= 0:
            conn.execute("DELETE FROM evidence_pack WHERE id = ?", (pack,))
            stored += gone[1]
    return stored
