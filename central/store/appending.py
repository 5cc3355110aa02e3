"""What the writer's transactions bring, before and after they are durable.

A block is made with its journal row, which is written with those of the others of its transaction,
and is *pending* until the event loop has heard of the commit. Work in the same or the next
transaction finds it here; work that was undone takes it along.
"""

import sqlite3
from typing import Final

from central.database_gathered import Gathered
from central.store import journal
from central.store.columns import Columns
from central.store.points import RECEIVED_UNIT
from central.store.unsealed import Block

FIRST: Final = 1


class Appending:
    """Belongs to the writer thread, but for `durable` of its blocks."""

    def __init__(self, gathered: Gathered) -> None:
        self._gathered = gathered
        self._next = FIRST
        self._pending: list[Block] = []
        self._doubtful = False

    def load(self, conn: sqlite3.Connection) -> None:
        """Go on after the last row there ever was."""
        row = conn.execute(
            "SELECT max(watermark, (SELECT coalesce(max(id), 0) FROM journal)) FROM store"
        ).fetchone()
        self._next = int(row[0]) + 1

    @property
    def last(self) -> int:
        """The number of the last entry there ever was: every later one lies above it."""
        return self._next - 1

    def forget(self) -> None:
        """Some work was undone: whose rows are not there is found out before the next use."""
        self._doubtful = True

    def append(  # whose they are, when they came
        self,
        stream: int,
        received: int,
        rows: Columns,
        line: int | None = None,
        body: bytes | None = None,
    ) -> Block | None:
        """Gather the rows' journal entry; return their block (None: there are none).

        `body`: what its entry holds, where that is known already.
        """
        if not len(rows):
            return None
        received = received // RECEIVED_UNIT * RECEIVED_UNIT
        # Not SQLite's own numbers: after an undone transaction they would come again.
        block = Block.of(self._next, stream, received, rows, line)
        self._next += 1
        body = journal.pack(rows) if body is None else body
        self._gathered.add(journal.INSERT, (block.id, stream, received, len(rows), body))
        before = self._pending
        if before and (before[0].durable or before[-1].durable):  # of another transaction
            self._pending = [each for each in before if not each.durable]
        self._pending.append(block)
        return block

    def pending(self, conn: sqlite3.Connection) -> list[Block]:
        """Return the blocks whose rows this connection sees and nobody else was told of."""
        self._pending = [each for each in self._pending if not each.durable]
        if self._doubtful and self._pending:
            self._gathered.write_out(conn)
            first = self._pending[0].id
            here = {
                row[0] for row in conn.execute("SELECT id FROM journal WHERE id >= ?", (first,))
            }
            self._pending = [each for each in self._pending if each.id in here]
        self._doubtful = False
        return self._pending
