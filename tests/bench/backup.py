"""What a second backup costs after 1 % of the store has changed: a whole file, or blocks.

The file holds chunks as a store seals them: a year of hours of some families, day after day, about
as many bytes a family as there are in a large one. `day`: days of 1 % are sealed and the oldest
deleted, as retention does; `scattered`: 1 % of all chunks, taken at random, are deleted and written
anew, which is worse than any merging.
"""

import asyncio
import random
import resource
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from sqlite_utils import Database as Tables

from central.backup import manifest
from central.backup.backups import Backups
from central.backup.restore import checked
from central.config import BackupTarget
from central.database import Database
from protocols.clock import SystemClock, real_monotonic

FAMILIES = 2
HOURS = 24
DAYS = 400
CHANGED = DAYS // 100
BODY = 5_500
"""Bytes of a chunk of 9,000 readings of a poll group (docs/decisions/025)."""
FORMS = ("full", "incremental")
MIB = 1 << 20


def measure() -> Iterator[dict[str, object]]:
    """Yield the figures of each form: a first backup, one after each kind of change."""
    with tempfile.TemporaryDirectory(prefix="bench-backup-") as folder:
        yield from asyncio.run(_measure(Path(folder)))


async def _measure(folder: Path) -> list[dict[str, object]]:
    db = await Database.open(folder / "data" / "collector.db", SystemClock())
    figures = []
    try:
        for day in range(DAYS):
            await db.write(partial(_seal, day, HOURS))
        targets = {form: folder / form for form in FORMS}
        for change in ("first", "day", "scattered"):
            if change == "day":
                await db.write(_next_day)
            if change == "scattered":
                await db.write(_scatter)
            for form, target in targets.items():
                figures.append(await _made(db, target, form, change))
        for form, target in targets.items():
            figures.append(_checked(target, form))
    finally:
        await db.close()
    return figures


async def _made(db: Database, folder: Path, form: str, change: str) -> dict[str, object]:
    target = BackupTarget(folder=folder, identity=False, form=form)
    made = Backups(db, SystemClock(), target, lambda effects: None)
    await made.load()
    before, began = _children(), real_monotonic()
    record = await made.take("bench")
    seconds = real_monotonic() - began
    await made.close()
    return {
        "name": f"backup.{form}.{change}",
        "database_mib": round(record.bytes / MIB, 1),
        "written_mib": round((record.written or 0) / MIB, 1),
        "folder_mib": _size(folder),
        "seconds": round(seconds, 2),
        "cpu_s": round(_children() - before, 2),
    }


def _size(folder: Path) -> float:
    return round(sum(each.stat().st_size for each in folder.rglob("*")) / MIB, 1)


def _checked(folder: Path, form: str) -> dict[str, object]:
    """Return what it takes to check the newest one whole, as before a restore."""
    began = real_monotonic()
    checked(folder / manifest.listing(folder)[0].file, lambda *_: None)
    return {"name": f"backup.{form}.check", "seconds": round(real_monotonic() - began, 2)}


def _seal(day: int, hours: int, tables: Tables) -> None:
    tables.conn.executemany(
        "INSERT INTO chunk(family, day, t0, t1, n, members, received0, received1, seal, summary, "
        "body) VALUES (?1, ?2, ?2, ?2, 9000, 255, ?2, ?2, 0, ?3, ?4)",
        (
            (family, day, random.randbytes(300), random.randbytes(BODY))
            for _ in range(hours)
            for family in range(FAMILIES)
        ),
    )


def _next_day(tables: Tables) -> None:
    for day in range(CHANGED):
        _seal(DAYS + day, HOURS, tables)
    tables.conn.execute("DELETE FROM chunk WHERE day < ?", (CHANGED,))


def _scatter(tables: Tables) -> None:
    ids = [row[0] for row in tables.conn.execute("SELECT id FROM chunk")]
    taken = random.Random(7).sample(ids, len(ids) // 100)
    tables.conn.executemany("DELETE FROM chunk WHERE id = ?", [(each,) for each in taken])
    _seal(DAYS + CHANGED, HOURS * CHANGED, tables)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
