"""What a window remembers, as the tables keep it: in pieces, written when they are full.

A day of readings is too much to be written with every reading. The row of a rule holds the newest
few; the others lie in pieces of the table `remembered`, written once and deleted when nothing of
them counts any more. All of it in the transaction of the reading: nothing has to be guessed from
the store after a restart, which also has what this rule was never given.
"""

import json
import sqlite3
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise, takewhile
from typing import Any, Final, NamedTuple

from protocols.alarms.kinds.window import Seen

PIECE: Final = 32
"""Readings of a piece: fewer lie in the rule's row."""
_Places = tuple[int, int]
"""From the first to beyond the last, counted from the first reading the window ever had."""


class Written(NamedTuple):
    """A window as the tables have it: the place of its first reading, and its pieces in order."""

    seen: Seen = Seen()
    first: int = 0
    pieces: tuple[_Places, ...] = ()

    @property
    def tail(self) -> dict[str, Any]:
        """Return what the rule's row says of it."""
        begin = self._tail - self.first
        times, values, _ = self.seen
        return {"first": self.first, "times": times[begin:], "values": values[begin:]}

    @property
    def _tail(self) -> int:
        return self.pieces[-1][1] if self.pieces else self.first


def write(conn: sqlite3.Connection, rule: str, before: Written | None, seen: Seen) -> Written:
    """Write what of a window is not as it was; `before` None: whatever lies there is of no use."""
    if before is None:
        forget(conn, rule)
        before = Written()
    dropped, same = _alike(before.seen, seen)
    first = before.first + dropped
    pieces = [each for each in before.pieces if first < each[1] <= first + same]
    gone = [(rule, each[0]) for each in before.pieces if each not in pieces]
    conn.executemany("DELETE FROM remembered WHERE rule = ? AND place = ?", gone)
    begin = pieces[-1][1] if pieces else first
    fresh = list(pairwise(range(begin, first + len(seen.times) + 1, PIECE)))
    rows = [(rule, each[0], _text(seen, each, first)) for each in fresh]
    conn.executemany("INSERT INTO remembered(rule, place, body) VALUES (?, ?, ?)", rows)
    return Written(seen, first, (*pieces, *fresh))


def forget(conn: sqlite3.Connection, rule: str) -> None:
    """Delete all pieces of a rule."""
    conn.execute("DELETE FROM remembered WHERE rule = ?", (rule,))


def pieces(conn: sqlite3.Connection) -> dict[str, list[tuple[int, str]]]:
    """Return the pieces of every rule, in order."""
    found: dict[str, list[tuple[int, str]]] = {}
    for rule, place, body in conn.execute(
        "SELECT rule, place, body FROM remembered ORDER BY rule, place"
    ):
        found.setdefault(rule, []).append((place, body))
    return found


def read(
    tail: dict[str, Any], last: tuple[int, float] | None, rows: Sequence[tuple[int, str]]
) -> Written:
    """Return a window of its row and its pieces; `last` is the newest reading it goes by."""
    first: int = tail["first"]
    times: list[int] = []
    values: list[float] = []
    places: list[_Places] = []
    for place, body in rows:
        own, more = json.loads(body)
        places.append((place, place + len(own)))
        times += own
        values += more
    over = first - places[0][0] if places else 0
    whole = (*times[over:], *tail["times"]), (*values[over:], *tail["values"])
    return Written(Seen(*whole, last), first, tuple(places))


def _text(seen: Seen, places: _Places, first: int) -> str:
    own = slice(places[0] - first, places[1] - first)
    return json.dumps((seen.times[own], seen.values[own]))


def _alike(before: Seen, seen: Seen) -> tuple[int, int]:
    """Return how many went at the beginning, and how many after them are as they were."""
    times, values = before.times, before.values
    dropped = bisect_left(times, seen.times[0]) if seen.times else len(times)
    left = len(times) - dropped
    if times[dropped:] == seen.times[:left] and values[dropped:] == seen.values[:left]:
        return dropped, left
    both = zip(times[dropped:], seen.times, values[dropped:], seen.values, strict=False)
    same = takewhile(lambda each: each[0] == each[1] and each[2] == each[3], both)
    return dropped, sum(1 for _ in same)
