"""What the demo and the tests ask of a collector: it waits when it is told to."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from protocols.simulators.collector_door import CollectorDoor, DoorClosed


class Crowded(BaseHTTPRequestHandler):
    """Answers the first question of each path with 429."""

    asked: list[str]

    def do_GET(self) -> None:
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


@pytest.fixture
def asked() -> list[str]:
    return []


@pytest.fixture
def door(asked: list[str]) -> Iterator[CollectorDoor]:
    handler = type("Asked", (Crowded,), {"asked": asked})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield CollectorDoor("127.0.0.1", server.server_port)
        server.shutdown()
        thread.join()


def test_it_asks_again_when_told_to_wait_a_moment(door, asked):
    assert door.ask("GET", "/points") == {"here": True}
    assert asked == ["/points", "/points"]


def test_it_does_not_wait_out_a_lockout(door, asked):
    with pytest.raises(DoorClosed) as caught:
        door.ask("GET", "/locked")
    assert caught.value.params["status"] == 429
    assert asked == ["/locked"]
