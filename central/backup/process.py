"""Runs `central.backup.child` and ends it when it hangs or when we are told to stop."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from central.backup.manifest import FULL, BackupManifest
from protocols.errors import FengsuiError
from protocols.words import Value

SILENCE: Final = 300.0
"""Real seconds without a word after which the copying process is ended: its disk hangs."""
GOODBYE: Final = 30.0
LINE: Final = 1 << 20

Say = Callable[[str, int, int], None]


class BackupFailed(FengsuiError):
    """No backup was made; `cause` is the code of why, the other parameters fill its sentence."""

    code = "BACKUP_FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to copy where; `covering` is the file that covers what is safe, with its digest.

    `create`: the folder may be made. One that held backups and is missing is an unmounted disk.
    `begin`: it may be empty. One that held backups most likely is where a disk was mounted.
    `identity`: the collector's own files go with it. `form`: a whole file, or blocks.
    """

    source: Path
    folder: Path
    time: int
    create: bool
    begin: bool
    identity: bool
    form: str = FULL
    covering: Path | None = None
    sha256: str = ""
    identity_sha256: str = ""


class Failure(NamedTuple):
    """Why there is no backup: a code of the catalogue and what fills its sentence."""

    code: str
    params: Mapping[str, Value]


@dataclass(slots=True)
class Outcome:
    """A verified backup, or why there is none.

    `covering` is ok, gone or damaged (None: not looked at).
    `no_identity` says what kept the collector's own files from being written with it.
    """

    manifest: BackupManifest | None = None
    cursors: list[tuple[int, int]] = field(default_factory=list)
    covering: str | None = None
    failure: Failure | None = None
    no_identity: str = ""


async def run(job: Job, progress: Say) -> Outcome:
    """Make one backup; whatever goes wrong is told in the outcome."""
    outcome = Outcome()
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "central.backup.child"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LINE,
            start_new_session=True,
        )
    except OSError as exc:
        outcome.failure = _unreadable(exc)
        return outcome
    try:
        await _listen(process, job, progress, outcome)
        # It has said all: it ends by itself, and is not signalled while it is being waited for.
        async with asyncio.timeout(GOODBYE):
            await process.wait()
    except TimeoutError:
        where = str(job.folder)
        outcome.failure = Failure("BACKUP_STUCK", {"folder": where, "seconds": round(SILENCE)})
    except (OSError, ValueError) as exc:
        outcome.failure = _unreadable(exc)
    finally:
        if process.returncode is None:
            await _end(process)
    if outcome.manifest is None and not outcome.failure:
        outcome.failure = Failure("BACKUP_ENDED", {"status": process.returncode})
    return outcome


async def _end(process: asyncio.subprocess.Process) -> None:
    """End it; one that hangs in its disk ends when the disk comes back, and nobody waits for it."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1.0):
            await process.wait()


async def _listen(
    process: asyncio.subprocess.Process, job: Job, progress: Say, outcome: Outcome
) -> None:
    assert process.stdin is not None  # noqa: S101  # we asked for pipes
    assert process.stdout is not None  # noqa: S101
    asked = {
        "source": str(job.source.resolve()),
        "folder": str(job.folder.resolve()),
        "time": job.time,
        "create": job.create,
        "begin": job.begin,
        "covering": None if job.covering is None else str(job.covering),
        "sha256": job.sha256,
        "identity": job.identity,
        "form": job.form,
        "identity_sha256": job.identity_sha256,
    }
    process.stdin.write(json.dumps(asked).encode() + b"\n")
    await process.stdin.drain()
    while True:
        async with asyncio.timeout(SILENCE):
            line = await process.stdout.readline()
        if not line:
            return
        _take(json.loads(line), progress, outcome)


def _take(told: dict[str, Any], progress: Say, outcome: Outcome) -> None:
    if "progress" in told:
        progress(*told["progress"])
    elif "covering" in told:
        outcome.covering = told["covering"]
    elif "identity" in told:
        outcome.no_identity = told["identity"]
    elif "cursors" in told:
        outcome.cursors += [(number, cursor) for number, cursor in told["cursors"]]
    elif "done" in told:
        outcome.manifest = BackupManifest(**told["done"])
    elif "failed" in told:
        outcome.failure = Failure(**told["failed"])


def _unreadable(exc: Exception) -> Failure:
    return Failure("BACKUP_IO", {"reason": str(exc) or type(exc).__name__})
