"""What the demo and the tests ask of a collector: it waits when it is told to, and checks whom it
asks."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from central.tls.authority import Authority
from protocols.clock import SystemClock
from protocols.simulators.collector_door import CollectorDoor, DoorClosed


class Crowded(BaseHTTPRequestHandler):
    """Answers the first question of each path with 429."""

    protocol_version = "HTTP/1.1"
    asked: list[str]
    connected: list[object]

    def setup(self) -> None:
        super().setup()
        self.connected.append(self.client_address)

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append(self.path)
        first = self.asked.count(self.path) == 1
        body = b'{"code": "LOGIN_LOCKED"}' if first else b'{"here": true}'
        self.send_response(429 if first else 200)
        if first:
            self.send_header("Retry-After", "900" if self.path == "/locked" else "1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def serving(handler: type[Crowded], tls: ssl.SSLContext | None = None) -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def crowded() -> type[Crowded]:
    return type("Asked", (Crowded,), {"asked": [], "connected": []})


@pytest.fixture
def asked(crowded: type[Crowded]) -> list[str]:
    return crowded.asked


@pytest.fixture
def door(crowded: type[Crowded]) -> Iterator[CollectorDoor]:
    with serving(crowded) as port:
        yield CollectorDoor("127.0.0.1", port)


def test_it_asks_again_when_told_to_wait_a_moment(door, asked):
    assert door.ask("GET", "/points") == {"here": True}
    assert asked == ["/points", "/points"]


def test_it_does_not_wait_out_a_lockout(door, asked):
    with pytest.raises(DoorClosed) as caught:
        door.ask("GET", "/locked")
    assert caught.value.params["status"] == 429
    assert asked == ["/locked"]


def test_many_questions_go_over_one_connection(door, crowded):
    crowded.asked.append("/points")
    with door.kept() as kept:
        assert [kept.ask("GET", "/points") for _ in range(3)] == [{"here": True}] * 3
    assert len(crowded.connected) == 1


def test_it_speaks_with_a_collector_of_its_ca_alone(crowded, tmp_path):
    ours, other = (Authority(tmp_path / name, "ab" * 8, ["127.0.0.1"]) for name in ("a", "b"))
    for each in (ours, other):
        each.tend(SystemClock().now(), sure=True)
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.load_cert_chain(ours.server_file)
    crowded.asked.append("/points")
    with serving(crowded, shown) as port:
        asking = CollectorDoor("127.0.0.1", port, ours.folder / "ca.crt")
        assert asking.ask("GET", "/points") == {"here": True}
        with pytest.raises(ssl.SSLCertVerificationError):
            CollectorDoor("127.0.0.1", port, other.folder / "ca.crt").ask("GET", "/points")
        with pytest.raises(FileNotFoundError):
            CollectorDoor("127.0.0.1", port, tmp_path / "none").ask("GET", "/points")
