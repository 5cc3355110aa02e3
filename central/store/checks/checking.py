"""Goes through the whole store and names what is not as it was written; changes nothing.

Runs on a read-only connection of its own, beside a collector or without one. What the journal holds
is taken first, then each family in a snapshot of its own: of the journal only what lies above that
snapshot's watermark counts, so that every reading is met once however often is sealed and merged
meanwhile, and no long snapshot lets the log of the database grow.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np

from central.store import chunks, journal, late, set_aside
from central.store.checks.family_check import FamilyCheck, exists
from central.store.checks.findings import Checked, Finding, Say
from central.store.codec.cells import MEMBERS
from central.store.damage import day_text
from central.store.heads.good_numbers import GoodNumbers
from central.store.heads.head_pages import PAGE, PointArrays
from central.store.heads.heads import Heads
from central.store.heads.point_memory import GOOD, MOST_PAGE, NEWEST
from central.store.squeezed import Damaged, inflated
from central.store.unsealed import Block, Unsealed
from central.store.views.reading import look

Progress = Callable[[int, int], None]
"""Told how many families were looked at, and how many there are."""
NO_FAMILY: Final = -1
_FILE_FINDINGS: Final = 100


def check(
    conn: sqlite3.Connection, say: Say, progress: Progress = lambda done, total: None
) -> Checked:
    """Check everything on a connection without a transaction; `say` is told each finding."""
    return _Check(conn, say).run(progress)


class _Check:
    def __init__(self, conn: sqlite3.Connection, say: Say) -> None:
        self._conn = conn
        self._say = say
        self._checked = Checked()
        self._unsealed = Unsealed()
        self._known: set[int] = set()
        self._heads: dict[int, int] = {}

    def run(self, progress: Progress) -> Checked:
        """Look at the file, the journal, heads, every family, and rows of no family."""
        self._file()
        with self._readable("journal"), _snapshot(self._conn):
            self._leftovers()
            self._set_aside()
            self._journal()
        with self._readable("head"), _snapshot(self._conn):
            self._look_at_heads()
        families: list[tuple[int, str]] = []
        with self._readable("family"):
            families = self._conn.execute("SELECT number, device FROM family").fetchall()
        for done, (family, device) in enumerate(families):
            progress(done, len(families))
            self._family(family, device)
            self._checked.families += 1
        for lone in self._without_family():
            self._family(NO_FAMILY, "#", lone)
        progress(len(families), len(families))
        return self._checked

    def _family(self, family: int, device: str, lone: dict[int, int] | None = None) -> None:
        with self._readable(device), _snapshot(self._conn):
            view = look(self._conn, self._unsealed)
            FamilyCheck(
                view, family, device, self._known, self._heads, self._checked, self._say, lone
            ).run()

    def _without_family(self) -> list[dict[int, int]]:
        """Return points that have readings and no place in a family yet, as if they had one."""
        blocks = self._unsealed.blocks()
        with self._readable("late"):
            placed = {n for (n,) in self._conn.execute("SELECT point FROM family_member")}
            found = set(late.points(self._conn))
            found |= {n for block in blocks for n in np.unique(block.rows.points).tolist()}
            lone = sorted(found - placed)
            return [dict(enumerate(lone[at : at + MEMBERS])) for at in range(0, len(lone), MEMBERS)]
        return []

    def _file(self) -> None:
        """Ask SQLite whether its pages and rows are in order."""
        try:
            rows = self._conn.execute(f"PRAGMA quick_check({_FILE_FINDINGS})").fetchall()
        except sqlite3.DatabaseError as exc:
            rows = [(str(exc),)]
        for (line,) in rows:
            if line != "ok":
                self._tell("CHECK_FILE", detail=str(line)[:500])

    def _leftovers(self) -> None:
        one = "SELECT count(*) FROM "
        checked, conn = self._checked, self._conn
        checked.leftover_rows = conn.execute(
            f"{one} journal WHERE id <= (SELECT watermark FROM store)"  # noqa: S608
        ).fetchone()[0]
        checked.leftover_chunks = conn.execute(
            f"{one} chunk WHERE seal > (SELECT watermark FROM store)"  # noqa: S608
        ).fetchone()[0]

    def _set_aside(self) -> None:
        for found, what, n, reason in set_aside.listed(self._conn):
            self._tell(
                "CHECK_SET_ASIDE",
                day=day_text(found // chunks.DAY),
                what=what,
                count=n,
                reason=reason,
            )

    def _journal(self) -> None:
        points = {number for (number,) in self._conn.execute("SELECT number FROM point")}
        counts = dict(self._conn.execute("SELECT id, n FROM journal").fetchall())
        for found in journal.replay(self._conn, chunks.watermark(self._conn)):
            self._checked.journal += 1
            if isinstance(found, journal.Unreadable):
                self._tell("CHECK_JOURNAL_UNREADABLE", row=found.id, reason=found.reason)
                continue
            entry, rows = found
            self._checked.journal_readings += len(rows)
            if counts.get(entry.id) != len(rows):
                self._tell("CHECK_JOURNAL_COUNT", row=entry.id, count=len(rows))
            if not exists(self._conn, entry.stream, self._known):
                self._tell("CHECK_JOURNAL_UNKNOWN", row=entry.id, what=f"stream {entry.stream}")
            for point in set(np.unique(rows.points).tolist()) - points:
                self._tell("CHECK_JOURNAL_UNKNOWN", row=entry.id, what=f"point {point}")
            if len(rows):
                self._unsealed.add(Block.of(entry.id, entry.stream, entry.received, rows))

    def _look_at_heads(self) -> None:
        """Take the newest times the pages have of each point."""
        for kind, page, body in self._conn.execute("SELECT kind, page, body FROM head"):
            self._checked.heads += 1
            holder: PointArrays
            if kind == NEWEST:
                holder = Heads(NOBODY)
            elif kind == GOOD:
                holder = GoodNumbers()
            else:
                self._tell("CHECK_HEAD_UNREADABLE", kind=kind, page=page, reason="kind")
                continue
            try:
                holder.put_page(0, inflated(body, MOST_PAGE))
            except (Damaged, ValueError) as exc:
                reason = exc.params["reason"] if isinstance(exc, Damaged) else str(exc)
                self._tell("CHECK_HEAD_UNREADABLE", kind=kind, page=page, reason=reason)
                continue
            for place in holder.known().tolist():
                number, time = page * PAGE + place, int(holder.times[place])
                self._heads[number] = max(time, self._heads.get(number, time))

    @contextmanager
    def _readable(self, what: str) -> Iterator[None]:
        """A part SQLite cannot read is a finding; the other parts are looked at all the same."""
        try:
            yield
        except (sqlite3.DatabaseError, OverflowError, TypeError, ValueError, Damaged) as exc:
            why = exc.params["reason"] if isinstance(exc, Damaged) else exc
            self._tell("CHECK_PART_UNREADABLE", what=what, reason=str(why)[:200])

    def _tell(self, code: str, **params: object) -> None:
        self._checked.findings += 1
        self._say(Finding(code, params))  # type: ignore[arg-type]


class _Nobody:
    """Heads that are looked at, not shown, need no names."""

    def by_number(self, number: int) -> None:
        """Return nothing."""

    def number(self, id: str) -> None:  # noqa: A002  # the registry's word
        """Return nothing."""


NOBODY: Final = _Nobody()


@contextmanager
def _snapshot(conn: sqlite3.Connection) -> Iterator[None]:
    conn.execute("BEGIN")
    try:
        yield
    finally:
        conn.execute("ROLLBACK")
