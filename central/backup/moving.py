"""Puts the files of a restore in their places; whatever interrupts it, it may be begun again.

Before the first move a note (`restore.json`) says what is being done; a collector does not start
while it is there. What was there before is moved aside and never deleted.
"""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from central.backup import manifest
from central.backup.identity import FILES
from central.backup.manifest import sync_folder
from central.database_file import NOTE
from central.tls.folder import write
from protocols.errors import FengsuiError

SIDES: Final = ("-wal", "-shm", "")
"""A database's files; the main one last, so that it is never alone under its old name."""
STAGED: Final = "identity.restoring"
"""The identity that is to be put in place, in the data folder."""


class RestoreFailed(FengsuiError):
    """Files could not be written or moved; `reason` says which. The database is as it was."""

    code = "RESTORE_FAILED"


def fresh_of(database: Path) -> Path:
    """Return where the database that is to be put in place is made."""
    return database.with_name(database.name + ".restoring")


def identity_aside(folder: Path, aside: str) -> Path:
    """Return where an identity that gives way is kept, beside the database it belonged to."""
    return folder / f"{aside}.identity"


def stage(folder: Path, files: dict[str, bytes]) -> None:
    """Write the identity that is to be put in place, durably, for the collector's account only.

    Raises OSError, OwnFileUnusable.
    """
    (folder / STAGED).mkdir(mode=0o700)
    for name, data in files.items():
        write(folder / STAGED / name, data, mode=FILES[name])


def note(folder: Path, aside: str, gives_way: list[str]) -> None:
    """Say durably what is about to be moved: the database, and these files of the identity."""
    path = folder / NOTE
    partial = path.with_name(path.name + manifest.TMP)
    with partial.open("w", encoding="utf-8") as out:
        json.dump({"aside": aside, "gives_way": gives_way}, out)
        out.flush()
        os.fsync(out.fileno())
    partial.replace(path)
    sync_folder(folder)


def swap(database: Path) -> None:
    """Do what the note says. Raises OSError, and ValueError, KeyError, TypeError for the note."""
    folder, fresh = database.parent, fresh_of(database)
    said = json.loads((folder / NOTE).read_text(encoding="utf-8"))
    aside = folder / Path(str(said["aside"])).name
    _put_identity(folder, identity_aside(folder, aside.name), said.get("gives_way", []))
    if fresh.exists():
        for side in SIDES:
            with suppress(FileNotFoundError):
                Path(f"{database}{side}").rename(f"{aside}{side}")
        fresh.rename(database)
        sync_folder(folder)
    (folder / NOTE).unlink()
    sync_folder(folder)


def finish(database: Path) -> bool:
    """Finish a restore that was interrupted; return whether there was one. Raises RestoreFailed."""
    path = database.parent / NOTE
    if not path.exists():
        return False
    try:
        swap(database)
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise RestoreFailed(reason=f"{path}: {exc}") from exc
    return True


def discard(database: Path) -> None:
    """Delete what a restore that was not announced had made ready. Raises OSError."""
    fresh, staged = fresh_of(database), database.parent / STAGED
    for side in (*SIDES, "-journal"):
        Path(f"{fresh}{side}").unlink(missing_ok=True)
    for name in FILES:
        for file in (staged / name, staged / f"{name}.new"):
            file.unlink(missing_ok=True)
    for left in (staged / "tls", staged):
        with suppress(FileNotFoundError):
            left.rmdir()


def _put_identity(folder: Path, aside: Path, gives_way: list[str]) -> None:
    staged = folder / STAGED
    for name in FILES:
        target, old = folder / name, aside / name
        # What lies aside already has given way: what is in its place is the new one.
        if name in gives_way and target.exists() and not old.exists():
            old.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            target.rename(old)
            sync_folder(old.parent)
        if (staged / name).exists():
            target.parent.mkdir(exist_ok=True)
            (staged / name).rename(target)
            sync_folder(target.parent)
    for left in (staged / "tls", staged):
        with suppress(FileNotFoundError):
            left.rmdir()
    sync_folder(folder)
