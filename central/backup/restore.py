"""Puts a verified backup in the place of the database, while no collector runs.

Nothing is deleted: the database that was there is moved aside under a dated name. What interrupts
the moving is finished by the next `restore` (central/backup/moving.py).
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
from central.backup import blocks, incremental, manifest, moving, placing, records
from central.backup.blocks import BlockUnusable
from central.backup.comparing import Between, between
from central.backup.copying import Progress, sha256_of, verify
from central.backup.identity import IdentityUnusable
from central.backup.manifest import BackupManifest, BackupUnusable
from central.backup.moving import RestoreFailed
from central.backup.placing import IdentityDiffers, IdentityForeign, lineage_of
from central.config import CentralConfig
from central.database_file import open_file
from central.identity import audit
from central.tls.folder import OwnFileUnusable
from protocols.clock import Clock
from protocols.errors import FengsuiError
from protocols.words import Value

PIECE: Final = 1 << 20


class NoBackup(FengsuiError):
    """There is no backup to restore."""

    code = "BACKUP_NONE"


class OthersBackups(FengsuiError):
    """The folder holds backups of other collectors; which is meant has to be said."""

    code = "BACKUP_OTHERS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was put in place; `aside` is where the database before it is now, if there was one.

    `put`: files of the collector's identity that came from the backup; `identity_aside`: where
    those they replaced are; `lacking`: the key that gateways trust is not there.
    """

    manifest: BackupManifest
    file: Path
    aside: Path | None
    incarnation: str
    lost: Between | None
    put: list[str]
    identity_aside: Path | None
    lacking: bool


@dataclass(frozen=True, slots=True)
class Source:
    """A backup whose files are whole, and what its manifest says."""

    file: Path
    said: BackupManifest


@dataclass(frozen=True, slots=True)
class _Story:
    """What the restored database is to say of itself."""

    file: Path
    said: BackupManifest
    lost: Between | None
    now: int
    actor: str
    put: tuple[str, ...]


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
    own = lineage_of(config.database)
    ours = [each for each in found if own in (None, each.lineage)]
    # A new machine that was started before the restore has made a backup too: of nothing.
    theirs = any(each.streams for each in found if each not in ours)
    empty = bool(ours) and not ours[0].streams and theirs
    if len({each.lineage for each in ours}) != 1 or empty:
        raise OthersBackups(folder=str(folder))
    return folder / ours[0].file


def checked(file: Path, progress: Progress) -> Source:
    """Return a backup that is whole, with its manifest. Raises BackupUnusable, BlockUnusable."""
    said = manifest.read(file)
    try:
        if file.stat().st_size != said.size or sha256_of(file, progress) != said.sha256:
            raise BackupUnusable(file=str(file), reason="SHA-256")
        if blocks.is_list(file):
            incremental.whole(file, said.sha256, set(), progress)
    except OSError as exc:
        raise BackupUnusable(file=str(file), reason=str(exc)) from exc
    verify(file, progress)
    return Source(file, said)


def restore(
    config: CentralConfig, source: Source, clock: Clock, actor: str, wish: str | None = None
) -> Restored:
    """Put the checked backup in place; say what it does not hold.

    The caller holds the data folder. The restored database has a new incarnation, so that every
    gateway offers again what the backup does not cover. `wish` decides where the data folder has
    other key files than the backup. Raises RestoreFailed, IdentityDiffers, IdentityForeign or
    IdentityUnusable; nothing has been moved then.
    """
    database, file, said = config.database, source.file, source.said
    folder, now = database.parent, clock.now()
    try:
        whole = _whole(database, file)
        plan = _planned(database, source, whole, wish)
        lost = between(database, whole)
        story = _Story(file, said, lost, now, actor, tuple(plan.put))
        incarnation = _prepared(database, story, plan, whole)
        moment = datetime.fromtimestamp(now // 1_000_000, UTC).strftime("%Y%m%dT%H%M%SZ")
        aside = _free_name(database, f"{database.name}.before-restore-{moment}")
        was_there = database.exists()
        moving.note(folder, aside.name, plan.gives_way)
        moving.swap(database)
    except (OSError, sqlite3.Error) as exc:
        raise RestoreFailed(reason=str(exc)) from exc
    except (IdentityDiffers, IdentityForeign, IdentityUnusable):
        if blocks.is_list(file):
            moving.discard(database)
        raise
    return Restored(
        manifest=said,
        file=file,
        aside=aside if was_there else None,
        incarnation=incarnation,
        lost=lost,
        put=sorted(plan.put),
        identity_aside=moving.identity_aside(folder, aside.name) if plan.gives_way else None,
        lacking=plan.lacking,
    )


def _whole(database: Path, file: Path) -> Path:
    """Return the backup as one file; blocks are put together where the database is to be made."""
    if not blocks.is_list(file):
        return file
    fresh = moving.fresh_of(database)
    try:
        moving.discard(database)
        incremental.put_together(file, fresh, lambda *_: None)
    except (OSError, BlockUnusable) as exc:
        with suppress(OSError):
            moving.discard(database)
        reason = exc.params["reason"] if isinstance(exc, BlockUnusable) else exc
        raise RestoreFailed(reason=str(reason)) from exc
    return fresh


def _planned(database: Path, source: Source, whole: Path, wish: str | None) -> placing.Plan:
    ours = placing.present(database.parent)
    about = placing.databases(database, whole, source.said)
    return placing.plan(ours, placing.carried(source.file, source.said, wish), about, wish)


def _prepared(database: Path, story: _Story, plan: placing.Plan, whole: Path) -> str:
    """Make what is to be put in place; nothing is left of it where that fails (a full disk)."""
    fresh = moving.fresh_of(database)
    try:
        if whole != fresh:
            moving.discard(database)
            _copy(whole, fresh)
        moving.stage(database.parent, plan.put)
        return _renew(fresh, story)
    except (OSError, sqlite3.Error, OwnFileUnusable) as exc:
        with suppress(OSError):
            moving.discard(database)
        raise RestoreFailed(reason=str(exc)) from exc


def _copy(file: Path, fresh: Path) -> None:
    fresh.touch(mode=0o600, exist_ok=False)
    with file.open("rb") as source, fresh.open("r+b") as target:
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
            tables.conn.execute(
                "INSERT INTO restoration(file, backup, restored, ended) VALUES (?, ?, ?, ?)",
                (story.said.file, story.said.time, story.now, _ended(story.lost)),
            )
            _tell(tables, story)
        # Nothing of it may be left in a file beside it: only the main file is put in place.
        tables.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        tables.conn.execute("PRAGMA journal_mode=DELETE").fetchall()
    return incarnation


def _ended(lost: Between | None) -> str:
    """Return the keys no warrant may bring back, as the table of restorations keeps them."""
    return json.dumps(lost.ended if lost else [])


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
            detail={
                "time": said.time,
                "sha256": said.sha256,
                "identity": ", ".join(story.put),
            },
        ),
    )


def _free_name(database: Path, name: str) -> Path:
    names = (name, *(f"{name}-{number}" for number in range(2, 1_000)))
    return next(path for path in map(database.with_name, names) if not path.exists())
