"""Single-use numbers for what a key's holder says without a place in a stream (health, cursors).

A key has one number waiting; it is good once, and the answer brings the next. Kept in memory only:
after a restart the first request of each gateway is told the number to use. What was used lately is
remembered, to tell a request that is played back from one that lost its answer.
"""

import secrets
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Final

KEYS: Final = 16_384
"""Keys with a number waiting; the one that asked longest ago is told another when it comes back."""
USED: Final = 8
"""Numbers of each key remembered after their use."""


@dataclass(slots=True)
class _Numbers:
    waiting: str = field(default_factory=lambda: secrets.token_hex(16))
    used: deque[str] = field(default_factory=lambda: deque(maxlen=USED))


class Nonces:
    """The numbers of every key."""

    def __init__(self) -> None:
        self._of: OrderedDict[str, _Numbers] = OrderedDict()

    def next(self, keyid: str) -> str:
        """Return the number the key's next request must carry; asking again changes nothing."""
        return self._numbers(keyid).waiting

    def use(self, keyid: str, nonce: str) -> bool:
        """Return whether `nonce` was the one that waited; it is used up by this."""
        numbers = self._numbers(keyid)
        if nonce != numbers.waiting:
            return False
        numbers.used.append(nonce)
        numbers.waiting = secrets.token_hex(16)
        return True

    def was_used(self, keyid: str, nonce: str) -> bool:
        """Return whether `nonce` was used up lately: somebody plays a request back."""
        return nonce in self._numbers(keyid).used

    def forget(self, keyid: str) -> None:
        """Let go of a key's numbers."""
        self._of.pop(keyid, None)

    def _numbers(self, keyid: str) -> _Numbers:
        numbers = self._of.get(keyid)
        if numbers is None:
            numbers = self._of[keyid] = _Numbers()
            if len(self._of) > KEYS:
                self._of.popitem(last=False)
        self._of.move_to_end(keyid)
        return numbers
