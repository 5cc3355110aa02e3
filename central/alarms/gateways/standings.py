"""What gateways said of their own alarms, one row a standing: from RAISE to RTN at the gateway.

A row is `settled` when nothing more can follow of it here; the newest of each rule are kept, so
that what is told twice is known.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Final

KEPT: Final = 64
"""Settled standings of a rule that are remembered."""


@dataclass(slots=True, kw_only=True)
class StandingRow:
    """Times are µs UTC. `raised` to `returned` at the gateway; `heard` when we first knew, `gone`
    when we knew that it returned; `level` names the one it stands at, `worst` the most severe, `at`
    when the level was said to be so.

    `leads`: it opened its episode, and moves it until the readings do. `seen`: when somebody there
    (`seen_by`) acknowledged it, for as long as there is no episode that could say so.
    """

    rule: str
    standing: str
    gateway: str
    purpose: str
    tolerance: int
    raised: int
    heard: int
    level: str
    worst: str
    at: int
    value: float | None = None
    returned: int | None = None
    gone: int | None = None
    fresh: bool = False
    episode: int | None = None
    leads: bool = False
    settled: bool = False
    seen: int | None = None
    seen_by: str | None = None

    @property
    def until(self) -> int | None:
        """Until when it surely stood; None: it does. What is old may be over: we may yet hear."""
        if self.returned is not None:
            return self.returned
        return None if self.fresh else self.at

    def meets(self, raised: int, returned: int | None) -> bool:
        """Whether an episode of these times is the same alarm: begun together, as far as clocks and
        scans go, or at one time.
        """
        if abs(self.raised - raised) <= self.tolerance:
            return True
        begins = returned is None or self.raised < returned
        return begins and (self.until is None or raised < self.until)


_NAMES: Final = tuple(each.name for each in fields(StandingRow))
COLUMNS: Final = ", ".join(_NAMES)
_FLAGS: Final = ("fresh", "leads", "settled")


def put(conn: sqlite3.Connection, rows: Iterable[StandingRow]) -> None:
    """Write standings."""
    written = list(rows)
    marks = ", ".join("?" * len(_NAMES))
    conn.executemany(
        f"INSERT OR REPLACE INTO gateway_standing({COLUMNS}) VALUES ({marks})",  # noqa: S608
        [tuple([getattr(row, name) for name in _NAMES]) for row in written],
    )
    conn.executemany(
        "DELETE FROM gateway_standing WHERE rule = ?1 AND settled AND raised < (SELECT raised "
        "FROM gateway_standing WHERE rule = ?1 ORDER BY raised DESC LIMIT 1 OFFSET ?2)",
        [(row.rule, KEPT) for row in written if row.settled],
    )


def find(conn: sqlite3.Connection, rule: str, standing: str) -> StandingRow | None:
    """Return a standing."""
    found = conn.execute(
        f"SELECT {COLUMNS} FROM gateway_standing WHERE rule = ? AND standing = ?",  # noqa: S608
        (rule, standing),
    ).fetchone()
    return None if found is None else _row(found)


def unsettled(conn: sqlite3.Connection) -> list[StandingRow]:
    """Return all of which more may follow, the oldest first."""
    return _rows(conn.execute(f"SELECT {COLUMNS} FROM gateway_standing WHERE NOT settled "  # noqa: S608
                              "ORDER BY raised"))  # fmt: skip


def of_rule(conn: sqlite3.Connection, rule: str) -> list[StandingRow]:
    """Return those of a rule, the newest first."""
    return _rows(
        conn.execute(
            f"SELECT {COLUMNS} FROM gateway_standing WHERE rule = ? ORDER BY raised DESC",  # noqa: S608
            (rule,),
        )
    )


def _rows(found: Iterable[tuple[object, ...]]) -> list[StandingRow]:
    return [_row(each) for each in found]


def _row(found: tuple[object, ...]) -> StandingRow:
    named = dict(zip(COLUMNS.split(", "), found, strict=True))
    flags = {name: bool(named[name]) for name in _FLAGS}
    return StandingRow(**named | flags)  # type: ignore[arg-type]  # the columns are the fields
