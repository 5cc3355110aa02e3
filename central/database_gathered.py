"""Rows that the work of one transaction leaves to be written together, right before its COMMIT.

Every statement gives up the interpreter and has to get it back: a group of requests writes its rows
of one kind in one. What is gathered is in no table yet; whoever asks a table for it writes it out
first. Belongs to whoever holds the writing connection, the event loop and the thread in turn.
"""

import sqlite3
from functools import lru_cache
from itertools import chain
from typing import Any, Final, NamedTuple

_SIZES: Final = (32, 16, 8, 4, 2, 1)
"""Rows of one statement: few different ones, so that SQLite's own are found again."""

Row = tuple[Any, ...]


class Statement(NamedTuple):
    """SQL around rows of `width` values, which are in place of its `VALUES`.

    `first`: its rows are what others of the same transaction refer to. `alone`: SQL that does the
    same for a single row, by numbered parameters, where that takes less.
    """

    sql: str
    width: int
    first: bool = False
    alone: str = ""


class Gathered:
    """In the order it was gathered; statements in the order of their first rows.

    Those that are `first` go before all others.
    """

    def __init__(self) -> None:
        self._rows: list[tuple[Statement, Row]] = []
        self.count = 0
        """Rows ever gathered: whether a piece of work did."""
        self.turn = 0
        """Rises with every writing out: whether another transaction began, among others."""
        self.changes = 0
        """Rows of tables that writing out changed."""

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, statement: Statement, row: Row) -> None:
        """Leave a row to be written."""
        self._rows.append((statement, row))
        self.count += 1

    def cut(self, length: int) -> None:
        """Take back all but the first `length` rows, as if they had never been gathered."""
        self.count -= len(self._rows) - length
        del self._rows[length:]

    def forget(self) -> None:
        """Drop everything: its transaction was undone."""
        self._rows.clear()

    def write_out(self, conn: sqlite3.Connection) -> None:
        """Write everything inside the transaction that is open."""
        self.turn += 1
        if not self._rows:
            return
        kinds: dict[Statement, list[Row]] = {}
        for statement, row in self._rows:
            kinds.setdefault(statement, []).append(row)
        self._rows.clear()
        before = conn.total_changes
        for statement, rows in sorted(kinds.items(), key=_first):
            at = 0
            for size in _SIZES:
                while len(rows) - at >= size:
                    part = chain.from_iterable(rows[at : at + size])
                    conn.execute(_sql(statement, size), tuple(part))
                    at += size
        self.changes += conn.total_changes - before


def _first(kind: tuple[Statement, list[Row]]) -> bool:
    return not kind[0].first


@lru_cache(maxsize=256)
def _sql(statement: Statement, rows: int) -> str:
    if rows == 1 and statement.alone:
        return statement.alone
    row = f"({', '.join('?' * statement.width)})"
    return statement.sql.replace("VALUES", f"VALUES {', '.join([row] * rows)}")
