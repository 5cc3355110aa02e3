"""Streams and manifests in the tables: who opened what, how far it is, which points it speaks of.

Everything here runs in the writer thread inside the caller's transaction.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlite_utils import Database as Tables

from central import events
from central.alarms.engine import Engine
from central.alarms.records import EpisodeRow
from central.effects import CollectorEvent
from central.ingest.numbering import buffer_set_back
from central.registry import Entry, number_points, read_entry
from protocols.alarms.rule import Level
from protocols.errors import IngestError
from protocols.wire.chain import chain_start
from protocols.wire.cursors import Cursor
from protocols.wire.manifest import Manifest, decode_manifest
from protocols.wire.opening import Opening, decode_opening


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
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


@dataclass(frozen=True, slots=True)
class Opened:
    """What opening a stream or sending a manifest led to."""

    entry: Entry | None = None
    ladders: dict[str, tuple[Level, ...]] = field(default_factory=dict)
    episodes: tuple[EpisodeRow, ...] = ()
    due: int | None = None
    events: tuple[CollectorEvent, ...] = ()
    error: IngestError | None = None


def read_stream(conn: sqlite3.Connection, stream: str) -> Stream | None:
    """Return the stream with that id."""
    row = conn.execute(
        "SELECT number, id, gateway, boot, purpose, manifest, opening, cursor, head, safe, "
        "restored FROM stream WHERE id = ?",
        (stream,),
    ).fetchone()
    if row is None:
        return None
    return Stream(
        number=row[0],
        id=row[1],
        gateway=row[2],
        boot=row[3],
        purpose=row[4],
        manifest=row[5],
        opening=row[6],
        cursor=row[7],
        head=row[8],
        safe=row[9],
        restored=row[10],
    )


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


def store_manifest(
    tables: Tables, engine: Engine, manifest: Manifest, named: tuple[str, bytes], now: int
) -> Opened:
    """Keep a manifest (`named`: digest and bytes); the first of a gateway is current at once."""
    digest, body = named
    tables.conn.execute(
        "INSERT OR IGNORE INTO manifest(digest, gateway, received, body) VALUES (?, ?, ?, ?)",
        (digest, manifest.gateway, now, body),
    )
    number_points(tables, manifest)
    fresh = tables.conn.execute(
        "UPDATE gateway SET manifest = ? WHERE name = ? AND manifest IS NULL",
        (digest, manifest.gateway),
    )
    if fresh.rowcount == 0:
        return Opened()
    return _now_current(tables, engine, manifest.gateway, now)


def open_stream(tables: Tables, engine: Engine, opening: Opening, body: bytes, now: int) -> Opened:
    """Register a stream; its manifest becomes current unless a newer stream's already is."""
    conn = tables.conn
    owner = conn.execute(
        "SELECT gateway FROM manifest WHERE digest = ?", (opening.manifest,)
    ).fetchone()
    if owner is None or owner[0] != opening.gateway:
        return Opened(error=IngestError("MANIFEST_UNKNOWN", 428, manifest=opening.manifest))
    known = read_stream(conn, opening.stream)
    if known is not None:
        return _opened_again(tables, known, body, now)
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
    opened = _make_current(tables, engine, opening, now)
    return replace(opened, events=(*opened.events, *told))


def manifest_numbers(tables: Tables, digest: str) -> tuple[int, ...]:
    """Return the registry's number of every point of a manifest, by index."""
    row = tables.conn.execute("SELECT body FROM manifest WHERE digest = ?", (digest,)).fetchone()
    return number_points(tables, decode_manifest(row[0]))


def digest_algorithm(stream: Stream) -> str:
    """Return the algorithm of the stream's chain."""
    return decode_opening(stream.opening).digest_alg


def _opened_again(tables: Tables, known: Stream, body: bytes, now: int) -> Opened:
    if known.opening == body:
        return Opened()
    event = events.record_once(
        tables, now, events.SECURITY, "STREAM_DIVERGES", f"{known.gateway}/{known.id}", {"seq": 0}
    )
    return Opened(events=tuple(event), error=IngestError("STREAM_DIVERGES", 409, stream=known.id))


def _make_current(tables: Tables, engine: Engine, opening: Opening, now: int) -> Opened:
    """A stream is newer by its number in the buffer or, after a new buffer, by its wall clock."""
    conn = tables.conn
    current, number, opened = conn.execute(
        "SELECT manifest, stream_number, stream_opened FROM gateway WHERE name = ?",
        (opening.gateway,),
    ).fetchone()
    if number is not None and opening.number <= number and opening.opened <= opened:
        return Opened()
    conn.execute(
        "UPDATE gateway SET manifest = ?, stream_number = ?, stream_opened = ? WHERE name = ?",
        (opening.manifest, opening.number, opening.opened, opening.gateway),
    )
    if current == opening.manifest:
        return Opened()
    return _now_current(tables, engine, opening.gateway, now)


def _now_current(tables: Tables, engine: Engine, gateway: str, now: int) -> Opened:
    """The gateway's manifest has changed: its rules follow."""
    entry = read_entry(tables.conn, gateway)
    if entry is None or entry.manifest is None:
        return Opened()
    taken = engine.take_rules(tables, entry.manifest, entry.numbers, now)
    return Opened(
        entry,
        ladders={tracked.rule.id: tracked.rule.levels for tracked in taken.tracked},
        episodes=tuple(taken.episodes),
        due=engine.due(),
    )
