"""Puts a verified backup in the place of the database, while no collector runs.

Nothing is deleted: the database that was there is moved aside under a dated name. Before the first
move a note says what is being done (`restore.json`); a collector does not start while it is there,
and the next `restore` finishes what a power failure interrupted.
"""

import json
import os
import secrets
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlite_utils import Database as Tables

from central import events
from central.backup import manifest, records
from central.backup.comparing import Between, between
from central.backup.copying import Progress, sha256_of, verify
from central.backup.manifest import BackupManifest, BackupUnusable, sync_folder
from central.config import CentralConfig
from central.database_file import NOTE, open_file
from central.identity import audit
from protocols.clock import Clock
from protocols.errors import FengsuiError
from protocols.words import Value

PIECE: Final = 1 << 20
SIDES: Final = ("-wal", "-shm", "")
"""A database's files; the main one last, so that it is never alone under its old name."""


class NoBackup(FengsuiError):
    """There is no backup to restore."""

    code = "BACKUP_NONE"


class OthersBackups(FengsuiError):
    """The folder holds backups of other collectors; which is meant has to be said."""

    code = "BACKUP_OTHERS"


class RestoreFailed(FengsuiError):
    """Files could not be written or moved; `reason` says which. The database is as it was."""

    code = "RESTORE_FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was put in place; `aside` is where the database before it is now, if there was one."""

    manifest: BackupManifest
    file: Path
    aside: Path | None
    incarnation: str
    lost: Between | None


@dataclass(frozen=True, slots=True)
class _Story:
    """What the restored database is to say of itself."""

    file: Path
    said: BackupManifest
    lost: Between | None
    now: int
    actor: str


def chosen(config: CentralConfig, file: Path | None, now: int) -> Path:
    """Return the backup to restore: the one named, or this collector's newest on the target.

    Raises NoBackup, or OthersBackups where nobody can tell which of several collectors is meant.
    """
    if file is not None:
        return file
    folder = config.backup.folder if config.backup else None
    found = manifest.listing(folder, now=now) if folder else []
    if folder is None or not found:
        raise NoBackup(folder=str(folder) if folder else "")
    own = _lineage(config.database)
    ours = [each for each in found if own in (None, each.lineage)]
    if len({each.lineage for each in ours}) != 1:
        raise OthersBackups(folder=str(folder))
    return folder / ours[0].file


def _lineage(database: Path) -> str | None:
    """Return whose the database is; None when there is none, or none that can be read."""
    if not database.is_file():
        return None
    uri = f"{database.resolve().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as conn:
            return records.lineage(conn)
    except (sqlite3.Error, TypeError):
        return None


def checked(file: Path, progress: Progress) -> BackupManifest:
    """Return the manifest of a backup that is whole. Raises BackupUnusable."""
    said = manifest.read(file)
    try:
        if file.stat().st_size != said.bytes or sha256_of(file, progress) != said.sha256:
            raise BackupUnusable(file=str(file), reason="SHA-256")
    except OSError as exc:
        raise BackupUnusable(file=str(file), reason=str(exc)) from exc
    verify(file, progress)
    return said


def restore(
    config: CentralConfig, file: Path, said: BackupManifest, clock: Clock, actor: str
) -> Restored:
    """Put the checked backup `file` in place; say what it does not hold. Raises RestoreFailed.

    The caller holds the data folder. The restored database has a new incarnation, so that every
    gateway offers again what the backup does not cover.
    """
    database = config.database
    fresh = database.with_name(database.name + ".restoring")
    lost = between(database, file)
    incarnation = _prepared(fresh, _Story(file, said, lost, clock.now(), actor))
    try:
        moment = datetime.fromtimestamp(clock.now() // 1_000_000, UTC).strftime("%Y%m%dT%H%M%SZ")
        aside = _free_name(database, f"{database.name}.before-restore-{moment}")
        was_there = database.exists()
        _note(database.parent, aside.name)
        _swap(database, fresh, aside)
    except (OSError, sqlite3.Error) as exc:
        raise RestoreFailed(reason=str(exc)) from exc
    return Restored(
        manifest=said,
        file=file,
        aside=aside if was_there else None,
        incarnation=incarnation,
        lost=lost,
    )


def finish(database: Path) -> bool:
    """Finish a restore that was interrupted; return whether there was one. Raises RestoreFailed."""
    note = database.parent / NOTE
    try:
        aside = database.with_name(str(json.loads(note.read_text(encoding="utf-8"))["aside"]))
        _swap(database, database.with_name(database.name + ".restoring"), aside)
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise RestoreFailed(reason=f"{note}: {exc}") from exc
    return True


def _prepared(fresh: Path, story: _Story) -> str:
    """Make what is to be put in place; nothing is left of it where that fails (a full disk)."""
    try:
        _discard(fresh)
        _copy(story.file, fresh)
        return _renew(fresh, story)
    except (OSError, sqlite3.Error) as exc:
        with suppress(OSError):
            _discard(fresh)
        raise RestoreFailed(reason=str(exc)) from exc


def _copy(file: Path, fresh: Path) -> None:
    with file.open("rb") as source, fresh.open("xb") as target:
        while piece := source.read(PIECE):
            target.write(piece)
        target.flush()
        os.fsync(target.fileno())


def _renew(fresh: Path, story: _Story) -> str:
    """Give the copy a new incarnation, and say in its own tables where it comes from."""
    tables, _ = open_file(fresh, story.now)
    incarnation = secrets.token_hex(16)
    with closing(tables.conn):
        with tables.atomic():
            tables.conn.execute(
                "UPDATE collector SET value = ? WHERE key = 'incarnation'", (incarnation,)
            )
            tables.conn.execute(
                "INSERT OR REPLACE INTO collector(key, value) VALUES ('restored', ?)",
                (str(story.now),),
            )
            tables.conn.execute("UPDATE stream SET safe = cursor, restored = cursor")
            # Who logged out since, or whose session was ended, does not come back by it.
            tables.conn.execute("DELETE FROM session")
            tables.conn.execute("DELETE FROM login_link")
            # A code that was used or burnt since would let somebody in once more.
            tables.conn.execute(
                "UPDATE enrolment_code SET state = 'withdrawn', ended = created, secret = NULL "
                "WHERE state = 'open'"
            )
            folder = story.file.resolve().parent
            records.enter(tables, records.made(story.said, folder, story.actor, 0.0))
            _tell(tables, story)
        # Nothing of it may be left in a file beside it: only the main file is put in place.
        tables.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        tables.conn.execute("PRAGMA journal_mode=DELETE").fetchall()
    return incarnation


def _tell(tables: Tables, story: _Story) -> None:
    said, lost = story.said, story.lost
    params: dict[str, Value] = {
        "at": said.time,
        "file": said.file,
        "readings": lost.readings if lost else None,
        "streams": lost.streams if lost else None,
    }
    events.record(
        tables,
        (story.now, story.now),
        events.FAULT,
        "COLLECTOR_RESTORED",
        records.SUBJECT,
        params,
    )
    audit.append(
        tables,
        audit.Act(
            time=story.now,
            actor=story.actor,
            action="COLLECTOR_RESTORED",
            subject=said.file,
            detail={"time": said.time, "sha256": said.sha256},
        ),
    )


def _note(folder: Path, aside: str) -> None:
    note = folder / NOTE
    partial = note.with_name(note.name + manifest.TMP)
    with partial.open("w", encoding="utf-8") as out:
        json.dump({"aside": aside}, out)
        out.flush()
        os.fsync(out.fileno())
    partial.replace(note)
    sync_folder(folder)


def _swap(database: Path, fresh: Path, aside: Path) -> None:
    """Move the old files aside and the new one in; may be begun again at any point."""
    if fresh.exists():
        for side in SIDES:
            with suppress(FileNotFoundError):
                Path(f"{database}{side}").rename(f"{aside}{side}")
        fresh.rename(database)
        sync_folder(database.parent)
    (database.parent / NOTE).unlink()
    sync_folder(database.parent)


def _discard(fresh: Path) -> None:
    for side in (*SIDES, "-journal"):
        Path(f"{fresh}{side}").unlink(missing_ok=True)


def _free_name(database: Path, name: str) -> Path:
    names = (name, *(f"{name}-{number}" for number in range(2, 1_000)))
    return next(path for path in map(database.with_name, names) if not path.exists())
