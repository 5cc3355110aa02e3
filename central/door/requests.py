"""Requests by their key, as the tables keep them: what each was and what it was answered."""

import json
import sqlite3
from typing import Any, Final, NamedTuple

from central.database_gathered import Gathered, Statement
from protocols.errors import IngestError

Answer = dict[str, Any]
_KEEP: Final = Statement("INSERT INTO door_request(stream, digest, answer) VALUES", 3)


class Known(NamedTuple):
    """A request that is here: the digest of what was sent, and its answer."""

    digest: bytes
    answer: Answer


def find(conn: sqlite3.Connection, stream: str) -> Known | None:
    """Return the request whose stream has that id.

    Raises IngestError KEY_TOO_OLD: there was one, and what it was answered is forgotten.
    """
    row = conn.execute(
        "SELECT r.digest, r.answer FROM stream s LEFT JOIN door_request r ON r.stream = s.number "
        "WHERE s.id = ?",
        (stream,),
    ).fetchone()
    if row is None:
        return None
    if row[1] is None:
        raise IngestError("KEY_TOO_OLD", 409)
    return Known(row[0], json.loads(row[1]))


def look(conn: sqlite3.Connection, stream: str, gateway: str) -> tuple[Known | None, str | None]:
    """Return what `find` does, and the digest of the gateway's current manifest."""
    return find(conn, stream), current_manifest(conn, gateway)


def keep(gathered: Gathered, number: int, digest: bytes, answer: Answer) -> None:
    """Keep a request with its stream, in the transaction that stores its readings."""
    gathered.add(_KEEP, (number, digest, json.dumps(answer)))


def again(known: Known, digest: bytes) -> Answer:
    """Return the answer to the same request. Raises IngestError KEY_REUSED: it is another."""
    if known.digest != digest:
        raise IngestError("KEY_REUSED", 409)
    return {**known.answer, "duplicate": True}


def current_manifest(conn: sqlite3.Connection, gateway: str) -> str | None:
    """Return the digest of a gateway's current manifest."""
    row = conn.execute("SELECT manifest FROM gateway WHERE name = ?", (gateway,)).fetchone()
    return None if row is None else row[0]


def last_ordinal(conn: sqlite3.Connection, gateway: str) -> int:
    """Return the highest number a stream of the gateway has (0: none)."""
    row = conn.execute("SELECT max(ordinal) FROM stream WHERE gateway = ?", (gateway,)).fetchone()
    return int(row[0] or 0)
