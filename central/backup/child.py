"""`python -m central.backup.child`: one backup, in a process that can be ended at any moment.

A disk or a network folder that hangs holds only this process; the collector ends it and its
snapshot with it. Speaks JSON lines on standard output: `progress` [phase, done, total], `covering`
(whether the last backup is still sound), `identity` (why the collector's own files are not in it),
then `cursors` and `done`, or `failed` {code, params}.
Ends when its standard input does: its parent is gone.
"""

import contextlib
import json
import os
import sqlite3
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from central.backup import blocks, identity, incremental, manifest
from central.backup.blocks import BlockUnusable
from central.backup.copying import Contents, copy, covered, lineage, sha256_of, verify
from central.backup.identity import IdentityUnusable, Written
from central.backup.manifest import INCREMENTAL, BackupManifest, BackupUnusable
from protocols.clock import real_monotonic
from protocols.crash_points import CrashPoints
from protocols.errors import FengsuiError

EVERY: Final = 0.5
"""Real seconds between two lines of progress."""
GROUP: Final = 500
GENTLY: Final = 10


class NotMounted(FengsuiError):
    """The folder had backups and is empty: nothing is begun there by itself."""

    code = "BACKUP_NOT_MOUNTED"


class _Says:
    def __init__(self, crash: CrashPoints) -> None:
        self._said = 0.0
        self.crash = crash
        self.sound = set[str]()
        """Blocks that were read back whole."""

    def progress(self, phase: str, done: int, total: int) -> None:
        if real_monotonic() - self._said >= EVERY:
            self._said = real_monotonic()
            say(progress=[phase, done, total])


def say(**told: Any) -> None:
    """Write one line to the parent."""
    print(json.dumps(told), flush=True)


def main() -> int:
    """Make the backup that the first line of standard input asks for."""
    asked = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.nice(GENTLY)
    try:
        make(asked, _Says(CrashPoints(os.environ)))
    except BackupUnusable as exc:  # what was just made: there is nothing yet to use instead
        say(failed={"code": "BACKUP_UNSOUND", "params": {"reason": str(exc.params["reason"])}})
    except FengsuiError as exc:
        say(failed={"code": exc.code, "params": exc.params})
    except (OSError, sqlite3.Error) as exc:
        say(failed={"code": "BACKUP_IO", "params": {"reason": str(exc) or type(exc).__name__}})
    return 0


def make(asked: Mapping[str, Any], says: _Says) -> None:
    """Check the last one, copy, verify, give it its name. Raises what can go wrong on disks."""
    folder = Path(asked["folder"])
    covering = Path(asked["covering"]) if asked["covering"] is not None else None
    if asked["create"]:
        folder.mkdir(parents=True, exist_ok=True)
    if covering is not None:
        say(covering=_still_sound(covering, asked, says))
    if not asked["begin"] and manifest.untouched(folder):
        raise NotMounted(folder=str(folder))
    with manifest.alone(folder):
        file, done = _made(Path(asked["source"]), folder, asked, says)
    cursors = covered(file)
    for start in range(0, len(cursors), GROUP):
        say(cursors=cursors[start : start + GROUP])
    say(done=asdict(done))


@dataclass(frozen=True, slots=True)
class _Copied:
    """What a copy holds, its bytes, and what it added to the folder."""

    held: Contents
    bytes: int
    written: int


def _whole(source: Path, partial: Path, says: _Says) -> _Copied:
    copy(source, partial, says.progress)
    says.crash.reach("central.backup")
    size = partial.stat().st_size
    return _Copied(verify(partial, says.progress), size, size)


def _in_blocks(source: Path, partial: Path, says: _Says) -> _Copied:
    folder = partial.parent
    target, found = incremental.copy(source, folder, says.sound, says.progress, says.crash)
    blocks.write(partial, found)
    held = verify(partial, says.progress)
    return _Copied(held, found.bytes, target.written + partial.stat().st_size)


def _made(
    source: Path, folder: Path, asked: Mapping[str, Any], says: _Says
) -> tuple[Path, BackupManifest]:
    manifest.clear_partial(folder)
    name = manifest.name_at(folder, asked["time"], asked["form"])
    file, partial = folder / name, folder / (name + manifest.TMP)
    try:
        take = _in_blocks if asked["form"] == INCREMENTAL else _whole
        copied = take(source, partial, says)
        held, digest = copied.held, sha256_of(partial, says.progress)
        says.crash.reach("central.backup")
        own = _with_identity(source.parent, held.lineage, file, wanted=asked["identity"])
        done = BackupManifest(
            file=name,
            time=asked["time"],
            bytes=copied.bytes,
            sha256=digest,
            incarnation=held.incarnation,
            lineage=held.lineage,
            streams=held.streams,
            identity=own.state,
            identity_sha256=own.sha256,
            identity_bytes=own.bytes,
            file_bytes=partial.stat().st_size,
            written=copied.written,
        )
        manifest.write(folder, done)
        says.crash.reach("central.backup")
        partial.rename(file)
        says.crash.reach("central.backup")
        manifest.sync_folder(folder)
    except BaseException:
        # Without its database an identity is of no use, and it is a secret.
        for each in (partial, identity.beside(file)):
            each.unlink(missing_ok=True)
        _give_back(source, folder)
        raise
    return file, done


def _give_back(source: Path, folder: Path) -> None:
    """Delete the blocks of what came to nothing: a full disk would stay full by them."""
    with contextlib.suppress(sqlite3.Error, OSError, TypeError):
        manifest.sweep(folder, lineage(source))


def _with_identity(data: Path, lineage: str, file: Path, *, wanted: bool) -> Written:
    """Write the identity beside the backup; the backup counts also where that is not possible."""
    if not wanted:
        return Written(state=identity.LEFT_OUT)
    try:
        return identity.write(identity.read_own(data), lineage, file)
    except (OSError, IdentityUnusable) as exc:
        say(identity=str(exc.params["reason"]) if isinstance(exc, FengsuiError) else str(exc))
        identity.beside(file).unlink(missing_ok=True)
        return Written(state=identity.FAILED)


def _still_sound(file: Path, asked: Mapping[str, Any], says: _Says) -> str:
    digests = [] if blocks.is_list(file) else [(file, asked["sha256"])]
    if asked["identity_sha256"]:
        digests.append((identity.beside(file), asked["identity_sha256"]))
    try:
        if blocks.is_list(file):
            incremental.whole(file, asked["sha256"], says.sound, says.progress)
        sound = all(sha256_of(each, says.progress) == digest for each, digest in digests)
    except BlockUnusable:
        return "damaged"
    except OSError:
        return "gone"
    return "ok" if sound else "damaged"


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
