"""Streams of requests, entered with what else their transaction writes.

As `central.ingest.streams.open_stream` does for a gateway, where less has to be asked: the stream
is new, its manifest is its gateway's current one, and its number was handed out once (`door.py`).
What is gathered is in no table yet, so what was entered is known here until it is written out.
Runs where the writing connection is held.
"""

import sqlite3
from typing import Final, NamedTuple

from central.database_gathered import Gathered, Statement
from central.door import requests
from central.door.requests import Known
from central.evidence import heads
from central.ingest.streams import Record, Stream
from protocols.wire.chain import chain_start

_ENTER: Final = Statement(
    "INSERT INTO stream(number, id, gateway, kind, boot, purpose, manifest, opening, created, "
    "cursor, head, ordinal, line) VALUES",
    13,
    first=True,
)
_NEWEST: Final = Statement(
    "WITH said(name, number, opened, nth) AS (VALUES) UPDATE gateway SET "
    "stream_number = s.number, stream_opened = s.opened "
    "FROM (SELECT name, number, opened, max(nth) FROM said GROUP BY name) s "
    "WHERE gateway.name = s.name",
    4,
)
"""Of several of one gateway the last stands."""


class Newest(NamedTuple):
    """A gateway's current manifest, and of its newest stream the number and when it was opened."""

    manifest: str | None
    number: int | None
    opened: int


class Entering:
    """Remembers what is gathered; all else is asked of the tables."""

    def __init__(self, gathered: Gathered) -> None:
        self._gathered = gathered
        self._turn = -1
        self._last: int | None = None
        self._newest: dict[str, Newest] = {}
        self._answered: dict[str, Known] = {}

    def forget(self) -> None:
        """Drop what was remembered of tables whose transaction was undone."""
        self._turn = -1

    def find(self, conn: sqlite3.Connection, stream: str) -> Known | None:
        """Return the request whose stream has that id. Raises IngestError KEY_TOO_OLD."""
        self._look()
        return self._answered.get(stream) or requests.find(conn, stream)

    def newest(self, conn: sqlite3.Connection, gateway: str) -> Newest:
        """Return what is the gateway's newest stream."""
        self._look()
        known = self._newest.get(gateway)
        if known is None:
            row = conn.execute(
                "SELECT manifest, stream_number, stream_opened FROM gateway WHERE name = ?",
                (gateway,),
            ).fetchone()
            known = Newest(None, None, 0) if row is None else Newest(*row)
        return known

    def enter(self, conn: sqlite3.Connection, record: Record, now: int, line: int | None) -> Stream:
        """Gather a new stream with its first head, and return it."""
        opening, body = record.opening, record.body
        newest, number = self.newest(conn, opening.gateway), self._number(conn)
        start = chain_start(body, opening.digest_alg)
        purpose = opening.purpose.name.lower()
        self._gathered.add(
            _ENTER,
            (
                *(number, opening.stream, opening.gateway, opening.kind.name.lower()),
                *(opening.boot, purpose, opening.manifest, body, now, 0, start),
                *(opening.number, line),
            ),
        )
        self._gathered.add(heads.KEEP, heads.head_row((number, 0), start, None, now))
        later = newest.number is not None and newest.opened < opening.opened
        if newest.number is None or opening.number > newest.number or later:
            opened = min(opening.opened, now)
            nth = self._gathered.count
            self._gathered.add(_NEWEST, (opening.gateway, opening.number, opened, nth))
            self._newest[opening.gateway] = Newest(newest.manifest, opening.number, opened)
        return Stream(
            number=number,
            id=opening.stream,
            gateway=opening.gateway,
            boot=opening.boot,
            purpose=purpose,
            manifest=opening.manifest,
            opening=body,
            cursor=0,
            head=start,
            safe=0,
            restored=None,
            line=line,
        )

    def answer(self, stream: Stream, known: Known) -> None:
        """Gather what a request was answered."""
        requests.keep(self._gathered, stream.number, *known)
        self._look()
        self._answered[stream.id] = known

    def _number(self, conn: sqlite3.Connection) -> int:
        """Return the number after the last: whoever enters another writes these out first."""
        if self._last is None:
            found = conn.execute("SELECT max(number) FROM stream").fetchone()
            self._last = found[0] or 0
        self._last += 1
        return self._last

    def _look(self) -> None:
        """Forget what is in the tables by now."""
        if self._turn != self._gathered.turn:
            self._turn, self._last = self._gathered.turn, None
            self._newest.clear()
            self._answered.clear()
