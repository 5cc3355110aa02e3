"""`fengsui-central check` and `migrate`: is the file usable, the audit whole, the tables new."""

import contextlib
import json
import sqlite3
from pathlib import Path

from central.config import CentralConfig, load_config
from central.control import holding
from central.database import Database, DatabaseUnusable
from central.identity import audit
from protocols.clock import SystemClock
from protocols.texts import text
from protocols.words import Value


def check(file: Path, language: str, *, as_json: bool, with_audit: bool) -> int:
    """Return 0 when the configuration (or the audit) holds. Raises ConfigError."""
    config = load_config(file)
    if with_audit:
        return _audit(config, language, as_json=as_json)
    if not as_json:
        params: dict[str, Value] = {
            "file": str(file),
            "host": config.host,
            "port": config.port,
            "folder": str(config.database.parent),
        }
        print(text("CHECK_CENTRAL", params, language))
        if config.backup is not None and _same_disk(config.database, config.backup.folder):
            print(text("BACKUP_SAME_DISK", {"folder": str(config.backup.folder)}, language))
    return 0


async def migrate(file: Path, language: str) -> int:
    """Apply what is missing while no collector runs. Raises FolderInUse, SchemaNewer."""
    config = load_config(file)
    with holding(config.database.parent):
        database = await Database.open(config.database, SystemClock())
        await database.close()
    print(text("MIGRATED", {"file": str(config.database)}, language))
    return 0


def _same_disk(database: Path, folder: Path) -> bool:
    """Whether both are, or would be made, on one file system."""
    disks = []
    for path in (database.parent, folder):
        with contextlib.suppress(OSError):
            there = next(each for each in (path, *path.resolve().parents) if each.exists())
            disks.append(there.stat().st_dev)
    return len(disks) == 2 and disks[0] == disks[1]


def _audit(config: CentralConfig, language: str, *, as_json: bool) -> int:
    """Verify read-only: also beside a running collector. Raises DatabaseUnusable."""
    try:
        if not config.database.is_file():
            return _said("AUDIT_NONE", {"file": str(config.database)}, language, as_json=as_json)
        uri = f"{config.database.resolve().as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as conn:
            verdict = audit.verify(conn)
    except (OSError, sqlite3.Error) as exc:
        raise DatabaseUnusable(file=str(config.database), reason=str(exc)) from exc
    params: dict[str, Value] = {"lines": verdict.lines, "head": verdict.head}
    if verdict.broken is None:
        _said("AUDIT_WHOLE", params, language, as_json=as_json)
        return 0
    return _said("AUDIT_BROKEN", {**params, "line": verdict.broken}, language, as_json=as_json)


def _said(code: str, params: dict[str, Value], language: str, *, as_json: bool) -> int:
    sentence = text(code, params, language)
    found = {"code": code, "params": params, "message": sentence}
    print(json.dumps(found, ensure_ascii=False) if as_json else sentence)
    return 1
