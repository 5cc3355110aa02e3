"""When which rule's clock has something to do: one heap, driven by the passed clock.

An entry that no longer holds is left in the heap and passed over when its time comes.
"""

import heapq
from collections.abc import Iterable
from typing import Final

GRACE: Final = 2_000_000
"""How long after its due time (µs) a timer waits for a reading still on its way that would undo it.

The event keeps the due time; a batch is sealed within a second and needs a moment to arrive."""


class Timers:
    """By rule when it is due; a rule without a time has nothing to wait for."""

    def __init__(self, due: Iterable[tuple[str, int | None]] = ()) -> None:
        self._at = {rule: at for rule, at in due if at is not None}
        self._heap = [(at, rule) for rule, at in self._at.items()]
        heapq.heapify(self._heap)

    def put(self, rule: str, at: int | None) -> None:
        """Wake `rule` at `at`, and no more when it was to be woken before."""
        if at is None:
            self._at.pop(rule, None)
        elif self._at.get(rule) != at:
            self._at[rule] = at
            heapq.heappush(self._heap, (at, rule))

    @property
    def next(self) -> int | None:
        """When the next is due, without the grace."""
        heap = self._heap
        while heap:
            at, rule = heap[0]
            if self._at.get(rule) == at:
                return at
            heapq.heappop(heap)
        return None

    def over(self, now: int) -> list[str]:
        """Take out the rules that are due at or before `now`, in the order of their times."""
        found: list[str] = []
        while (at := self.next) is not None and at <= now:
            _, rule = heapq.heappop(self._heap)
            del self._at[rule]
            found.append(rule)
        return found
