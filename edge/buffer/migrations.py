"""What changed between the formats of the buffer's files, one numbered step each.

A step takes a file from format n to n + 1 in one transaction: a kill in the middle leaves the old
file. Steps only add, so that a file of many megabytes is brought forward in an instant and what it
holds is drained without delay. A released step never changes again; a fixture per released format
(`tests/testcases/buffer/vN`) is opened and drained by the tests of every later version.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from edge.buffer.format import META
from edge.buffer.sqlite import Database

MIGRATED: Final = "migrated"
COPY_LIMIT: Final = 8 << 20
"""Bytes; a larger file is not copied first: that would hold up the start for seconds on a card."""
COPY_SHARE: Final = 10
"""A copy is made only where at least so many times its size is free."""


def _add_meta(db: Database) -> None:
    """1 -> 2: every file can note things about itself, as the alarm file always could."""
    if "meta" not in db.table_names():
        db.conn.execute(META)


STEPS: Final[tuple[Callable[[Database], None], ...]] = (_add_meta,)
"""The step at index i takes format i + 1 to i + 2."""


def migrate(db: Database, version: int) -> None:
    """Bring an open file from `version`, 1 to `FORMAT`, to `FORMAT`; durable on return."""
    for target, step in enumerate(STEPS[version - 1 :], version + 1):
        with db.atomic():
            step(db)
            db.conn.execute(f"PRAGMA user_version={target}")


def keep_copy(path: Path, journal: Path, version: int) -> None:
    """Keep the file as it was in `migrated/`, if the medium has room and it is no long wait.

    Must be called before SQLite opens the file. A medium that refuses costs the copy, no more.
    """
    try:
        there = [each for each in (journal, path) if each.exists()]
        size = sum(each.stat().st_size for each in there)
        if size > COPY_LIMIT or size * COPY_SHARE > shutil.disk_usage(path.parent).free:
            return
        aside = path.parent / MIGRATED
        aside.mkdir(exist_ok=True)
        for each in there:
            ending = "-wal" if each == journal else ""
            shutil.copyfile(each, aside / f"{path.name}.format{version}{ending}")
    except OSError:
        return
