"""Many rows with few statements: what a statement costs by itself is shared by fifty rows.

A journal line written alone costs more than twice what it costs among fifty (measured).
"""

import sqlite3
from collections.abc import Sequence
from itertools import chain
from typing import Any, Final, NamedTuple

TOGETHER: Final = 50
"""Rows of one statement: more of them gain nothing, and leave more to be written singly."""


class Rows(NamedTuple):
    """A statement over a list of VALUES: what stands before it, one of them, what stands after."""

    before: str
    one: str
    after: str = ""

    def of(self, count: int) -> str:
        """Return the statement for so many rows."""
        return f"{self.before}{', '.join([self.one] * count)}{self.after}"


def write(conn: sqlite3.Connection, rows: Rows, values: Sequence[Sequence[Any]]) -> None:
    """Write rows in their order, inside the caller's transaction."""
    whole = len(values) // TOGETHER * TOGETHER
    if whole:
        sql = rows.of(TOGETHER)
        for at in range(0, whole, TOGETHER):
            conn.execute(sql, [*chain.from_iterable(values[at : at + TOGETHER])])
    if whole < len(values):
        conn.executemany(rows.of(1), values[whole:])
