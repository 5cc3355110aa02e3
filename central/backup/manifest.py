"""The small file beside each backup: what it is a copy of, when, and its SHA-256.

`collector-20260612T140000Z.db` has `collector-20260612T140000Z.json` next to it. A `.db` under its
final name was verified and has its manifest; what was being made when the power failed ends in
`.tmp`.
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

from protocols.errors import FengsuiError
from protocols.wire.bounds import TIME

FORMAT: Final = 1
TMP: Final = ".tmp"
LOCK: Final = "backup.lock"
"""Held by whoever makes a backup: several collectors may share the folder."""
NAME: Final = re.compile(r"collector-\d{8}T\d{6}Z(-\d+)?\.db")
_BYTES: Final = 64 * 1024


class BackupUnusable(FengsuiError):
    """A backup that is not what it should be; `reason` in the words of who found it."""

    code = "BACKUP_UNUSABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupManifest:
    """`time` (µs UTC) is that of the snapshot; `lineage` tells one collector from another."""

    file: str
    time: int
    bytes: int
    sha256: str
    incarnation: str
    lineage: str
    streams: int
    format: int = FORMAT


def beside(file: Path) -> Path:
    """Return where the manifest of a backup is."""
    return file.with_suffix(".json")


def name_at(folder: Path, time: int) -> str:
    """Return a name for a backup taken at `time` (µs UTC) that is not there yet."""
    moment = datetime.fromtimestamp(time // 1_000_000, UTC).strftime("%Y%m%dT%H%M%SZ")
    names = [f"collector-{moment}.db", *(f"collector-{moment}-{n}.db" for n in range(2, 1_000))]
    return next(name for name in names if not (folder / name).exists())


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
    for file in folder.glob("collector-*.db") if folder.is_dir() else ():
        if NAME.fullmatch(file.name) is None:
            continue
        with suppress(BackupUnusable, OSError):
            manifest = read(file)
            if file.stat().st_size == manifest.bytes and lineage in (None, manifest.lineage):
                found.append(manifest)
    return sorted(
        found, key=lambda each: (now is None or each.time <= now, each.time), reverse=True
    )


def remove(file: Path) -> None:
    """Delete a backup; without its manifest it is none any more. Raises OSError."""
    beside(file).unlink(missing_ok=True)
    file.unlink(missing_ok=True)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the folder while a backup is made in it. Raises OSError: another one is being made."""
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            reason = "another backup is being made here"
            raise OSError(errno.EBUSY, reason, str(folder)) from exc
        except OSError:
            pass  # a network folder without locks: names are looked at before they are taken
        yield
    finally:
        os.close(lock)


def untouched(folder: Path) -> bool:
    """Return whether no backup was ever made in the folder as it is mounted now."""
    return not (folder / LOCK).exists() and not any(folder.glob("collector-*.db"))


def clear_partial(folder: Path) -> None:
    """Delete what an interrupted backup left. Raises OSError."""
    for partial in (*folder.glob(f"collector-*.db{TMP}"), *folder.glob(f"collector-*.json{TMP}")):
        file = folder / f"{partial.name.split('.')[0]}.db"
        if NAME.fullmatch(file.name) is not None:
            if not file.exists():
                beside(file).unlink(missing_ok=True)
            partial.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make renames and deletions in `folder` durable. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _fits(data: Any) -> bool:
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        return False
    known = {field.name: field.type for field in fields(BackupManifest)}
    return (
        data.keys() == known.keys()
        and all(type(data[name]) is kind for name, kind in known.items())
        and 0 <= data["time"] <= TIME
    )
