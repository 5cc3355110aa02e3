"""Runs `central.export.child`: blocks in, the bytes of a file out, nothing left afterwards."""

import asyncio
import contextlib
import json
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from central.export.frames import Job, end, frame, job_line
from central.export.layout import Block
from protocols.errors import FengsuiError

PIECE: Final = 1 << 16
MOST_WORDS: Final = 1 << 14
FOLDER: Final = "exports"
MOST_BYTES: Final = 2 << 30
"""Of one file in the data folder while it is made."""
STREAMED: Final = frozenset({"csv"})
"""Formats that need no file in between."""

Give = Callable[[bytes], Awaitable[None]]


class ExportBroken(FengsuiError):
    """The file could not be made (a full disk, for one)."""

    code = "EXPORT_BROKEN"


def clear(data: Path) -> None:
    """Remove what a collector that was killed left behind."""
    shutil.rmtree(data / FOLDER, ignore_errors=True)


async def produce(job: Job, blocks: AsyncIterator[Block], data: Path, give: Give) -> None:
    """Make the file of `blocks` and give its bytes; whatever ends it, nothing stays in `data`.

    Blocks are asked for no faster than the bytes are taken. Raises ExportBroken, and what `blocks`
    and `give` raise.
    """
    if job.format in STREAMED:
        await _run(job, blocks, give)
        return
    folder = data / FOLDER
    try:
        await asyncio.to_thread(folder.mkdir, exist_ok=True)
        own = await asyncio.to_thread(tempfile.mkdtemp, dir=folder)
    except OSError as exc:
        raise ExportBroken(reason=exc.strerror or str(exc)) from exc
    try:
        await _run(replace(job, folder=own), blocks, give)
    finally:
        # Not awaited: whoever was cancelled has no time; of a few files it takes none.
        shutil.rmtree(own, ignore_errors=True)


async def _run(job: Job, blocks: AsyncIterator[Block], give: Give) -> None:
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "central.export.child"),
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            limit=PIECE,
            start_new_session=True,
        )
    except OSError as exc:
        raise ExportBroken(reason=exc.strerror or str(exc)) from exc
    try:
        words = await _exchange(process, job, blocks, give)
        if await process.wait():
            raise ExportBroken(reason=_reason(words) or f"ended with {process.returncode}")
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await asyncio.shield(process.wait())


async def _exchange(
    process: asyncio.subprocess.Process, job: Job, blocks: AsyncIterator[Block], give: Give
) -> bytes:
    assert process.stdout is not None  # noqa: S101  # we asked for pipes
    assert process.stderr is not None  # noqa: S101
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_feed(process, job, blocks))
            words = group.create_task(_all(process.stderr))
            while piece := await process.stdout.read(PIECE):
                await give(piece)
    except BaseExceptionGroup as found:
        raise found.exceptions[0] from None
    return words.result()


async def _feed(
    process: asyncio.subprocess.Process, job: Job, blocks: AsyncIterator[Block]
) -> None:
    assert process.stdin is not None  # noqa: S101
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it says itself why it ended
        process.stdin.write(job_line(job))
        async for block in blocks:
            if block.rows:
                process.stdin.write(frame(job, block))
                await process.stdin.drain()
        process.stdin.write(end())
        await process.stdin.drain()
        process.stdin.close()


async def _all(stream: asyncio.StreamReader) -> bytes:
    words = b""
    while piece := await stream.read(PIECE):
        words = (words + piece)[-MOST_WORDS:]
    return words


def _reason(words: bytes) -> str:
    """Return what it said last."""
    lines = words.decode(errors="replace").strip().splitlines()
    if not lines:
        return ""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return str(json.loads(lines[-1])["reason"])
    return lines[-1]
