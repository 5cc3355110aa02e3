"""What sections of batches meant that come again byte for byte: most gateways read the same points.

Only what a section means whoever sent it is kept here, by all its bytes and the number of rows: no
gateway, manifest or time has a part in it, and nothing that is kept can be changed.
"""

import threading
from collections.abc import Hashable
from typing import Final, Generic, TypeVar

SEEN: Final = 4_096
"""Sections of which it is known that they came once."""
T = TypeVar("T")


class Recurring(Generic[T]):
    """Keeps what came twice; safe to ask from any thread.

    At most 2 * `entries` and 2 * `limit` bytes: when half is full the half before it goes.
    """

    def __init__(self, entries: int, limit: int) -> None:
        self._entries = entries
        self._limit = limit
        self._lock = threading.Lock()
        self._young: dict[Hashable, tuple[T, int]] = {}
        self._old: dict[Hashable, tuple[T, int]] = {}
        self._size = 0
        self._seen: set[int] = set()

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def find(self, key: Hashable) -> T | None:
        """Return what is known of `key`."""
        found = self._young.get(key)
        if found is None:
            if (found := self._old.get(key)) is None:
                return None
            self._put(key, *found)
        return found[0]

    def offer(self, key: Hashable, value: T, size: int) -> None:
        """Keep what `key` means, `size` bytes in all, if the key was offered before."""
        if size > self._limit:
            return
        mark = hash(key)
        if mark in self._seen:
            self._put(key, value, size)
            return
        if len(self._seen) >= SEEN:
            self._seen.clear()
        self._seen.add(mark)

    def _put(self, key: Hashable, value: T, size: int) -> None:
        with self._lock:
            if key in self._young:
                return
            if len(self._young) >= self._entries or self._size + size > self._limit:
                self._old, self._young, self._size = self._young, {}, 0
            self._young[key] = value, size
            self._size += size
