"""Hands out a gateway's evidence as a folder of plain files that prove themselves.

A stream begins in the folder at its opening record, at the edge of what is kept, or at the last
head before the time asked for; it ends at the first head after it. Written beside its final name
and renamed when it is whole: a folder that is there is complete.
"""

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from central.evidence.known import Known
from central.evidence.packs import Packs
from central.evidence.readme import readme
from central.evidence.source import StreamRow, batches, heads, streams_of
from central.evidence.verifying import known_gateway
from protocols.errors import FengsuiError, WireError
from protocols.signing.keys import KeyUnusable, PublicKey
from protocols.verify.folder import INDEX
from protocols.verify.index import Index, Part, encode_index
from protocols.verify.lines import batch_line, head_line, moment
from protocols.verify.model import EDGE, Findings, Start
from protocols.wire.header import read_header

HEADER: Final = 64
"""Bytes of a batch that hold its header."""


class ExportFailed(FengsuiError):
    """The folder could not be written; nothing is left of it."""

    code = "EXPORT_FAILED"


class NothingKept(FengsuiError):
    """No evidence of the gateway is kept for that time."""

    code = "EVIDENCE_NONE"


def export(
    conn: sqlite3.Connection, gateway: str, times: tuple[int, int, int], folder: Path
) -> Index:
    """Write what was measured from `times[0]` to `times[1]` (µs UTC) into the new `folder`.

    `times[2]`: now. Raises GatewayUnknown, NothingKept, ExportFailed.
    """
    known_gateway(conn, gateway)
    conn.execute("BEGIN")  # one moment of everything; nothing of it is deleted while we write
    try:
        return _exported(conn, gateway, times, folder)
    finally:
        conn.execute("ROLLBACK")


def _exported(
    conn: sqlite3.Connection, gateway: str, times: tuple[int, int, int], folder: Path
) -> Index:
    chosen = _chosen(conn, gateway, times)
    if not chosen:
        raise NothingKept(gateway=gateway)
    partial = folder.with_name(f"{folder.name}.tmp")
    try:
        if folder.exists():
            raise FileExistsError(17, os.strerror(17), str(folder))
        partial.mkdir(parents=True)
        try:
            index = _write(conn, gateway, times, partial, chosen)
            partial.rename(folder)
        except BaseException:
            _discard(partial)
            raise
    except OSError as exc:
        raise ExportFailed(folder=str(folder), reason=exc.strerror or str(exc)) from exc
    return index


def _write(
    conn: sqlite3.Connection,
    gateway: str,
    times: tuple[int, int, int],
    folder: Path,
    chosen: list[tuple[StreamRow, Start, int]],
) -> Index:
    out = _Writer(folder)
    parts = []
    for row, start, last in chosen:
        out.stream(conn, row, start, last)
        parts.append(Part(id=row.id, start=start, last=last, manifest=row.manifest))
        name = f"manifests/{row.manifest}.json"
        if name not in out.files:
            body = conn.execute("SELECT body FROM manifest WHERE digest = ?", (row.manifest,))
            out.file(name, [body.fetchone()[0]])
    keys = _keys(conn, gateway)
    out.file("keys.json", [f"{json.dumps(keys, ensure_ascii=False, indent=1)}\n".encode()])
    asked = (moment(times[0]), moment(times[1]), moment(times[2]))
    said = (asked[0] if times[0] else None, *asked[1:])
    out.file("README.md", [readme(gateway, said, signed=bool(keys)).encode()])
    index = Index(gateway=gateway, times=asked, files=out.files, streams=tuple(parts))
    out.file(INDEX, [encode_index(index)])
    return index


class _Writer:
    """Writes files durably and notes their sizes and digests."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.files: dict[str, tuple[int, str]] = {}

    def file(self, name: str, pieces: Iterable[bytes]) -> None:
        """Write one file."""
        target = self._folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        with target.open("xb") as out:
            for piece in pieces:
                out.write(piece)
                digest.update(piece)
                size += len(piece)
            out.flush()
            os.fsync(out.fileno())
        self.files[name] = (size, digest.hexdigest())

    def stream(self, conn: sqlite3.Connection, row: StreamRow, start: Start, last: int) -> None:
        """Write what is kept of a stream after `start`, up to the number `last`."""
        home = f"streams/{row.id}"
        self.file(f"{home}/opening.json", [row.opening])

        def inside() -> Iterable[tuple[bytes, bytes]]:
            for kept in batches(conn, row.number, last, start.seq + 1):
                yield kept.raw, batch_line(kept)

        self.file(f"{home}/batches.bin", (raw for raw, _ in inside()))
        self.file(f"{home}/batches.jsonl", (line for _, line in inside()))
        self.file(f"{home}/heads.jsonl", _head_lines(conn, row, start, last))


def _head_lines(
    conn: sqlite3.Connection, row: StreamRow, start: Start, last: int
) -> Iterable[bytes]:
    for apart in (False, True):
        for head in heads(conn, row.number, last, apart=apart):
            if head.seq and head.seq < start.seq + apart:
                continue
            try:
                yield head_line(row.id, head)
            except WireError:  # damaged here: without its signature it is seen to lack one
                yield head_line(row.id, replace(head, signed=None))


def _chosen(
    conn: sqlite3.Connection, gateway: str, times: tuple[int, int, int]
) -> list[tuple[StreamRow, Start, int]]:
    """Return each stream with something measured in that time, and from where to where."""
    known = Known(conn, Findings())
    found = []
    for row in streams_of(conn, gateway, times[0]):
        first = last = 0
        packs = Packs(conn)
        for seq0, n, received, begin, *kept in conn.execute(
            "SELECT seq0, n, received, substr(body, 1, ?), pack, place FROM evidence "
            "WHERE stream = ? AND seq0 <= ? ORDER BY seq0",
            (HEADER, row.number, row.cursor),
        ):
            raw = packs.raw(begin, *kept)
            try:
                sealed = known.sealed(row, received, read_header(raw[:HEADER])[0].mono0)
            except WireError:
                sealed = received
            if times[0] <= sealed < times[1]:
                first, last = first or seq0, max(last, seq0 + n - 1)
        if last:
            found.append((row, *_from_head_to_head(conn, row, first, last)))
    return found


def _from_head_to_head(
    conn: sqlite3.Connection, row: StreamRow, first: int, last: int
) -> tuple[Start, int]:
    before = conn.execute(
        "SELECT seq, head FROM evidence_head WHERE stream = ? AND apart = 0 AND seq < ? "
        "AND seq > ? ORDER BY seq DESC LIMIT 1",
        (row.number, first, row.start.seq),
    ).fetchone()
    after = conn.execute(
        "SELECT seq FROM evidence_head WHERE stream = ? AND apart = 0 AND seq >= ? "
        "ORDER BY seq LIMIT 1",
        (row.number, last),
    ).fetchone()
    start = row.start if before is None else Start(EDGE, before[0], before[1])
    return start, min(row.cursor, after[0]) if after else row.cursor


def _keys(conn: sqlite3.Connection, gateway: str) -> list[dict[str, str | None]]:
    """Return the keys as the collector knows them; whoever verifies brings his own copy."""
    found = []
    for keyid, alg, public, state, created, ended in conn.execute(
        "SELECT keyid, alg, public, state, created, ended FROM gateway_key WHERE gateway = ? "
        "ORDER BY created, keyid",
        (gateway,),
    ):
        try:
            text = PublicKey(alg, public).encode()
        except KeyUnusable:
            text = ""
        found.append(
            {
                "alg": alg,
                "created": moment(created),
                "ended": None if ended is None else moment(ended),
                "keyid": keyid,
                "public": text,
                "state": state,
            }
        )
    return found


def _discard(folder: Path) -> None:
    with suppress(OSError):
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        folder.rmdir()
