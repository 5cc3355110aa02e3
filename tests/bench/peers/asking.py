"""Questions over one kept HTTP connection, timed on this side."""

import http.client
import json
import statistics
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

TIMES = 21
"""How often a question is asked; the median counts."""
LONGEST = 4.0
"""Seconds after which one is not asked again."""


class Asking:
    """Asks a server on loopback."""

    def __init__(self, port: int, fields: dict[str, str] | None = None) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._fields = fields or {}

    def get(self, path: str, **asked: Any) -> bytes:
        """Return the body of a 2xx. Raises OSError for all else."""
        target = f"{path}?{urlencode(asked, doseq=True)}" if asked else path
        return self._answered("GET", target, None)

    def post(self, path: str, asked: Any) -> bytes:
        """Return the body of a 2xx. Raises OSError for all else."""
        return self._answered("POST", path, json.dumps(asked))

    def _answered(self, method: str, target: str, body: str | None) -> bytes:
        self._line.request(method, target, body, self._fields)
        answer = self._line.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise OSError(f"{target}: {answer.status} {content[:300]!r}")
        return content

    def json(self, path: str, **asked: Any) -> Any:
        """Return what a JSON answer says."""
        return json.loads(self.get(path, **asked))

    def milliseconds(self, path: str, **asked: Any) -> float:
        """Return the median of asking a few times."""
        return milliseconds(lambda: self.get(path, **asked))

    def close(self) -> None:
        """Let go of the connection."""
        self._line.close()


def milliseconds(ask: Callable[[], object]) -> float:
    """Return the median of a few times, the first left out unless it takes long."""
    took: list[float] = []
    began = time.monotonic()
    while len(took) <= TIMES and (not took or time.monotonic() - began < LONGEST):
        start = time.perf_counter()
        ask()
        took.append((time.perf_counter() - start) * 1e3)
    return round(statistics.median(took[1:] or took), 3)
