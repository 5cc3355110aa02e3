"""The small file beside each backup: what it is a copy of, when, and its SHA-256.

`collector-20260612T140000Z.db` has `collector-20260612T140000Z.json` next to it, and `….identity`
with the collector's own files (central/backup/identity.py). In its place an incremental one has
`….blocks`, a list of blocks that it shares with others (central/backup/blocks.py). Either under its
final name was verified and has its manifest; what was being made or deleted when the power failed
ends in `.tmp`.
"""

import errno
import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from central.backup import blocks, identity
from central.backup.blocks import BlockUnusable
from protocols.errors import FengsuiError
from protocols.wire.bounds import TIME

FORMAT: Final = 3
"""Format 1, of older versions, says nothing of the identity: there was none. Up to format 2 every
backup is a whole file."""
TMP: Final = ".tmp"
LOCK: Final = "backup.lock"
"""Held by whoever makes a backup: several collectors may share the folder."""
NAME: Final = re.compile(r"collector-\d{8}T\d{6}Z(-\d+)?\.(db|blocks)")
FULL: Final = "full"
INCREMENTAL: Final = "incremental"
SUFFIXES: Final = {FULL: ".db", INCREMENTAL: blocks.SUFFIX}
_BYTES: Final = 64 * 1024
_SINCE_3: Final = ("file_bytes", "written")


class FolderBusy(FengsuiError):
    """Another collector is making its backup in this folder."""

    code = "BACKUP_BUSY"


class BackupUnusable(FengsuiError):
    """A backup that is not what it should be; `reason` in the words of who found it."""

    code = "BACKUP_UNUSABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupManifest:
    """`time` (µs UTC) is that of the snapshot; `lineage` tells one collector from another.

    `bytes` are those of the database, `sha256` is that of `file`: of the database, or of the list
    of blocks. `written`: bytes it added to the folder; None where an older version did not say.
    `identity` is one of `central.backup.identity.STATES`, with digest and bytes of its file.
    """

    file: str
    time: int
    bytes: int
    sha256: str
    incarnation: str
    lineage: str
    streams: int
    identity: str = identity.MISSING
    identity_sha256: str = ""
    identity_bytes: int = 0
    file_bytes: int = 0
    written: int | None = None
    format: int = FORMAT

    @property
    def size(self) -> int:
        """Bytes of `file`."""
        return self.file_bytes or self.bytes


def beside(file: Path) -> Path:
    """Return where the manifest of a backup is."""
    return file.with_suffix(".json")


def name_at(folder: Path, time: int, form: str = FULL) -> str:
    """Return a name for a backup taken at `time` (µs UTC) that is not there yet, in no form."""
    moment = datetime.fromtimestamp(time // 1_000_000, UTC).strftime("%Y%m%dT%H%M%SZ")
    names = [f"collector-{moment}", *(f"collector-{moment}-{n}" for n in range(2, 1_000))]
    kinds = tuple(SUFFIXES.values())
    free = (name for name in names if not any((folder / (name + kind)).exists() for kind in kinds))
    return next(free) + SUFFIXES[form]


def write(folder: Path, manifest: BackupManifest) -> None:
    """Write the manifest durably. Raises OSError."""
    path = beside(folder / manifest.file)
    partial = path.with_name(path.name + TMP)
    with partial.open("w", encoding="utf-8") as out:
        json.dump(asdict(manifest), out, indent=1)
        out.write("\n")
        out.flush()
        os.fsync(out.fileno())
    partial.replace(path)


def read(file: Path) -> BackupManifest:
    """Return the manifest of the backup `file`. Raises BackupUnusable."""
    try:
        with beside(file).open("rb") as source:
            data = json.loads(source.read(_BYTES))
    except (OSError, ValueError, RecursionError) as exc:
        raise BackupUnusable(file=str(file), reason=f"{beside(file).name}: {exc}") from exc
    if not _fits(data) or data["file"] != file.name:
        raise BackupUnusable(file=str(file), reason=f"{beside(file).name} is not its manifest")
    return BackupManifest(**data)


def listing(
    folder: Path, lineage: str | None = None, now: int | None = None
) -> list[BackupManifest]:
    """Return the backups that are there whole in size, newest first; others are passed over.

    What is of a time after `now` was made before the clock went back: it comes last.
    """
    found: list[BackupManifest] = []
    for file in _backups(folder):
        with suppress(BackupUnusable, OSError):
            manifest = read(file)
            if file.stat().st_size == manifest.size and lineage in (None, manifest.lineage):
                found.append(manifest)
    return sorted(
        found, key=lambda each: (now is None or each.time <= now, each.time), reverse=True
    )


def remove(file: Path) -> None:
    """Delete a backup; its blocks are swept by themselves. Raises OSError.

    First it gets a name that is none: what stops this leaves nothing a later one does not clear.
    """
    gone = file.with_name(file.name + TMP)
    with suppress(FileNotFoundError):
        file.replace(gone)
    for each in (beside(file), identity.beside(file), gone):
        each.unlink(missing_ok=True)


def sweep(folder: Path, lineage: str) -> int:
    """Delete the blocks of a collector that no backup names; return how many. Raises OSError.

    Nothing is deleted while a listed backup's own list cannot be read. The caller holds the folder.
    """
    target = blocks.BlockFolder(folder, lineage)
    if not target.root.is_dir():
        return 0
    named: set[str] = set()
    listed = {each.file for each in listing(folder)}
    for file in _backups(folder):
        if file.suffix != blocks.SUFFIX:
            continue
        try:
            found = blocks.read(file)
        except BlockUnusable as exc:
            if file.name in listed:
                raise OSError(errno.EIO, str(exc.params["reason"]), str(file)) from exc
            continue
        if found.lineage == lineage:
            named.update(found.names)
    sync_folder(folder)  # a list that is gone stays gone, whatever happens to its blocks
    return target.sweep(named)


def has_identity(folder: Path, manifest: BackupManifest) -> bool:
    """Return whether the backup's identity is there, whole in size."""
    if manifest.identity != identity.INCLUDED:
        return False
    with suppress(OSError):
        return identity.beside(folder / manifest.file).stat().st_size == manifest.identity_bytes
    return False


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the folder while a backup is made in it. Raises FolderBusy."""
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise FolderBusy(folder=str(folder)) from exc
        except OSError:
            pass  # a network folder without locks: names are looked at before they are taken
        yield
    finally:
        os.close(lock)


def untouched(folder: Path) -> bool:
    """Return whether no backup was ever made in the folder as it is mounted now."""
    return not (folder / LOCK).exists() and not any(_backups(folder))


def clear_partial(folder: Path) -> None:
    """Delete what an interrupted backup left. Raises OSError."""
    kinds = (*SUFFIXES.values(), ".json", identity.SUFFIX)
    for partial in [each for kind in kinds for each in folder.glob(f"collector-*{kind}{TMP}")]:
        stem = partial.name.split(".")[0]
        files = [folder / f"{stem}{kind}" for kind in SUFFIXES.values()]
        if NAME.fullmatch(files[0].name) is not None:
            if not any(file.exists() for file in files):
                remove(files[0])
            partial.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make renames and deletions in `folder` durable. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _backups(folder: Path) -> list[Path]:
    found = folder.glob("collector-*") if folder.is_dir() else ()
    return [file for file in found if NAME.fullmatch(file.name) is not None]


def _fits(data: Any) -> bool:
    if not isinstance(data, dict) or data.get("format") not in (1, 2, FORMAT):
        return False
    known = {field.name: field.type for field in fields(BackupManifest)}
    known["written"] = type(data.get("written"))
    if data["format"] < FORMAT:
        known = {name: kind for name, kind in known.items() if name not in _SINCE_3}
    if data["format"] == 1:
        known = {name: kind for name, kind in known.items() if not name.startswith("identity")}
    return (
        data.keys() == known.keys()
        and all(type(data[name]) is kind for name, kind in known.items())
        and isinstance(data.get("written"), int | None)
        and 0 <= data["time"] <= TIME
        and data.get("identity", identity.MISSING) in identity.STATES
    )
