"""The audit: every act of people and machines on the collector, hash-chained.

`hash = sha256(prev | canonical JSON of the line)`, so that no line can be changed, taken out or put
in without breaking every later one; `verify` names the first that does not fit. Cutting off the
newest lines is not seen by the chain alone: compare the head with one noted elsewhere. Times are
real, whatever clock the data runs on: an audit tells when people acted, not when a story played.
"""

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlite_utils import Database

from protocols.words import Value

START: Final = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What somebody did: `action` is a code, `subject` a path of names, `detail` never a secret."""

    time: int
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """One stored line; fields in the order of the table's columns."""

    id: int
    time: int
    actor: str
    action: str
    subject: str
    detail: str
    prev: str
    hash: str

    def detail_params(self) -> dict[str, Value]:
        """Return `detail` as parameters."""
        params: dict[str, Value] = json.loads(self.detail)
        return params


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What `verify` found: `broken` is the first line that does not fit its chain, or None."""

    lines: int
    head: str
    broken: int | None = None


def append(db: Database, act: Act) -> None:
    """Add `act` to the chain, inside the transaction of the caller and so of the act itself."""
    last = db.execute("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1").fetchone()
    number, prev = (1, START) if last is None else (last[0] + 1, last[1])
    detail = _canonical(dict(act.detail))
    row = (number, act.time, act.actor, act.action, act.subject, detail)
    db.execute(
        "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (*row, prev, _digest(prev, row)),
    )


def verify(conn: sqlite3.Connection) -> Verdict:
    """Walk the whole chain; stops at the first line that was changed, added or is missing."""
    count, head = 0, START
    for row in conn.execute("SELECT * FROM audit ORDER BY id"):
        number, prev, digest = row[0], row[6], row[7]
        if number != count + 1 or prev != head or digest != _digest(prev, tuple(row[:6])):
            return Verdict(lines=count, head=head, broken=count + 1)
        count, head = number, digest
    return Verdict(lines=count, head=head)


def page(conn: sqlite3.Connection, limit: int, before: int | None = None) -> list[Line]:
    """Return at most `limit` lines, newest first, with ids below `before`."""
    rows = conn.execute(
        "SELECT * FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?",
        (2**62 if before is None else before, limit),
    )
    return [Line(*row) for row in rows]


def _digest(prev: str, row: tuple[object, ...]) -> str:
    return hashlib.sha256((prev + _canonical(list(row))).encode()).hexdigest()


def _canonical(value: object) -> str:
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
