"""The connection: kept, made anew when it turns out dead, through a proxy, within bounds."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from edge.config import CollectorLink
from edge.exchange import Exchange
from edge.secrets import Token
from edge.uplink_http import ANSWER_BYTES, Connection, seconds
from protocols.clock import SystemClock
from protocols.errors import UplinkRefused, UplinkUnavailable
from protocols.owner_thread import OwnerThread
from tests.edge.buffer_suite import ORIGIN
from tests.edge.fake_buffer import FakeBuffer, Medium


class Scripted:
    """Answers each request of each connection with the next of `replies`; None: hang up."""

    def __init__(self, replies: list[bytes | None]) -> None:
        self.replies = replies
        self.requests: list[bytes] = []
        self.connections = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while self.replies:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                while self.replies and self._answer(connection):
                    continue

    def _answer(self, connection: socket.socket) -> bool:
        data = b""
        while b"\r\n\r\n" not in data or not data.endswith(b"body"):
            more = connection.recv(65536)
            if not more:
                return False
            data += more
        self.requests.append(data)
        reply = self.replies.pop(0)
        if reply is None:
            return False
        connection.sendall(reply)
        return b"Connection: close" not in reply

    def close(self) -> None:
        self._socket.close()


def ok(body: bytes = b"{}", extra: bytes = b"") -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n" % (len(body), extra) + body


@pytest.fixture
def servers() -> Iterator[list[Scripted]]:
    made: list[Scripted] = []
    yield made
    for server in made:
        server.close()


def link(folder: Path, port: int, **changes: object) -> CollectorLink:
    (folder / "token").write_text("secret")
    made = CollectorLink(
        url=f"http://127.0.0.1:{port}/sub", token_file=folder / "token", timeout=5.0
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_the_connection_is_kept_and_the_path_is_below_the_url(
    tmp_path: Path, servers: list[Scripted]
) -> None:
    servers.append(server := Scripted([ok(), ok()]))
    connection = Connection(link(tmp_path, server.port), "test")
    for _ in range(2):
        assert connection.request("POST", "health", b"body").status == 200
    assert server.connections == 1
    assert server.requests[0].startswith(b"POST /sub/api/v1/ingest/health HTTP/1.1")
    assert b"Authorization: Bearer secret" in server.requests[0]
    connection.close()


def test_a_dead_kept_connection_is_replaced_once(tmp_path: Path, servers: list[Scripted]) -> None:
    servers.append(server := Scripted([ok(), None, ok(b"again")]))
    connection = Connection(link(tmp_path, server.port), "test")
    connection.request("POST", "health", b"body")
    assert connection.request("POST", "health", b"body").body == b"again"
    connection.close()


def test_a_fresh_connection_that_is_hung_up_is_unavailable(
    tmp_path: Path, servers: list[Scripted]
) -> None:
    servers.append(server := Scripted([None]))
    with pytest.raises(UplinkUnavailable):
        Connection(link(tmp_path, server.port), "test").request("POST", "health", b"body")


def test_nobody_there_is_unavailable(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(UplinkUnavailable) as caught:
        Connection(link(tmp_path, port), "test").request("POST", "health", b"body")
    assert "secret" not in str(caught.value)


def test_through_a_proxy_the_whole_address_is_asked_for(
    tmp_path: Path, servers: list[Scripted]
) -> None:
    servers.append(server := Scripted([ok()]))
    proxied = link(tmp_path, 9, proxy=f"http://127.0.0.1:{server.port}")
    connection = Connection(proxied, "test")
    assert connection.request("POST", "health", b"body").status == 200
    assert server.requests[0].startswith(b"POST http://127.0.0.1:9/sub/api/v1/ingest/health ")
    connection.close()


def test_an_endless_answer_is_cut_and_the_connection_given_up(
    tmp_path: Path, servers: list[Scripted]
) -> None:
    servers.append(server := Scripted([ok(b"x" * (ANSWER_BYTES + 10)), ok()]))
    connection = Connection(link(tmp_path, server.port), "test")
    assert len(connection.request("POST", "health", b"body").body) == ANSWER_BYTES
    assert connection.request("POST", "health", b"body").body == b"{}"
    assert server.connections == 2
    connection.close()


async def test_an_answer_that_trickles_is_broken_off(tmp_path: Path) -> None:
    over = threading.Event()

    def trickle() -> None:
        connection, _ = listening.accept()
        with connection, suppress(OSError):
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
            while not over.wait(0.05):
                connection.sendall(b".")

    listening = socket.create_server(("127.0.0.1", 0))
    server = threading.Thread(target=trickle, daemon=True)
    server.start()
    port = int(listening.getsockname()[1])
    connection = Connection(link(tmp_path, port, timeout=0.2), "test")
    exchange = Exchange(
        connection, OwnerThread("t"), FakeBuffer(Medium(), ORIGIN), SystemClock(), "00" * 16
    )  # type: ignore[arg-type]
    try:
        async with asyncio.timeout(60):
            with pytest.raises(UplinkUnavailable) as caught:
                await exchange.post_health(b"body")
        assert caught.value.code == "UPLINK_SLOW"
    finally:
        over.set()
        await exchange.close()
        listening.close()
        server.join(5)


def test_a_redirect_is_not_followed(tmp_path: Path, servers: list[Scripted]) -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"
    servers.append(server := Scripted([moved]))
    connection = Connection(link(tmp_path, server.port), "test")
    assert connection.request("POST", "health", b"body").status == 302
    connection.close()


@pytest.mark.parametrize(
    ("field", "expected"),
    [(None, None), ("3", 3.0), (" 7 ", 7.0), ("99999999", 3600.0), ("-1", None),
     ("Wed, 21 Oct 2026 07:28:00 GMT", None)],
)  # fmt: skip
def test_retry_after(field: str | None, expected: float | None) -> None:
    assert seconds(field) == expected


def test_a_token_is_never_shown(tmp_path: Path) -> None:
    token = Token(tmp_path / "token")
    with pytest.raises(UplinkRefused):
        token.read()
    (tmp_path / "token").write_text("secret\n")
    assert token.read() == "secret"
    assert "secret" not in repr(token)
