"""Streams and manifests in the tables: who opened what, how far it is, which points it speaks of.

Everything here runs in the writer thread inside the caller's transaction.
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from sqlite_utils import Database as Tables

from central import events
from central.alarms.engine import Engine
from central.alarms.rules.wanted import source_of
from central.enrolment import places
from central.evidence.heads import SignedRequest, keep_head
from central.ingest.manifests import Described, Opened, keep_numbers, opened_by
from central.ingest.numbering import buffer_set_back
from central.ingest.opened import Met, opened_at
from central.ingest.placing import AHEAD
from central.registry import numbers_of, read_entry
from central.store.columns import Integers
from protocols.errors import IngestError
from protocols.wire.chain import chain_start
from protocols.wire.cursors import Cursor
from protocols.wire.opening import Opening, decode_opening


class Record(NamedTuple):
    """An opening record as read and as it came, what its gateway signed of it, and its clocks."""

    opening: Opening
    body: bytes
    signed: SignedRequest | None = None
    met: Met | None = None


class Stream(NamedTuple):
    """A stream as the tables have it."""

    number: int
    id: str
    gateway: str
    boot: str
    purpose: str
    manifest: str
    opening: bytes
    cursor: int
    head: bytes
    safe: int
    """What a verified backup covers."""
    restored: int | None
    """The cursor that a restore left it with."""
    line: int | None = None
    """The stream this one continues for the alarms (`central.door.lines`)."""

    @property
    def signed(self) -> bool:
        """Whether its opening record promises that every request is signed."""
        # The record is canonical: these bytes are there exactly when the key says so.
        return b'"sig_alg":"none"' not in self.opening


def read_stream(conn: sqlite3.Connection, stream: str) -> Stream | None:
    """Return the stream with that id."""
    row = conn.execute(
        "SELECT number, id, gateway, boot, purpose, manifest, opening, cursor, head, safe, "
        "restored, line FROM stream WHERE id = ?",
        (stream,),
    ).fetchone()
    return None if row is None else Stream(*row)


def read_cursors(
    conn: sqlite3.Connection, gateway: str, streams: Sequence[str], *, backed_up: bool
) -> dict[str, Cursor]:
    """Return how far each of a gateway's `streams` is here; 0 where it is not known at all."""
    held = dict.fromkeys(streams, Cursor(0, 0))
    for stream in streams:
        row = conn.execute(
            "SELECT cursor, safe FROM stream WHERE id = ? AND gateway = ?", (stream, gateway)
        ).fetchone()
        if row is not None:
            held[stream] = Cursor(row[0], min(row[1], row[0]) if backed_up else row[0])
    return held


def make_first(tables: Tables, engine: Engine, described: Described, now: int) -> Opened:
    """A gateway's first manifest, its rules taken, is current at once."""
    fresh = tables.conn.execute(
        "UPDATE gateway SET manifest = ? WHERE name = ? AND manifest IS NULL",
        (described.digest, described.manifest.gateway),
    )
    return _now_current(tables, engine, described, now) if fresh.rowcount else Opened()


def open_stream(  # the record as read and as it came, and its manifest once its rules are taken
    tables: Tables,
    engine: Engine,
    record: Record,
    described: Described | None,
    now: int,
) -> Opened:
    """Register a stream; its manifest becomes current unless a newer stream's already is.

    Without `described` a manifest that would become current is returned as news, nothing done.
    """
    opening, body = record.opening, record.body
    conn = tables.conn
    owner = conn.execute(
        "SELECT gateway FROM manifest WHERE digest = ?", (opening.manifest,)
    ).fetchone()
    if owner is None or owner[0] != opening.gateway:
        return Opened(error=IngestError("MANIFEST_UNKNOWN", 428, manifest=opening.manifest))
    known = read_stream(conn, opening.stream)
    if known is not None:
        return _opened_again(tables, known, body, now)
    opened = opened_at(tables, opening, record.met)
    newer, changes = _would_change(conn, opening, opened, now)
    if changes and (described is None or described.digest != opening.manifest):
        return Opened(news=opening.manifest)
    told = buffer_set_back(tables, opening, now)
    conn.execute(
        "INSERT INTO stream(id, gateway, kind, boot, purpose, manifest, opening, created, "
        "cursor, head, ordinal) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)",
        (
            opening.stream,
            opening.gateway,
            opening.kind.name.lower(),
            opening.boot,
            opening.purpose.name.lower(),
            opening.manifest,
            body,
            now,
            chain_start(body, opening.digest_alg),
            opening.number,
        ),
    )
    number, start = conn.execute(
        "SELECT number, head FROM stream WHERE id = ?", (opening.stream,)
    ).fetchone()
    keep_head(tables, (number, 0), start, record.signed, now)
    if newer:
        conn.execute(
            "UPDATE gateway SET manifest = ?, stream_number = ?, stream_opened = ? WHERE name = ?",
            (opening.manifest, opening.number, min(opened, now), opening.gateway),
        )
    done = Opened()
    if changes and described is not None:
        done = _now_current(tables, engine, described, now)
    return replace(done, events=(*done.events, *told))


def manifest_numbers(tables: Tables, digest: str) -> Integers:
    """Return the registry's number of every point of a manifest, by index."""
    gateway, body, kept = tables.conn.execute(
        "SELECT gateway, body, numbers FROM manifest WHERE digest = ?", (digest,)
    ).fetchone()
    if kept is not None:
        return np.frombuffer(kept, "<i8").astype(np.int64)
    # Kept by an older collector. Its form was proved when it came; here only names are read.
    points = json.loads(body)["points"]
    ids = [f"{point['site']}/{gateway}/{point['device']}/{point['name']}" for point in points]
    numbers = numbers_of(tables.conn, gateway, ids)
    keep_numbers(tables, digest, numbers)
    return np.array(numbers, np.int64)


def manifest_body(conn: sqlite3.Connection, digest: str) -> bytes:
    """Return a manifest that is kept, as it came."""
    body: bytes = conn.execute("SELECT body FROM manifest WHERE digest = ?", (digest,)).fetchone()[
        0
    ]
    return body


def digest_algorithm(stream: Stream) -> str:
    """Return the algorithm of the stream's chain."""
    return _digest_algorithm(stream.opening)


@lru_cache(maxsize=4_096)
def _digest_algorithm(opening: bytes) -> str:
    return decode_opening(opening).digest_alg


def _opened_again(tables: Tables, known: Stream, body: bytes, now: int) -> Opened:
    if known.opening == body:
        return Opened()
    event = events.record_once(
        tables, now, events.SECURITY, "STREAM_DIVERGES", f"{known.gateway}/{known.id}", {"seq": 0}
    )
    return Opened(events=tuple(event), error=IngestError("STREAM_DIVERGES", 409, stream=known.id))


def _would_change(
    conn: sqlite3.Connection, opening: Opening, opened: int, now: int
) -> tuple[bool, bool]:
    """Return whether the stream is the gateway's newest, and whether that changes the manifest.

    A stream is newer by its number in the buffer or, after a new buffer, by when it was opened; one
    that nobody could place and that says to come from the future is not.
    """
    current, number, newest = conn.execute(
        "SELECT manifest, stream_number, stream_opened FROM gateway WHERE name = ?",
        (opening.gateway,),
    ).fetchone()
    later = number is not None and newest < opened <= now + AHEAD
    newer = number is None or opening.number > number or later
    return newer, newer and current != opening.manifest


def _now_current(tables: Tables, engine: Engine, described: Described, now: int) -> Opened:
    """The gateway's manifest has changed and its rules are taken: those it had beside them go."""
    gateway = described.manifest.gateway
    entry = read_entry(tables.conn, gateway, described.manifest)
    kept = {each.rule.id for each in described.rules}
    retired = engine.retire_rules(tables, source_of(gateway), kept, now)
    done = opened_by(engine, retired, entry)
    sites = {site.name for site in described.manifest.sites}
    return replace(done, events=places.compare(tables, gateway, sites, now))
