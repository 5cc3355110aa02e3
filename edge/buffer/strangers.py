"""Puts out of the way what bears a name of ours and is nothing of ours: a folder, a dead link.

Somebody's folder called like the next segment must not cost the medium.
"""

from pathlib import Path
from typing import Final

from edge.buffer.migrations import MIGRATED
from edge.buffer.quarantine import NEWER, QUARANTINE, free_name, sync

FILES: Final = ("alarm.db*", "data-*.db*", "highest-stream*", f"{MIGRATED}/*.format*")
FOLDERS: Final = (QUARANTINE, NEWER, MIGRATED)


def put_strangers_aside(folder: Path) -> list[str]:
    """Move them into the quarantine, untouched; returns their names. Raises OSError."""
    moved: list[str] = []
    for name in FOLDERS:
        path = folder / name
        if not path.is_dir() and _stands(path):
            moved.append(_move(path, folder))
    for pattern in FILES:
        found = [path for path in folder.glob(pattern) if not path.is_file() and _stands(path)]
        moved += [_move(path, folder / QUARANTINE) for path in sorted(found)]
    return moved


def _stands(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _move(path: Path, into: Path) -> str:
    into.mkdir(exist_ok=True)
    path.rename(free_name(path, into))
    sync(into)
    return path.name
