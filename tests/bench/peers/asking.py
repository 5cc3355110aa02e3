"""Questions over one kept HTTP connection, timed on this side.

Answers are parsed by llhttp, as a browser's are by its own parser: the standard library's client
takes a quarter of a millisecond, and more for each header, which is none of a server's time.
"""

import json
import socket
import statistics
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

import httptools

TIMES = 21
"""How often a question is asked; the median counts."""
LONGEST = 4.0
"""Seconds after which one is not asked again."""
PATIENCE: Final = 60.0
PIECE: Final = 1 << 18


class Asking:
    """Asks a server on loopback."""

    def __init__(self, port: int, fields: dict[str, str] | None = None) -> None:
        self._port = port
        self._line: socket.socket | None = None
        # As every program's: compressed only for who says that it can read that.
        said = {"Host": f"127.0.0.1:{port}", "Accept-Encoding": "identity", **(fields or {})}
        self._fields = "".join(f"{name}: {value}\r\n" for name, value in said.items())

    def get(self, path: str, **asked: Any) -> bytes:
        """Return the body of a 2xx. Raises OSError for all else."""
        target = f"{path}?{urlencode(asked, doseq=True)}" if asked else path
        return self._answered("GET", target, b"")

    def post(self, path: str, asked: Any) -> bytes:
        """Return the body of a 2xx. Raises OSError for all else."""
        return self._answered("POST", path, json.dumps(asked).encode())

    def _answered(self, method: str, target: str, body: bytes) -> bytes:
        size = f"Content-Length: {len(body)}\r\n" if body else ""
        head = f"{method} {target} HTTP/1.1\r\n{self._fields}{size}\r\n"
        line = self._line = self._line or self._opened()
        line.sendall(head.encode() + body)
        answer = _Answer()
        try:
            while not answer.whole:
                answer.take(line.recv(PIECE))
        except (OSError, httptools.HttpParserError) as exc:
            self.close()
            raise OSError(f"{target}: {exc!r}") from exc
        if not answer.stays:
            self.close()
        if answer.status >= 300:
            raise OSError(f"{target}: {answer.status} {answer.content[:300]!r}")
        return answer.content

    def json(self, path: str, **asked: Any) -> Any:
        """Return what a JSON answer says."""
        return json.loads(self.get(path, **asked))

    def milliseconds(self, path: str, **asked: Any) -> float:
        """Return the median of asking a few times."""
        return milliseconds(lambda: self.get(path, **asked))

    def close(self) -> None:
        """Let go of the connection."""
        line, self._line = self._line, None
        if line is not None:
            line.close()

    def _opened(self) -> socket.socket:
        line = socket.create_connection(("127.0.0.1", self._port), PATIENCE)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return line


class _Answer:
    """One answer as it comes; its body by length or in chunks."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._pieces: list[bytes] = []
        self.whole = self.stays = False
        self.status = 0

    @property
    def content(self) -> bytes:
        return b"".join(self._pieces)

    def take(self, piece: bytes) -> None:
        if not piece:
            raise OSError("cut off")
        self._parser.feed_data(piece)

    # What the parser calls

    def on_body(self, body: bytes) -> None:
        self._pieces.append(body)

    def on_message_complete(self) -> None:
        self.whole = True
        self.status = self._parser.get_status_code()
        self.stays = self._parser.should_keep_alive()


def milliseconds(ask: Callable[[], object]) -> float:
    """Return the median of a few times, the first left out unless it takes long."""
    took: list[float] = []
    began = time.monotonic()
    while len(took) <= TIMES and (not took or time.monotonic() - began < LONGEST):
        start = time.perf_counter()
        ask()
        took.append((time.perf_counter() - start) * 1e3)
    return round(statistics.median(took[1:] or took), 3)
