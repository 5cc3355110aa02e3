"""Which points share chunks: up to 32 of one device, in the order in which they were numbered.

A point's place is given once, with its first sealed reading, and kept for ever: chunks name their
members by it.
"""

import json
import sqlite3
from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from central.store.codec.cells import MEMBERS

UNKNOWN: Final = -1


class Place(NamedTuple):
    """A family's number and the point's bit in it."""

    family: int
    member: int


class Families:
    """The places of all points as arrays by the registry's number; changed by the writer thread."""

    def __init__(self) -> None:
        self.family: NDArray[np.int64] = np.empty(0, np.int64)
        self.member: NDArray[np.int64] = np.empty(0, np.int64)

    @property
    def count(self) -> int:
        """How many families there are."""
        return int(self.family.max(initial=0))  # they are numbered from 1, and none is taken back

    def load(self, conn: sqlite3.Connection) -> None:
        """Read every place."""
        rows = conn.execute("SELECT point, family, place FROM family_member").fetchall()
        self._take(rows)

    def place(self, number: int) -> Place | None:
        """Return a point's place; None: nothing of it was ever sealed."""
        if number >= len(self.family) or self.family[number] == UNKNOWN:
            return None
        return Place(int(self.family[number]), int(self.member[number]))

    def places(self, numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the families (UNKNOWN: nothing of it was ever sealed) and the members of points.

        To be called by any thread: a place is here before its point's first chunk is seen.
        """
        family, member = self.family, self.member  # in this order: the other may be longer
        inside = (numbers >= 0) & (numbers < len(family))
        at = np.where(inside, numbers, 0)
        if not inside.any():
            return np.full(len(numbers), UNKNOWN), at
        return np.where(inside, family[at], UNKNOWN), member[at]

    def unplaced(self, numbers: NDArray[np.int64]) -> list[int]:
        """Return those of `numbers` that have no place yet."""
        unique = np.unique(numbers)
        known = unique[unique < len(self.family)]
        missing = known[self.family[known] == UNKNOWN]
        return [*missing.tolist(), *unique[unique >= len(self.family)].tolist()]

    def give(self, conn: sqlite3.Connection, numbers: Iterable[int]) -> list[tuple[int, int, int]]:
        """Write places for points that have none; take them by `took` after the commit."""
        by_device: dict[str, list[int]] = {}
        for number, id_ in _without(conn, numbers):
            by_device.setdefault(_device(number, id_), []).append(number)
        given: list[tuple[int, int, int]] = []
        for device, points in by_device.items():
            family, free = _youngest(conn, device)
            for number in points:
                if family is None or free == MEMBERS:
                    found = conn.execute("INSERT INTO family(device) VALUES (?)", (device,))
                    family, free = int(found.lastrowid or 0), 0
                given.append((number, family, free))
                free += 1
        conn.executemany("INSERT INTO family_member(point, family, place) VALUES (?, ?, ?)", given)
        return given

    def took(self, given: list[tuple[int, int, int]]) -> None:
        """Take places whose transaction is durable."""
        self._take(given)

    def _take(self, rows: list[tuple[int, int, int]]) -> None:
        if not rows:
            return
        points, families, members = (
            np.array(column, np.int64) for column in zip(*rows, strict=True)
        )
        size = int(points.max()) + 1
        family, member = self.family, self.member
        if size > len(family):
            # New arrays: readers of the old ones are not disturbed.
            more = np.full(max(size, 2 * len(family)) - len(family), UNKNOWN)
            family, member = np.append(family, more), np.append(member, more)
        else:
            family, member = family.copy(), member.copy()
        family[points], member[points] = families, members
        self.member = member
        self.family = family


def place_of(conn: sqlite3.Connection, number: int) -> Place | None:
    """Return a point's place from the tables."""
    row = conn.execute(
        "SELECT family, place FROM family_member WHERE point = ?", (number,)
    ).fetchone()
    return None if row is None else Place(*row)


def _without(conn: sqlite3.Connection, numbers: Iterable[int]) -> list[tuple[int, str | None]]:
    """Return (number, id) of those of `numbers` that have no place, in order."""
    return conn.execute(
        "SELECT n.value, p.id FROM json_each(?) n LEFT JOIN point p ON p.number = n.value "
        "WHERE n.value NOT IN (SELECT point FROM family_member) ORDER BY n.value",
        (json.dumps(list(numbers)),),
    ).fetchall()


def _device(number: int, id_: str | None) -> str:
    """Return `site/gateway/device`; of a number nobody knows a device of its own."""
    return f"#{number}" if id_ is None else id_.rsplit("/", 1)[0]


def _youngest(conn: sqlite3.Connection, device: str) -> tuple[int | None, int]:
    """Return the device's newest family and its first free place."""
    row = conn.execute(
        "SELECT f.number, (SELECT count(*) FROM family_member m WHERE m.family = f.number) "
        "FROM family f WHERE f.device = ? ORDER BY f.number DESC LIMIT 1",
        (device,),
    ).fetchone()
    return (None, 0) if row is None else (row[0], row[1])


def numbers_of(conn: sqlite3.Connection, family: int) -> dict[int, int]:
    """Return the points of a family by their place."""
    return dict(conn.execute("SELECT place, point FROM family_member WHERE family = ?", (family,)))
