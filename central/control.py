"""How a command reaches a collector that runs: a socket in the data folder, for its owner only.

Exactly one process writes the database. A command that finds the folder's lock free takes it and
works by itself; one that finds it taken asks the running collector over this socket. JSON lines:
`{act, with}` there; back any number of `{progress}`, then `{done}` or `{code_refused, params}`. A
password never crosses, only its hash.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

from protocols.errors import FengsuiError

LOCK: Final = "collector.lock"
SOCKET: Final = "control.sock"
LINE: Final = 64 * 1024
PATIENCE: Final = 10.0
"""Real seconds a running collector may take to answer, or to say how far it is."""

Told = dict[str, Any]
Say = Callable[[Told], Awaitable[None]]
Act = Callable[[Mapping[str, Any], Say], Awaitable[Told]]
"""Does what a command asks for and returns what came of it; `Say` tells how far it is.

An act that takes longer than PATIENCE has to say something meanwhile. Raises FengsuiError.
"""


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
async def listening(folder: Path, acts: Mapping[str, Act]) -> AsyncIterator[None]:
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
                await _serve(reader, writer, acts)

        server = await asyncio.start_unix_server(serve, sock=listener, limit=LINE)
        try:
            yield
        finally:
            server.close()
            path.unlink(missing_ok=True)


def ask(
    folder: Path, act: str, wanted: Mapping[str, Any], told: Callable[[Told], None] | None = None
) -> Told:
    """Ask the running collector; `told` hears how far it is.

    Raises ControlSilent, or what the collector refused with.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link, _short(folder) as short:
        link.settimeout(PATIENCE)
        try:
            link.connect(f"{short}/{SOCKET}")
            link.sendall(_line({"act": act, "with": dict(wanted)}))
            said = _heard(link, told)
        except (OSError, ValueError, KeyError) as exc:
            raise ControlSilent(folder=str(folder)) from exc
    if "code_refused" in said:
        raise FengsuiError(said["code_refused"], **said["params"])
    done: Told = said["done"]
    return done


def _heard(link: socket.socket, told: Callable[[Told], None] | None) -> Told:
    with link.makefile("rb") as lines:
        while True:
            said: Told = json.loads(lines.readline(LINE))
            if "progress" not in said:
                return said
            if told is not None:
                told(said["progress"])


async def _serve(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, acts: Mapping[str, Act]
) -> None:
    async def send(said: Told) -> None:
        writer.write(_line(said))
        async with asyncio.timeout(PATIENCE):
            await writer.drain()

    async with asyncio.timeout(PATIENCE):
        line = await reader.readline()
    await send(await _answer(line, acts, lambda progress: send({"progress": progress})))


async def _answer(line: bytes, acts: Mapping[str, Act], say: Say) -> Told:
    asked = json.loads(line)
    act = acts.get(asked.get("act", "")) if isinstance(asked, dict) else None
    if act is None:  # a command of another version
        return {"code_refused": "CONTROL_UNKNOWN", "params": {}}
    try:
        return {"done": await act(asked["with"], say)}
    except (TypeError, KeyError):  # keys of another version
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
