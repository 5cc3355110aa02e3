"""What must survive a restart: where rules stand, and a journal of what happened here.

One small SQLite file in the buffer's folder, written only when something changed, in one
transaction: state and journal never disagree. A line that is not told yet is told at the next
start. All calls come from one thread; every error is a BufferFault.
"""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from edge.alarms.standing import Times
from edge.buffer.faults import faults, of_the_system
from edge.buffer.format import META, PRAGMAS
from edge.buffer.making import make
from edge.buffer.sqlite import Database
from protocols.errors import BufferDamaged, BufferFault

FILE: Final = "gateway-alarms.db"
KEPT: Final = 1_000
"""Lines of the journal that stay here; older ones go, counted. The collector has them all."""
MOST: Final = 10 * KEPT
"""Lines that stay although the buffer never took them."""
SCHEMA: Final = (
    META,
    "CREATE TABLE rule (id TEXT PRIMARY KEY, boot TEXT NOT NULL, start INTEGER NOT NULL,"
    " dated INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE line (n INTEGER PRIMARY KEY AUTOINCREMENT, boot TEXT NOT NULL,"
    " start INTEGER NOT NULL, dated INTEGER NOT NULL, time INTEGER NOT NULL, rule TEXT NOT NULL,"
    " body TEXT NOT NULL, told INTEGER NOT NULL)",
    "CREATE INDEX untold ON line(n) WHERE NOT told",
)
GONE: Final = "gone"


class RuleRow(NamedTuple):
    """A rule's state, written at `times`; `body` None: there is nothing to keep."""

    rule: str
    times: Times
    body: dict[str, Any] | None


class Line(NamedTuple):
    """One line of the journal; `time` is running time of `times`; `body` as it is told."""

    n: int
    times: Times
    time: int
    rule: str
    body: dict[str, Any]
    told: bool = False


class StateFile:
    """The open file. A damaged one is put aside and begun anew: `aside` is then its new name."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.aside: str | None = None
        try:
            self._db = self._open()
        except BufferDamaged:
            self.aside = self._put_aside()
            self._db = self._open()

    def _open(self) -> Database:
        if not self.path.exists():
            make(self.path, SCHEMA)
        with faults(self.path):
            connection = sqlite3.connect(self.path, timeout=1.0, check_same_thread=False)
        try:
            with faults(self.path):
                for name, value, expected in PRAGMAS:
                    found = connection.execute(f"PRAGMA {name}={value}").fetchone()
                    if expected is not None and found is None:
                        found = connection.execute(f"PRAGMA {name}").fetchone()
                    if expected is not None:
                        self._must_be(name, found[0], expected)
                connection.execute("SELECT count(*) FROM rule, line, meta").fetchone()
        except BaseException:
            connection.close()
            raise
        return Database(connection)

    def _must_be(self, name: str, found: object, expected: object) -> None:
        if found != expected:
            raise BufferFault("BUFFER_PRAGMA", file=str(self.path), name=name, found=str(found))

    def _put_aside(self) -> str:
        n = 1
        while (target := self.path.with_name(f"{FILE}.damaged-{n}")).exists():
            n += 1
        try:
            self.path.rename(target)
            for more in ("-wal", "-shm"):
                with suppress(FileNotFoundError):
                    self.path.with_name(FILE + more).unlink()
        except OSError as exc:
            raise of_the_system(exc, self.path) from exc
        return target.name

    def read(self) -> tuple[list[RuleRow], list[Line], int]:
        """Return rules' states, all lines in order, and how many lines have gone."""
        with faults(self.path):
            run = self._db.conn.execute
            rules = run("SELECT id, boot, start, dated, body FROM rule ORDER BY id").fetchall()
            lines = run(
                "SELECT n, boot, start, dated, time, rule, body, told FROM line ORDER BY n"
            ).fetchall()
            gone = run("SELECT value FROM meta WHERE name=?", (GONE,)).fetchone()
            return (
                [RuleRow(row[0], _times(row[1:4]), json.loads(row[4])) for row in rules],
                [
                    Line(row[0], _times(row[1:4]), row[4], row[5], json.loads(row[6]), bool(row[7]))
                    for row in lines
                ],
                int(gone[0]) if gone else 0,
            )

    def write(
        self, rules: Sequence[RuleRow], lines: Sequence[Line], told: Sequence[int], lost: int
    ) -> int:
        """Keep states and lines and note what was told, durable on return; `lost` lines never came
        here. Returns how many lines have gone in all.
        """
        with faults(self.path), self._db.atomic():
            run, many = self._db.conn.execute, self._db.conn.executemany
            many("DELETE FROM rule WHERE id=?", [(r.rule,) for r in rules if r.body is None])
            many(
                "INSERT OR REPLACE INTO rule VALUES (?, ?, ?, ?, ?)",
                [(r.rule, *r.times, _text(r.body)) for r in rules if r.body is not None],
            )
            many(
                "INSERT OR REPLACE INTO line VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [(x.n, *x.times, x.time, x.rule, _text(x.body), x.told) for x in lines],
            )
            many("UPDATE line SET told=1 WHERE n=?", [(n,) for n in told])
            went = lost
            for which, most in (("told AND", KEPT), ("", MOST)):
                oldest = "SELECT n FROM line ORDER BY n DESC LIMIT 1 OFFSET ?"
                went += run(f"DELETE FROM line WHERE {which} n<=({oldest})", (most,)).rowcount  # noqa: S608
            if went:
                run(
                    "INSERT INTO meta VALUES (?, ?) "
                    "ON CONFLICT(name) DO UPDATE SET value = value + excluded.value",
                    (GONE, went),
                )
            gone = run("SELECT value FROM meta WHERE name=?", (GONE,)).fetchone()
        return int(gone[0]) if gone else 0

    def close(self) -> None:
        """Let go of it."""
        with suppress(sqlite3.Error):
            self._db.conn.close()


def _text(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False, sort_keys=True)


def _times(row: Sequence[Any]) -> Times:
    boot, offset, dated = row
    return Times(str(boot), int(offset), bool(dated))
