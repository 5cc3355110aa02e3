"""Who may use the link: a lesser lane waits, within bounds, while a greater one has a request.

The lanes' tasks claim and release on the event loop; a request under way asks from its own thread
between two pieces of its body.
"""

import threading
from collections.abc import Iterable

from protocols.words import Lane


class RightOfWay:
    """The lanes that have something under way; alarm before live before backfill."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._under_way: set[Lane] = set()

    def claim(self, lane: Lane) -> None:
        """`lane` has something under way."""
        with self._changed:
            self._under_way.add(lane)

    def release(self, lane: Lane) -> None:
        """It has nothing more for now."""
        with self._changed:
            self._under_way.discard(lane)
            self._changed.notify_all()

    def clear(self, lane: Lane) -> bool:
        """Return whether nothing goes before `lane`."""
        return not _before(lane, self._under_way)

    def wait(self, lane: Lane, seconds: float) -> bool:
        """Block at most `seconds` until nothing goes before `lane`; return whether so it is."""
        with self._changed:
            return self._changed.wait_for(lambda: self.clear(lane), seconds)


def _before(lane: Lane, others: Iterable[Lane]) -> bool:
    return any(other < lane for other in others)
