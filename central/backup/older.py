"""Notices a database that is older than a backup of itself: a copy or a snapshot was put back.

What that backup covers was called safe, so gateways may have let go of it: only the backup has it
now. A restore is no such case: it says so itself and has another incarnation.
"""

import logging
import sqlite3
from pathlib import Path
from typing import Final

from sqlite_utils import Database as Tables

from central import events
from central.backup import manifest, records
from central.backup.copying import frozen
from central.database import Database
from central.effects import CollectorEvent
from protocols.errors import FengsuiError
from protocols.words import Value

logger = logging.getLogger(__name__)

CODE: Final = "COLLECTOR_OLDER_THAN_BACKUP"


async def compare(db: Database, folder: Path, now: int) -> list[CollectorEvent]:
    """Tell, once for each backup, when the database lacks what a backup in `folder` has of it."""
    try:
        files = await db.read(lambda conn: unknown(conn, folder, db.incarnation))
        if not files:
            return []
        newest = files[0]
        count = await db.read(lambda conn: missing(conn, newest))
        return await db.write(lambda tables: tell(tables, newest, count, now)) if count else []
    except (sqlite3.Error, OSError, FengsuiError) as exc:
        logger.warning("the backups were not compared with the database: %s", exc)
        return []


def unknown(conn: sqlite3.Connection, folder: Path, incarnation: str) -> list[Path]:
    """Return backups of this very database that it knows nothing of, newest first."""
    known = {row[0] for row in conn.execute("SELECT file FROM backup")}
    return [
        folder / each.file
        for each in manifest.listing(folder, records.lineage(conn))
        if each.incarnation == incarnation and str(folder / each.file) not in known
    ]


def missing(conn: sqlite3.Connection, backup: Path) -> int:
    """Return how many readings and events `backup` has beyond the database.

    None of them for a backup that was made just before the collector died and could not enter it.
    """
    ours = dict(conn.execute("SELECT id, cursor FROM stream").fetchall())
    with frozen(backup) as old:
        theirs = old.execute("SELECT id, cursor FROM stream").fetchall()
    return sum(max(0, cursor - ours.get(stream, 0)) for stream, cursor in theirs)


def tell(tables: Tables, backup: Path, count: int, now: int) -> list[CollectorEvent]:
    """Record it, if it was not."""
    already = tables.conn.execute(
        "SELECT 1 FROM event WHERE code = ? AND json_extract(params, '$.file') = ? LIMIT 1",
        (CODE, backup.name),
    ).fetchone()
    if already is not None:
        return []
    params: dict[str, Value] = {"file": backup.name, "count": count}
    return [events.record(tables, (now, now), events.SECURITY, CODE, records.SUBJECT, params)]
