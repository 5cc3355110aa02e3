"""When each gateway was heard last, and of which boot: in memory, and in its tables now and then.

What a request brings goes into the journal with the time it was here, so nothing is lost when the
tables are told only before the journal lets go of it: a start finds the rest there (`restore`). To
tell them with each request of a gateway would be a fifth of the pages its transaction writes.
"""

import json
import sqlite3
from collections.abc import Iterable
from typing import Final, NamedTuple

from protocols.clock import SECOND

_CONTACT: Final = "UPDATE gateway SET last_contact = ?, purpose = ? WHERE name = ?"
_BOOT: Final = "UPDATE boot SET seen = ? WHERE gateway = ? AND boot = ?"
_RESTORE: Final = (
    "UPDATE gateway SET last_contact = ?1 WHERE name = ?2 AND coalesce(last_contact, 0) < ?1",
    "UPDATE boot SET seen = ?1 WHERE gateway = ?2 AND coalesce(seen, 0) < ?1 "
    "AND boot = (SELECT boot FROM gateway WHERE name = ?2)",
)


class _Last(NamedTuple):
    """When (µs UTC), with what purpose, and of which boot (None: not of the one that speaks)."""

    at: int
    purpose: str
    boot: str | None


class Heard:
    """Belongs to whoever holds the writing connection."""

    def __init__(self) -> None:
        self._last: dict[str, _Last] = {}
        self._told: dict[str, _Last] = {}

    def forget(self) -> None:
        """Some work was undone: what the tables know is not known."""
        self._told.clear()

    def note(  # who, what is known of it, and whether the journal says when
        self,
        conn: sqlite3.Connection,
        gateway: str,
        last: tuple[int, str, str | None],
        *,
        kept: bool,
    ) -> None:
        """Note a contact; the tables are told at once of another purpose or boot.

        And of what the journal has nothing of, once a second.
        """
        now = self._last[gateway] = _Last(*last)
        told = self._told.get(gateway)
        if told is None or told[1:] != now[1:] or not (kept or 0 <= now.at - told.at < SECOND):
            self._tell(conn, gateway, now)

    def flush(self, conn: sqlite3.Connection) -> None:
        """Tell the tables all of it, in the transaction that shortens the journal."""
        for gateway, last in self._last.items():
            if self._told.get(gateway) != last:
                self._tell(conn, gateway, last)

    def _tell(self, conn: sqlite3.Connection, gateway: str, last: _Last) -> None:
        conn.execute(_CONTACT, (last.at, last.purpose, gateway))
        if last.boot is not None:
            conn.execute(_BOOT, (last.at, gateway, last.boot))
        self._told[gateway] = last


def restore(conn: sqlite3.Connection, came: Iterable[tuple[int, int]], now: int) -> None:
    """Tell the tables what the journal knows and they do not: before anybody asks them.

    `came`: of its rows the stream and when it was here; what says to come from the future is none.
    """
    newest: dict[int, int] = {}
    for stream, at in came:
        if newest.get(stream, 0) < at <= now:
            newest[stream] = at
    gateways: dict[str, int] = {}
    for stream, gateway in conn.execute(
        "SELECT number, gateway FROM stream WHERE number IN (SELECT value FROM json_each(?))",
        (json.dumps(list(newest)),),
    ).fetchall():
        gateways[gateway] = max(newest[stream], gateways.get(gateway, 0))
    for statement in _RESTORE:
        conn.executemany(statement, [(at, gateway) for gateway, at in gateways.items()])
