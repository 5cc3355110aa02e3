"""A backup as blocks: what did not change since an earlier one is not written again.

The copy is SQLite's own, inside one read transaction, as for a whole file (`copying`): its pages go
into blocks instead of a file. Then each block is read back from the disk, and SQLite checks the
database as the blocks are it.
"""

from pathlib import Path
from typing import Any

import apsw

from central.backup import block_view, blocks, copying
from central.backup.blocks import BlockFolder, BlockList, BlockUnusable
from central.backup.copying import Pace, Progress
from protocols.crash_points import CrashPoints


def copy(
    source: Path, folder: Path, sound: set[str], progress: Progress, crash: CrashPoints
) -> tuple[BlockFolder, BlockList]:
    """Copy the database `source` into blocks, durably, and read them back from the disk.

    `sound` were read back already. Raises NoRoom, BlockUnusable, OSError or sqlite3.Error; what was
    begun stays until it is swept.
    """
    with block_view.as_sqlite3(), block_view.reading(source) as live:
        lineage = _one(live, "SELECT value FROM collector WHERE key = 'lineage'")
        target = BlockFolder(folder, str(lineage), sound)
        copying.check_room(source, folder, 0 if target.root.is_dir() else source.stat().st_size)
        size = int(_one(live, "PRAGMA page_size"))
        found = _copied(live, target, Pace(source, folder, size, progress), crash)
    target.check(found, lambda done: progress("verify", done, 2 * found.bytes))
    return target, found


def _copied(
    live: apsw.Connection, target: BlockFolder, pace: Pace, crash: CrashPoints
) -> BlockList:
    with block_view.writing(target) as (made, written):
        with made.backup("main", live, "main") as running:
            while not running.done:
                running.step(copying.PAGES)
                written.hand_on()
                crash.reach("central.backup")
                pace.step(0, running.remaining, running.page_count)
        made.close()
        return written.finish()


def _one(live: apsw.Connection, sought: str) -> Any:
    ((found,),) = live.execute(sought).fetchall()
    return found


def whole(file: Path, digest: str, sound: set[str], progress: Progress) -> None:
    """Read a backup's list and all its blocks; `sound` gets those that are what their names say.

    Raises BlockUnusable for the first that is not, after all were read; OSError for the list.
    """
    found = blocks.read(file)
    source = blocks.folder_of(file, found)
    source.sound = sound
    bad: BlockUnusable | None = None
    if copying.sha256_of(file, progress) != digest:
        bad = BlockUnusable(file=str(file), reason="SHA-256")
    for place, name in enumerate(found.names):
        try:
            source.block(name, found.size(place))
        except BlockUnusable as exc:
            bad = bad or exc
        progress("verify", place * blocks.BLOCK, 2 * found.bytes)
    if bad is not None:
        raise bad


def put_together(file: Path, target: Path, progress: Progress) -> None:
    """Write the database that a list speaks of into the new file `target`, durably.

    Each block is checked once more. Raises BlockUnusable, OSError; what was begun stays.
    """
    found = blocks.read(file)
    source = blocks.folder_of(file, found)
    target.touch(mode=0o600, exist_ok=False)
    with target.open("r+b") as out:
        for place, name in enumerate(found.names):
            out.write(source.block(name, found.size(place)))
            progress("copy", place * blocks.BLOCK, found.bytes)
    copying.sync(target)
