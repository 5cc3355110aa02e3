"""`fengsui-central backup`, `backups` and `restore`.

A backup is made by the collector that runs, or by us where none does; a restore needs it stopped.
"""

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

from central.backup import identity, manifest
from central.backup.backups import Backups, NoTarget
from central.backup.blocks import is_list
from central.backup.comparing import Between
from central.backup.copying import Progress
from central.backup.manifest import BackupManifest
from central.backup.moving import finish
from central.backup.records import BackupRecord
from central.backup.restore import Restored, checked, chosen, restore
from central.commands.operator import operator
from central.config import CentralConfig, load_config
from central.control import FolderInUse, ask, holding
from central.database import Database
from protocols.clock import SystemClock
from protocols.texts import text
from protocols.words import Value

SITE: Final = timezone(timedelta(hours=8))
BAR: Final = 30
PHASES: Final = {"copy": "BACKUP_COPY", "verify": "BACKUP_VERIFY"}


def backup(file: Path, language: str) -> int:
    """Make a verified backup now. Raises NoTarget, BackupFailed, ControlSilent ..."""
    config = load_config(file)
    if config.backup is None:
        raise NoTarget
    show = _bar(language)
    try:
        with holding(config.database.parent):
            record = asyncio.run(_alone(config, show))
    except FolderInUse:
        told = ask(config.database.parent, "backup", {"by": operator()}, lambda at: show(**at))
        record = BackupRecord(**told)
    _end_bar()
    params = {**_shown(record.file, record.time, record), "sha256": record.sha256}
    print(text("BACKUP_MADE", {**params, "seconds": round(record.seconds, 1)}, language))
    _say_identity(record.identity, record.detail, record.file, language)
    return 0


def backups(file: Path, language: str) -> int:
    """List the backups on the target, newest first; 1 when there is none. Raises NoTarget."""
    config = load_config(file)
    if config.backup is None:
        raise NoTarget
    found = manifest.listing(config.backup.folder, now=SystemClock().now())
    for item in found:
        path = str(config.backup.folder / item.file)
        whole = manifest.has_identity(config.backup.folder, item)
        code = "BACKUP_LINE" if whole else "BACKUP_LINE_WITHOUT"
        print(text(code, {**_shown(path, item.time, item)}, language))
    if not found:
        print(text("BACKUP_NONE", {"folder": str(config.backup.folder)}, language))
    return 0 if found else 1


def restore_backup(file: Path, named: Path | None, wish: str | None, language: str) -> int:
    """Put a backup in the database's place; `wish` is one of `placing.WISHES`.

    Raises FolderInUse, BackupUnusable, RestoreFailed, IdentityDiffers, IdentityForeign.
    """
    config = load_config(file)
    with holding(config.database.parent):
        if finish(config.database):
            print(text("RESTORE_FINISHED", {"file": str(config.database)}, language))
            return 0
        source = checked(chosen(config, named, SystemClock().now()), _progress(_bar(language)))
        _end_bar()
        done = restore(config, source, SystemClock(), operator(), wish)
    said = source.said
    print(text("RESTORED", _shown(str(source.file), said.time, said), language))
    _say_place(done, language)
    if done.aside is not None:
        print(text("RESTORED_ASIDE", {"file": str(done.aside)}, language))
        _say_lost(done.lost, language)
    return 0


def _say_identity(state: str, reason: str, file: str, language: str) -> None:
    codes = {
        identity.INCLUDED: "BACKUP_WITH_IDENTITY",
        identity.LEFT_OUT: "BACKUP_IDENTITY_LEFT_OUT",
        identity.EXPOSED: "BACKUP_IDENTITY_EXPOSED",
        identity.FAILED: "BACKUP_IDENTITY_FAILED",
    }
    if state in codes:
        shown = str(identity.beside(Path(file)))
        print(text(codes[state], {"file": shown, "reason": reason}, language))


def _say_place(done: Restored, language: str) -> None:
    if done.put:
        print(text("RESTORED_IDENTITY", {"files": ", ".join(done.put)}, language))
    if done.identity_aside is not None:
        print(text("RESTORED_ASIDE_IDENTITY", {"folder": str(done.identity_aside)}, language))
    if done.lacking:
        print(text("RESTORE_WITHOUT_IDENTITY", {}, language))


def _say_lost(lost: Between | None, language: str) -> None:
    if lost is None:
        print(text("RESTORE_LOST_UNKNOWN", {}, language))
        return
    params: dict[str, Value] = {
        "readings": lost.readings,
        "streams": lost.streams,
        "acts": lost.acts,
    }
    print(text("RESTORE_LOST", params, language))
    back = (
        ("RESTORE_REVOKED", lost.revoked),
        ("RESTORE_DISABLED", lost.disabled),
        ("RESTORE_KEYED", lost.keyed),
        ("RESTORE_ENROLLED", lost.enrolled),
    )
    for code, names in back:
        if names:
            print(text(code, {"names": ", ".join(names)}, language))


async def _alone(config: CentralConfig, show: Callable[..., None]) -> BackupRecord:
    clock = SystemClock()
    database = await Database.open(config.database, clock)
    made = Backups(database, clock, config.backup, lambda effects: None)
    try:
        await made.load()
        making = asyncio.ensure_future(made.take(operator()))
        while not making.done():
            await asyncio.wait([making], timeout=1.0)
            if made.running is not None:
                show(*made.running)
        return await making
    finally:
        await made.close()
        await database.close()


def _bar(language: str) -> Callable[..., None]:
    """Return what draws how far it is; nothing where nobody looks."""

    def show(phase: str, done: int, total: int) -> None:
        if sys.stderr.isatty():
            full = BAR * done // total if total else 0
            word = text(PHASES[phase], {}, language)
            sys.stderr.write(f"\r{word} [{'#' * full:<{BAR}}]")
            sys.stderr.flush()

    return show


def _end_bar() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")


def _progress(show: Callable[..., None]) -> Progress:
    return lambda phase, done, total: show(phase, done, total)


def _shown(file: str, time: int, of: BackupRecord | BackupManifest) -> dict[str, Any]:
    moment = str(time)
    with suppress(ValueError, OverflowError, OSError):
        at = datetime.fromtimestamp(time // 1_000_000, UTC).astimezone(SITE)
        moment = at.isoformat(" ", "seconds")
    size = f"{of.bytes / (1 << 20):.1f} MiB"
    if of.written is not None and is_list(Path(file)):
        size += f", +{of.written / (1 << 20):.1f} MiB"
    return {"file": file, "time": moment, "size": size}
