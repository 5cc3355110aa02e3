"""A page that follows the live stream while something else is measured."""

import http.client
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench.collector import CollectorProcess


@contextmanager
def watching(collector: CollectorProcess) -> Iterator[None]:
    """Read the live stream as a page does, from a thread that does nothing with it."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{collector.port}/api/v1/stream",
        headers={"Cookie": collector.door._cookie},
    )
    over = threading.Event()

    def follow() -> None:
        while not over.is_set():
            try:
                with urllib.request.urlopen(request, timeout=30) as stream:
                    while not over.is_set() and stream.read1(1 << 18):
                        pass
            except (OSError, http.client.HTTPException):
                over.wait(1.0)

    page = threading.Thread(target=follow, daemon=True)
    page.start()
    try:
        yield
    finally:
        over.set()
