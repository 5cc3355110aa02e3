"""What a control room does while alarms come: one page on the live stream, one asking for lists."""

import contextlib
import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from protocols.clock import real_monotonic
from tests.bench.collector import CollectorProcess

LISTS = {
    "first": "",
    "red": "&level=red",
    "site": "&site=storm3",
    "unacknowledged": "&state=unacknowledged",
    "text": "&q=p77",
    "all": "&state=all",
}
"""Lists that are asked for each second, by name; `deep` is the next page of 500 of a long walk."""
EVERY = 1.0
PATIENCE = 30.0
"""Real seconds a stream may take to open."""


class Page:
    """Follows the live stream; `heard`: when (monotonic s) of each point's alarm."""

    def __init__(self) -> None:
        self.heard: dict[str, float] = {}
        self.looked: set[str] = set()
        """Points whose figures were taken."""
        self.pictured = False
        """Whether the stream has been answered."""
        self.times = 0
        self.cut = 0
        """How often the stream ended by itself."""
        self._over = threading.Event()
        self._came = threading.Condition()

    def wait_for(self, points: set[str], most: float) -> None:
        """Return when all of them were heard of, or after `most` real seconds."""
        with self._came:
            self._came.wait_for(lambda: points <= self.heard.keys(), most)

    @contextmanager
    def watching(self, collector: CollectorProcess) -> Iterator[None]:
        """Follow from here on; a stream that ends is opened again, as a page does."""
        follows = threading.Thread(target=self._follow, args=(collector,), daemon=True)
        follows.start()
        with self._came:
            assert self._came.wait_for(lambda: self.pictured, PATIENCE), "no live stream"
        try:
            yield
        finally:
            self._over.set()

    def _follow(self, collector: CollectorProcess) -> None:
        while not self._over.is_set():
            line = http.client.HTTPConnection("127.0.0.1", collector.port, timeout=30)
            with contextlib.suppress(OSError, http.client.HTTPException):
                line.request("GET", "/api/v1/stream", headers={"Cookie": collector.door._cookie})
                self._read(line.getresponse())
            line.close()
            self.cut += not self._over.is_set()

    def _read(self, stream: http.client.HTTPResponse) -> None:
        event = b""
        with self._came:
            self.pictured = True
            self._came.notify()
        while not self._over.is_set() and (line := stream.readline()):
            if line.startswith(b"event: "):
                event = line[7:].strip()
            elif event == b"alarm" and line.startswith(b"data: "):
                now, told = real_monotonic(), json.loads(line[6:])
                self.times += 1
                if told["state"] == "UNACK":
                    with self._came:
                        self.heard.setdefault(told["point"], now)
                        self._came.notify()


class Asker:
    """Asks for every list each second: how long (s) each took, by name."""

    def __init__(self) -> None:
        self.took: dict[str, list[float]] = {name: [] for name in (*LISTS, "deep")}
        self.pages = 0
        """How far the walk came at most."""
        self._over = threading.Event()

    @contextmanager
    def asking(self, collector: CollectorProcess) -> Iterator[None]:
        """Ask from here on."""
        asks = threading.Thread(target=self._ask, args=(collector,), daemon=True)
        asks.start()
        try:
            yield
        finally:
            self._over.set()
            asks.join(10)

    def _ask(self, collector: CollectorProcess) -> None:
        cursor, walked = "", 0
        with collector.door.kept() as door:
            while not self._over.wait(EVERY):
                for name, more in LISTS.items():
                    self._timed(name, lambda more=more: door.ask("GET", f"{_URL}?limit=100{more}"))
                at = f"&cursor={cursor}" if cursor else ""
                page = self._timed("deep", lambda at=at: door.ask("GET", f"{_URL}?limit=500{at}"))
                cursor = page["next"] or ""
                walked = walked + 1 if cursor else 0
                self.pages = max(self.pages, walked)

    def _timed(self, name: str, ask: Any) -> dict[str, Any]:
        began = real_monotonic()
        found: dict[str, Any] = ask()
        self.took[name].append(real_monotonic() - began)
        return found


_URL = "/api/v1/alarms"
