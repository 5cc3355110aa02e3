"""How a command reaches a collector that runs: a socket in the data folder, for its owner only.

Exactly one process writes the database. A command that finds the folder's lock free takes it and
works by itself; one that finds it taken asks the running collector over this socket. One JSON line
each way; the password never crosses, only its hash.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from central.identity.creation import Made, Wanted
from protocols.errors import FengsuiError

LOCK: Final = "collector.lock"
SOCKET: Final = "control.sock"
LINE: Final = 64 * 1024
PATIENCE: Final = 10.0
"""Real seconds a running collector may take to answer."""


class FolderInUse(FengsuiError):
    """Another collector runs on this data folder."""

    code = "FOLDER_IN_USE"


class FolderUnusable(FengsuiError):
    """The data folder cannot be made or written."""

    code = "FOLDER_UNUSABLE"


class ControlSilent(FengsuiError):
    """The folder is in use but whoever uses it does not answer."""

    code = "CONTROL_SILENT"


@contextmanager
def holding(folder: Path) -> Iterator[None]:
    """Hold the folder for this process; the kernel lets go when we die.

    Raises FolderInUse or FolderUnusable.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise FolderUnusable(folder=str(folder), reason=exc.strerror or str(exc)) from exc
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise FolderInUse(folder=str(folder)) from exc
        yield
    finally:
        os.close(lock)


@asynccontextmanager
async def listening(
    folder: Path, create: Callable[[Wanted], Awaitable[Made]]
) -> AsyncIterator[None]:
    """Answer commands while the collector runs; only the folder's owner may connect."""
    path = folder / SOCKET
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        before = os.umask(0o177)
        try:
            with _short(folder) as short:
                listener.bind(f"{short}/{SOCKET}")
        finally:
            os.umask(before)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.closing(writer), contextlib.suppress(OSError, ValueError):
                async with asyncio.timeout(PATIENCE):
                    writer.write(_line(await _answer(await reader.readline(), create)))
                    await writer.drain()

        server = await asyncio.start_unix_server(serve, sock=listener, limit=LINE)
        try:
            yield
        finally:
            server.close()
            path.unlink(missing_ok=True)


def ask(folder: Path, wanted: Wanted) -> Made:
    """Ask the running collector. Raises ControlSilent, or what the collector refused with."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link, _short(folder) as short:
        link.settimeout(PATIENCE)
        try:
            link.connect(f"{short}/{SOCKET}")
            link.sendall(_line(asdict(wanted)))
            said = json.loads(link.makefile("rb").readline(LINE))
        except (OSError, ValueError) as exc:
            raise ControlSilent(folder=str(folder)) from exc
    if "code_refused" in said:
        raise FengsuiError(said["code_refused"], **said["params"])
    return Made(**said)


async def _answer(line: bytes, create: Callable[[Wanted], Awaitable[Made]]) -> dict[str, Any]:
    try:
        return asdict(await create(Wanted(**json.loads(line))))
    except TypeError:  # keys of another version
        return {"code_refused": "CONTROL_UNKNOWN", "params": {}}
    except FengsuiError as exc:
        return {"code_refused": exc.code, "params": exc.params}


def _line(said: dict[str, Any]) -> bytes:
    return json.dumps(said).encode() + b"\n"


@contextmanager
def _short(folder: Path) -> Iterator[str]:
    """Name `folder` in few bytes: a socket's address holds 107, the folder's path may be longer."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{handle}"
    finally:
        os.close(handle)
