"""Everything done to the site, each with its moment; written to `diary.log` as it comes."""

import threading
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from protocols.clock import SystemClock


class Diary:
    """Safe to write to from any thread."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self.counts: Counter[tuple[str, str]] = Counter()
        """`(what, kind)` to how often: `("kill edge", "edge.sealed")`."""

    def note(self, what: str, kind: str, *more: object) -> None:
        """Count something that was done, and write it down."""
        with self._lock:
            self.counts[what, kind] += 1
        self.say(f"{what}: {kind}", *more)

    def say(self, *words: object) -> None:
        """Only write it down."""
        moment = datetime.fromtimestamp(SystemClock().now() / 1e6, UTC).isoformat()
        with self._lock, self._file.open("a", encoding="utf-8") as file:
            print(moment, *words, file=file)

    def of(self, what: str) -> dict[str, int]:
        """Return how often each kind of `what` was done."""
        with self._lock:
            return {kind: n for (each, kind), n in sorted(self.counts.items()) if each == what}
