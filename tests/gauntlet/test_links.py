"""Each kind of failing line does to real bytes what it says, and is whole again afterwards."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from tests.gauntlet.links import GARBLED, OPEN, SPOILT, TRICKLE, Links
from tests.gauntlet.processes import quiet_port

PATIENCE = 10.0
SOON = 0.3
"""Seconds in which nothing must come where nothing can."""


class Far:
    """The other end: answers every line in capitals, and remembers what arrived."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(near,), daemon=True).start()

    def _answer(self, near: socket.socket) -> None:
        with near:
            try:
                while data := near.recv(4096):
                    self.heard += data
                    near.sendall(data.upper())
            except OSError:
                return

    def close(self) -> None:
        self._server.close()


@contextmanager
def line() -> Iterator[tuple[Links, int, Far]]:
    with closing(Far()) as far, closing(Links()) as links:
        port = quiet_port()
        links.add(0, port, far.port)
        yield links, port, far


def talk(port: int) -> socket.socket:
    near = socket.create_connection(("127.0.0.1", port), PATIENCE)
    near.settimeout(PATIENCE)
    return near


def said(near: socket.socket, text: bytes) -> bytes:
    near.sendall(text)
    return heard(near, len(text))


def heard(near: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count and (more := near.recv(count - len(found))):
        found += more
    return found


def silent(near: socket.socket) -> bool:
    near.settimeout(SOON)
    try:
        near.recv(1)
    except TimeoutError:
        return True
    finally:
        near.settimeout(PATIENCE)
    return False


def test_a_whole_line_carries_both_ways() -> None:
    with line() as (_, port, _far), talk(port) as near:
        assert said(near, b"ping") == b"PING"


def test_refuse_resets_what_is_there_and_lets_nobody_in() -> None:
    with line() as (links, port, _far):
        with talk(port) as near:
            assert said(near, b"ping") == b"PING"
            links.set(0, "refuse")
            with pytest.raises(ConnectionResetError):
                near.recv(1)
        with pytest.raises(ConnectionRefusedError):
            talk(port)
        links.set(0, OPEN)
        with talk(port) as near:
            assert said(near, b"again") == b"AGAIN"


def test_half_open_keeps_the_connection_and_delivers_late() -> None:
    with line() as (links, port, far), talk(port) as near:
        assert said(near, b"ping") == b"PING"
        links.set(0, "half-open")
        near.sendall(b"late")
        assert silent(near)
        assert far.heard == b"ping"
        with talk(port) as other:
            other.sendall(b"x")
            assert silent(other)
            links.set(0, OPEN)
            assert heard(near, 4) == b"LATE"
            assert other.recv(1) == b"X"


def test_lost_answers_let_requests_through() -> None:
    with line() as (links, port, far), talk(port) as near:
        links.set(0, "lost-answers")
        near.sendall(b"request")
        assert silent(near)
        assert far.heard == b"request"
        links.set(0, OPEN)
        with pytest.raises(ConnectionResetError):
            near.recv(1)


def test_a_garbled_line_turns_single_bits_over() -> None:
    with line() as (links, port, far), talk(port) as near:
        links.set(0, GARBLED)
        spoilt = 0
        for _ in range(20 * SPOILT):
            near.sendall(b"\0")
            (byte,) = heard(near, 1)
            spoilt += byte != 0
        assert 0 < spoilt < 20 * SPOILT
        assert 0 < sum(byte != 0 for byte in far.heard) < len(far.heard) == 20 * SPOILT
        assert all(byte.bit_count() <= 1 for byte in far.heard)
        links.set(0, OPEN)
        assert said(near, b"ping") == b"PING"


def test_a_trickle_is_complete_and_slow() -> None:
    with line() as (links, port, _far), talk(port) as near:
        links.set(0, "trickle")
        text = b"a" * (3 * TRICKLE[0])
        assert said(near, text) == text.upper()
