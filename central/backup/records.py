"""Backups in the tables: each attempt with what came of it, and what the verified ones cover."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sqlite_utils import Database as Tables

from central import events
from central.backup import identity
from central.backup.manifest import BackupManifest
from central.effects import CollectorEvent
from protocols.words import Value

SUBJECT: Final = "collector"
VERIFIED: Final = "verified"
FAILED: Final = "failed"
GONE: Final = "gone"
"""Was verified, and is there no more, or not as it was."""


_LACKING: Final = {
    identity.EXPOSED: "BACKUP_IDENTITY_EXPOSED",
    identity.FAILED: "BACKUP_IDENTITY_FAILED",
}
"""What is told when a backup is the first one without the collector's own files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupRecord:
    """One attempt; `time` is that of the snapshot, `seconds` real ones. `code` of the catalogue
    and `params` say why it failed or what became of it; `detail` why it is without identity.

    `identity` says whether the collector's own files are with it (`identity.STATES`).
    """

    time: int
    file: str
    bytes: int
    sha256: str
    result: str
    detail: str
    actor: str
    seconds: float
    identity: str = identity.MISSING
    identity_sha256: str = ""
    written: int | None = None
    """Bytes it added to the folder, where that is known."""
    code: str = ""
    params: Mapping[str, Value] = field(default_factory=dict)


_COLUMNS: Final = (
    "time, file, bytes, sha256, result, detail, actor, seconds, identity, identity_sha256, "
    "written, code, params"
)


def _record(row: Sequence[Any]) -> BackupRecord:
    values = dict(zip(_COLUMNS.split(", "), row, strict=True))
    return BackupRecord(**values | {"params": json.loads(values["params"])})


def newest(conn: sqlite3.Connection, result: str | None = None) -> BackupRecord | None:
    """Return the newest attempt, or the newest with that result."""
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM backup WHERE ? IS NULL OR result = ? "  # noqa: S608
        "ORDER BY id DESC LIMIT 1",
        (result, result),
    ).fetchone()
    return None if row is None else _record(row)


def told_of(record: BackupRecord) -> tuple[str | None, Mapping[str, Value]]:
    """Return the code and the parameters of what is to be said of it; None where all is well."""
    if record.code:
        return record.code, record.params
    lacking = {**_LACKING, identity.LEFT_OUT: "BACKUP_IDENTITY_LEFT_OUT"}.get(record.identity)
    return lacking, {"file": record.file, "reason": record.detail} if lacking else {}


def listed(
    conn: sqlite3.Connection, limit: int, before: int | None = None
) -> list[tuple[int, BackupRecord]]:
    """Return attempts with their numbers, newest first, below the number `before`."""
    rows = conn.execute(
        f"SELECT id, {_COLUMNS} FROM backup WHERE ? IS NULL OR id < ? "  # noqa: S608
        "ORDER BY id DESC LIMIT ?",
        (before, before, limit),
    )
    return [(number, _record(row)) for number, *row in rows]


def verified(
    tables: Tables, record: BackupRecord, cursors: Sequence[tuple[int, int]], now: int
) -> list[CollectorEvent]:
    """Enter a verified backup and call safe what it covers: one transaction, the caller's."""
    before, covering = newest(tables.conn), newest(tables.conn, VERIFIED)
    enter(tables, record)
    tables.conn.executemany(
        "UPDATE stream SET safe = ?2 WHERE number = ?1 AND safe < ?2 AND cursor >= ?2", cursors
    )
    told, params = [], {"file": Path(record.file).name}
    if before is not None and before.result != VERIFIED:
        told.append("BACKUP_RECOVERED")
    if record.identity != (covering.identity if covering else None):
        told += [code for state, code in _LACKING.items() if state == record.identity]
    if record.detail:
        params["reason"] = record.detail
    return [events.record(tables, (now, now), events.FAULT, code, SUBJECT, params) for code in told]


def failed(tables: Tables, record: BackupRecord, retry: int, now: int) -> CollectorEvent:
    """Enter an attempt that came to nothing; `retry` minutes until the next."""
    enter(tables, record)
    params: dict[str, Value] = {**record.params, "cause": record.code, "minutes": retry}
    return events.record(tables, (now, now), events.FAULT, "BACKUP_FAILED", SUBJECT, params)


def gone(tables: Tables, file: str, state: str, now: int) -> list[CollectorEvent]:
    """Note that a verified backup is not what it was; told once."""
    code, params = "BACKUP_GONE" if state == "gone" else "BACKUP_DAMAGED", {"file": file}
    changed = tables.conn.execute(
        "UPDATE backup SET result = ?, checked = ?, code = ?, params = ? "
        "WHERE file = ? AND result = ?",
        (GONE, now, code, json.dumps(params), file, VERIFIED),
    )
    if changed.rowcount == 0:
        return []
    return [events.record(tables, (now, now), events.FAULT, code, SUBJECT, params)]


def not_sound(conn: sqlite3.Connection) -> set[str]:
    """Return the files that were verified once and are not what they were."""
    return {row[0] for row in conn.execute("SELECT file FROM backup WHERE result = ?", (GONE,))}


def held(conn: sqlite3.Connection, folder: Path) -> bool:
    """Return whether a verified backup was ever made in `folder`."""
    start = f"{folder}/"
    row = conn.execute(
        "SELECT 1 FROM backup WHERE result <> ? AND substr(file, 1, ?) = ? LIMIT 1",
        (FAILED, len(start), start),
    ).fetchone()
    return row is not None


def removed(tables: Tables, files: Sequence[str], now: int) -> None:
    """Note that old backups were deleted for newer ones."""
    tables.conn.executemany(
        "UPDATE backup SET removed = ? WHERE file = ?", [(now, file) for file in files]
    )


def lineage(conn: sqlite3.Connection) -> str:
    """Return what tells this collector's backups from another's, through every restore."""
    row = conn.execute("SELECT value FROM collector WHERE key = 'lineage'").fetchone()
    return str(row[0])


def made(
    manifest: BackupManifest, folder: Path, actor: str, seconds: float, detail: str = ""
) -> BackupRecord:
    """Return the record of a verified backup; `detail` says why it has no identity."""
    return BackupRecord(
        time=manifest.time,
        file=str(folder / manifest.file),
        bytes=manifest.bytes,
        sha256=manifest.sha256,
        result=VERIFIED,
        detail=detail,
        actor=actor,
        seconds=seconds,
        identity=manifest.identity,
        identity_sha256=manifest.identity_sha256,
        written=manifest.written,
    )


def enter(tables: Tables, record: BackupRecord) -> None:
    """Write one line; nothing else follows from it."""
    told = {"params": json.dumps(dict(record.params), ensure_ascii=False)}
    values = [told.get(name, getattr(record, name)) for name in _COLUMNS.split(", ")]
    tables.conn.execute(
        f"INSERT INTO backup({_COLUMNS}) VALUES ({', '.join('?' * len(values))})",  # noqa: S608
        values,
    )
