"""Whom sessions and tokens stood for a moment ago, so that not each request asks the tables.

Nothing of it outlives a write: whoever is thrown out, loses a role or logs out is so by writing,
and what this process writes (light work apart, which knows of no persons) is counted. What another
program writes is seen after `STANDS`.
"""

from typing import Final

from central.identity.principal import Principal
from protocols.clock import SECOND

STANDS: Final = SECOND
"""µs of the machine's clock."""
MOST: Final = 1_000


class Recognised:
    """By the hash a session or token is stored under; as of one count of what was written."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[Principal, int, int]] = {}
        self._changes = -1

    def find(self, key: str, changes: int, now: int) -> Principal | None:
        """Return who it was, if nothing was written since and it is no second ago."""
        if changes != self._changes or (held := self._held.get(key)) is None:
            return None
        who, first, until = held
        return who if first <= now < until else None

    def put(self, key: str, who: Principal, changes: int, span: tuple[int, int]) -> None:
        """Remember what holds for `span`, a second of it; not while something is being written."""
        if changes & 1:
            return
        if changes != self._changes or len(self._held) >= MOST:
            self._held.clear()
            self._changes = changes
        first, until = span
        self._held[key] = (who, first, min(until, first + STANDS))
