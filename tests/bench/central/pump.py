"""Sends requests that are ready, byte for byte, over kept HTTP/1.1 connections.

A connection sends its next request when it has the answer to the one before. A few µs a request,
so that the server is what is measured.
"""

import heapq
import select
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

BUFFER: Final = 1 << 22
READ: Final = 1 << 16
PATIENCE: Final = 60.0
OK: Final = (b"200", b"204")


class Refused(Exception):
    """An answer that was no 2xx."""


@dataclass(slots=True)
class Pumped:
    """What came of it: how many requests of each connection, and each answer's seconds."""

    done: list[int]
    took: float
    latencies: npt.NDArray[np.float64] = field(repr=False)
    cpu: float = 0.0
    """Seconds of processor time of the sender itself."""

    def milliseconds(self, share: float) -> float:
        """Return the latency that so large a share stays within."""
        if not len(self.latencies):
            return 0.0
        return round(float(np.quantile(self.latencies, share)) * 1e3, 2)


@dataclass(slots=True)
class _Line:
    requests: Sequence[bytes]
    due: Sequence[float] | None
    end: socket.socket
    at: int = 0
    since: float = 0.0
    busy: bool = False
    heard: bytes = b""

    def send(self, now: float) -> None:
        self.since = now
        self.busy = True
        self.end.sendall(self.requests[self.at])

    def hear(self) -> bool:
        """Take what came; return whether the answer is whole. Raises Refused, OSError."""
        came = self.end.recv(READ)
        if not came:
            raise ConnectionResetError
        self.heard = self.heard + came if self.heard else came
        end = self.heard.find(b"\r\n\r\n")
        if end < 0:
            return False
        status = self.heard[9:12]
        size = 0
        head = self.heard[:end].lower()
        if (found := head.find(b"content-length:")) >= 0:
            size = int(head[found + 15 :].split(b"\r\n", 1)[0])
        if len(self.heard) < end + 4 + size:
            return False
        if status not in OK:
            raise Refused(self.heard[:1_000].decode("latin-1"))
        self.heard, self.busy = b"", False
        self.at += 1
        return True


def pump(
    port: int,
    lines: Sequence[Sequence[bytes]],
    *,
    seconds: float = PATIENCE,
    due: Sequence[Sequence[float]] | None = None,
) -> Pumped:
    """Send `lines`, each over its own connection, for at most so many seconds.

    `due`: when each is to be sent, in seconds from the beginning; else at once. What is late as its
    connection still waited counts from when it was due. Where the server goes away it ends with
    what was answered until then. Raises Refused, OSError.
    """
    made = [_Line(requests, None if due is None else due[n], _connect(port))
            for n, requests in enumerate(lines)]  # fmt: skip
    run = _Run(made, seconds)
    cpu = time.process_time()
    try:
        run.until_over()
    except (ConnectionResetError, BrokenPipeError):
        pass
    finally:
        took, cpu = time.monotonic() - run.began, time.process_time() - cpu
        run.close()
    return Pumped([line.at for line in made], took, np.array(run.latencies), cpu)


class _Run:
    """All connections at once, by what the system says of them."""

    def __init__(self, lines: Sequence[_Line], seconds: float) -> None:
        self._lines = {line.end.fileno(): line for line in lines}
        self._poll = select.epoll()
        for number in self._lines:
            self._poll.register(number, select.EPOLLIN)
        self.latencies: list[float] = []
        self.began = time.monotonic()
        self._until = self.began + seconds
        self._waiting: list[tuple[float, int, bool]] = []

    def until_over(self) -> None:
        """Send and hear until everything is answered or the time is over."""
        for number, line in self._lines.items():
            if line.requests:
                self._next(line, number)
        while self._waiting or any(line.busy for line in self._lines.values()):
            self._send_due()
            for number, _ in self._poll.poll(self._pause()):
                line = self._lines[number]
                if line.hear():
                    now = time.monotonic()
                    self.latencies.append(now - line.since)
                    if line.at < len(line.requests) and now <= self._until:
                        self._next(line, number)

    def close(self) -> None:
        for line in self._lines.values():
            line.end.close()
        self._poll.close()

    def _next(self, line: _Line, number: int) -> None:
        now = time.monotonic()
        if line.due is None:
            line.send(now)
        else:
            due = line.due[line.at]
            heapq.heappush(self._waiting, (due, number, due < now - self.began))

    def _pause(self) -> float:
        if not self._waiting:
            return PATIENCE
        return max(0.0, self._waiting[0][0] - (time.monotonic() - self.began))

    def _send_due(self) -> None:
        now = time.monotonic()
        while self._waiting and (now > self._until or self._waiting[0][0] <= now - self.began):
            due, number, late = heapq.heappop(self._waiting)
            if now <= self._until:
                self._lines[number].send(self.began + due if late else now)


def _connect(port: int) -> socket.socket:
    end = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
    return end
