"""The local pages: few, bounded, on loopback and on a socket in a folder however deep."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from edge.local_http import CALLERS, LocalPages, ask, modules
from protocols.errors import BufferFault, FengsuiError
from tests.edge.waiting import eventually


async def page() -> dict[str, str]:
    return {"液位": "12.5"}


@pytest.fixture
async def pages() -> AsyncIterator[LocalPages]:
    made = LocalPages({"/health": page, "/modules": modules})
    yield made
    await made.close()


async def raw(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    if not request.endswith(b"\n"):
        writer.write_eof()
    reply = await reader.read()
    writer.close()
    return reply


async def test_pages_are_json(pages: LocalPages) -> None:
    port = await pages.listen("127.0.0.1", 0)
    reply = await raw(port, b"GET /health?x=1 HTTP/1.1\r\n\r\n")
    head, _, body = reply.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 200")
    assert json.loads(body) == {"液位": "12.5"}


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /nothing HTTP/1.1\r\n", b"404"),
        (b"POST /health HTTP/1.1\r\n", b"405"),
        (b"\xff\xfe\r\n", b"405"),
        (b"", b"405"),
    ],
)
async def test_other_requests_are_refused(
    pages: LocalPages, request_: bytes, status: bytes
) -> None:
    port = await pages.listen("127.0.0.1", 0)
    assert (await raw(port, request_)).split(b" ")[1] == status


async def test_an_endless_line_is_cut_off(pages: LocalPages) -> None:
    port = await pages.listen("127.0.0.1", 0)
    with suppress(ConnectionError):
        assert await raw(port, b"GET /" + b"x" * 100_000 + b"\r\n") == b""
    assert b"200" in await raw(port, b"GET /health HTTP/1.0\r\n\r\n")


async def test_who_only_holds_connections_takes_no_more_than_a_few(pages: LocalPages) -> None:
    port = await pages.listen("127.0.0.1", 0)
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(CALLERS)]
    reader, late = await asyncio.open_connection("127.0.0.1", port)
    with suppress(ConnectionError):  # turned away, whatever it says
        assert await reader.read() == b""
    for _, writer in (*held, (reader, late)):
        writer.close()
    await eventually(lambda: answers(port))


async def answers(port: int) -> bool:
    with suppress(ConnectionError):
        return b"200" in await raw(port, b"GET /health HTTP/1.0\r\n\r\n")
    return False


async def test_the_socket_works_in_a_folder_too_deep_for_its_name(
    pages: LocalPages, tmp_path: Path
) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    await pages.listen_in(deep)
    assert await ask(deep, "/health") == {"液位": "12.5"}
    assert "json" in await ask(deep, "/modules")


async def test_a_page_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    async def broken() -> None:
        raise BufferFault("BUFFER_IO", file="alarm.db", reason="EIO")

    pages = LocalPages({"/buffer": broken})
    try:
        await pages.listen_in(tmp_path)
        with pytest.raises(FengsuiError) as caught:
            await ask(tmp_path, "/buffer")
        assert caught.value.code == "BUFFER_IO"
        assert caught.value.params == {"file": "alarm.db", "reason": "EIO"}
    finally:
        await pages.close()


async def test_nobody_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        await ask(tmp_path, "/health")


async def test_a_folder_that_was_deleted_and_made_again_gets_its_socket_back(
    pages: LocalPages, tmp_path: Path
) -> None:
    folder = tmp_path / "buffer"
    folder.mkdir()
    await pages.listen_in(folder)
    staying = asyncio.create_task(pages.stay_in(folder, look_every=0.01))
    shutil.rmtree(folder)
    folder.mkdir()
    await eventually(lambda: (folder / "gateway.sock").exists())
    assert await ask(folder, "/health") == {"液位": "12.5"}
    staying.cancel()
