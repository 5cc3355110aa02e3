"""`verify`: recomputes a gateway's chains from evidence, and compares what is stored with it.

Reads only, in small pieces, so that it runs beside the collector as well as without it.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from central.database_file import DatabaseUnusable
from central.evidence.source import (
    StreamRow,
    batches,
    heads,
    keys_of,
    stream_row,
    streams_of,
    told_by_story,
)
from central.evidence.stored import StoredCheck
from protocols.errors import FengsuiError
from protocols.verify.model import EDGE, Findings, Proved
from protocols.verify.stream import StreamCheck

BEGINNING: Final = -(1 << 62)

Progress = Callable[[int], None]
"""Told how many batches were looked at."""


class GatewayUnknown(FengsuiError):
    """There is no gateway of that name."""

    code = "GATEWAY_UNKNOWN"


@dataclass(slots=True, kw_only=True)
class Report:
    """What was looked at and found; times µs UTC.

    `oldest`: when the oldest evidence of the gateway came that is still kept. `readings` stored
    ones that are as the evidence has them; `gone`: not there any more, past their time as the
    store's ledger says; `unread`: not compared, in a chunk that cannot be read. `tokens`: by which
    of them another system's requests came, none of which is signed; None for a gateway.
    """

    gateway: str
    start: int
    end: int
    streams: list[Proved] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)
    readings: int = 0
    gone: int = 0
    unread: int = 0
    oldest: int | None = None
    tokens: list[str] | None = None


@contextmanager
def reading(database: Path) -> Iterator[sqlite3.Connection]:
    """Open the database read-only, also beside a collector. Raises DatabaseUnusable."""
    try:
        if not database.is_file():
            raise DatabaseUnusable(file=str(database), reason="FileNotFound")
        uri = f"{database.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as conn:
            conn.execute("PRAGMA busy_timeout=5000").fetchall()
            yield conn
    except (OSError, sqlite3.Error) as exc:
        raise DatabaseUnusable(file=str(database), reason=str(exc)) from exc


def known_gateway(conn: sqlite3.Connection, gateway: str) -> None:
    """Raise GatewayUnknown unless there is one of that name."""
    if not conn.execute("SELECT 1 FROM gateway WHERE name = ?", (gateway,)).fetchone():
        raise GatewayUnknown(gateway=gateway)


def verify(
    conn: sqlite3.Connection,
    gateway: str,
    start: int | None,
    end: int,
    progress: Progress = lambda _: None,
) -> Report:
    """Verify the gateway's streams that were open between `start` (None: the oldest) and `end`.

    Of what was measured in that time the stored readings are compared too. Raises GatewayUnknown.
    """
    known_gateway(conn, gateway)
    since = BEGINNING if start is None else start
    report = Report(
        gateway=gateway,
        start=since,
        end=end,
        oldest=oldest(conn, gateway),
        tokens=tokens_of(conn, gateway),
    )
    verifier, names = _Verifier(conn, report, progress), dict[int, str]()
    for row in streams_of(conn, gateway, since):
        names[row.number] = row.id
        try:
            verifier.stream(row)
        except (sqlite3.Error, OverflowError, TypeError, ValueError) as exc:
            # A page or a row of the file itself is damaged: which stream it was is known.
            report.findings.add("VERIFY_UNREADABLE", row.id, None, reason=str(exc)[:200])
    verifier.stored.finish(names)
    report.readings = verifier.stored.readings
    report.gone = verifier.stored.gone
    report.unread = verifier.stored.unread
    return report


def oldest(conn: sqlite3.Connection, gateway: str) -> int | None:
    """Return when the oldest evidence of the gateway came that is still kept."""
    found = [
        row[0]
        for (number,) in conn.execute("SELECT number FROM stream WHERE gateway = ?", (gateway,))
        if (
            row := conn.execute(
                "SELECT received FROM evidence WHERE stream = ? ORDER BY seq0 LIMIT 1", (number,)
            ).fetchone()
        )
    ]
    return min(found, default=None)


def tokens_of(conn: sqlite3.Connection, gateway: str) -> list[str] | None:
    """Return the tokens a virtual gateway has had, as `id (name)`; None: it is no virtual one."""
    if not conn.execute("SELECT 1 FROM virtual_gateway WHERE name = ?", (gateway,)).fetchone():
        return None
    rows = conn.execute(
        "SELECT id, name FROM api_token WHERE gateway = ? AND kind = 'readings' ORDER BY created",
        (gateway,),
    )
    return [f"{token} ({name})" for token, name in rows]


class _Verifier:
    """Looks at one stream after the other."""

    def __init__(self, conn: sqlite3.Connection, report: Report, progress: Progress) -> None:
        self._conn = conn
        self._report = report
        self._progress = progress
        self.stored = StoredCheck(conn, report.findings)

    def stream(self, row: StreamRow) -> None:
        check = StreamCheck(
            (row.id, row.gateway),
            row.opening,
            row.start,
            (
                heads(self._conn, row.number, row.cursor, apart=False),
                heads(self._conn, row.number, row.cursor, apart=True),
            ),
            keys_of(self._conn, row.gateway, timed=not told_by_story(self._conn, row.number)),
            self._report.findings,
        )
        if not self._walk(row, check):
            return  # opened when the time asked for was over
        self._follow_edge(row, check)
        self._report.streams.append(check.finish())
        if check.seq < row.cursor:
            self._report.findings.add("VERIFY_GAP", row.id, check.seq + 1, last=row.cursor)
        elif check.head is not None and check.head != row.head:
            self._report.findings.add("VERIFY_CURSOR", row.id, row.cursor)

    def _walk(self, row: StreamRow, check: StreamCheck) -> bool:
        start, end = self._report.start, self._report.end
        for kept in batches(self._conn, row.number, row.cursor):
            if kept.seq0 > check.seq + 1:
                self._follow_edge(row, check)
            header = check.batch(kept)
            self._progress(1)
            if header is None:
                continue
            sealed = self.stored.known.sealed(row, kept.received, header.mono0)
            if sealed >= end and check.proved.batches == 1:
                return False
            if start <= sealed < end:
                self.stored.batch(row, kept)
        return True

    def _follow_edge(self, row: StreamRow, check: StreamCheck) -> None:
        """What is missing may have been deleted while we looked: then the edge says so."""
        edge = stream_row(self._conn, row.number).start
        if edge.kind == EDGE and edge.seq > check.seq:
            check.move_edge(edge)
