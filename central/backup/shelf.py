"""The backup folder as it stands: whether a backup is there, and which go for newer ones."""

import logging
from pathlib import Path

from central.backup import blocks, identity, manifest
from central.backup.blocks import BlockUnusable
from central.backup.manifest import BackupUnusable
from central.backup.records import BackupRecord

logger = logging.getLogger(__name__)


def is_there(record: BackupRecord) -> bool:
    """Whether its files are there in their size, and its blocks by name; nothing is read."""
    file = Path(record.file)
    try:
        if record.identity == identity.INCLUDED:
            identity.beside(file).stat()
        if not blocks.is_list(file):
            return file.stat().st_size == record.bytes
        if file.stat().st_size != manifest.read(file).size:
            return False
        found = blocks.read(file)
        return not blocks.folder_of(file, found).lacks(found)
    except (FileNotFoundError, BackupUnusable, BlockUnusable):
        return False
    except OSError:
        return True  # nothing is known


def prune(folder: Path, newest: manifest.BackupManifest, keep: int, bad: set[str]) -> list[str]:
    """Delete what is older than the `keep` newest sound ones; what is not sound counts for none.

    Blocks that no backup names any more go with them, unless somebody makes a backup here just now:
    then they go with the next. Raises OSError.
    """
    kept, removed = 1, list[Path]()
    for each in manifest.listing(folder, newest.lineage, newest.time):
        file = folder / each.file
        if each.file == newest.file:
            continue
        if kept >= keep:
            removed.append(file)
        elif str(file) not in bad:
            kept += 1
    for file in removed:
        manifest.remove(file)
    if removed:
        manifest.sync_folder(folder)
    _sweep(folder, newest.lineage)
    return [str(file) for file in removed]


def _sweep(folder: Path, lineage: str) -> None:
    if (folder / blocks.FOLDER).is_dir():
        try:
            with manifest.alone(folder):
                manifest.sweep(folder, lineage)
        except OSError as exc:
            logger.warning("blocks of old backups wait for the next time: %s", exc)
