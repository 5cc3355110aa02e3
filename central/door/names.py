"""Lists of points that come again: a system names the same points in each of its requests.

Of two lists that say the same the very same object is given, so that what was found out about one
need not be found out again. Only what came twice is kept.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from central.wire.recurring import Recurring

ENTRIES: Final = 64
BYTES: Final = 8 << 20
_OBJECT: Final = 64
"""Bytes of a name beside its letters."""
Names = Sequence[Any]


class KnownNames:
    """Lists of texts, by how they were sent and by themselves; safe to ask from any thread."""

    def __init__(self) -> None:
        self._sent: Recurring[Names] = Recurring(ENTRIES, BYTES)
        self._listed: Recurring[Names] = Recurring(ENTRIES, BYTES)

    def sent(self, data: bytes, read: Callable[[bytes], Names]) -> Names:
        """Return the list that `read` gives of `data`; what it raises is raised."""
        found = self._sent.find(data)
        if found is None:
            found = read(data)
            self._sent.offer(data, found, 2 * len(data) + _OBJECT * len(found))
        return found

    def listed(self, names: Names) -> Names:
        """Return a list of these texts."""
        if not names or type(names[0]) is not str:
            return names
        key = (len(names), names[0], names[-1])
        found = self._listed.find(key)
        if found is not None:
            return found if found == names else names
        self._listed.offer(key, names, sum(map(len, names)) + _OBJECT * len(names))
        return names
