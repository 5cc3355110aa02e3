"""Guessing is slowed down: after a few failures each further one doubles the wait.

Counted per account and address, so that a stranger elsewhere cannot lock the operator out, and per
address over all accounts, so that one machine cannot try a password on everybody. Kept in memory
and bounded: a restart forgives, which costs a guesser more than it gives. Time is an argument (µs).
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from protocols.clock import HOUR, MINUTE, SECOND

FREE: Final = 5
"""Failures of an account from one address before the first wait."""
FREE_ADDRESS: Final = 25
LONGEST: Final = 15 * MINUTE
FORGET: Final = 24 * HOUR
KEPT: Final = 10_000
"""Pairs remembered; the one that failed longest ago goes first."""

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Failures:
    count: int
    last: int
    until: int


class Lockout:
    """Failures by (account, address); account "" is the address as a whole."""

    def __init__(self) -> None:
        self._failures: OrderedDict[Key, _Failures] = OrderedDict()

    def wait(self, name: str, address: str, now: int) -> int:
        """Return how long (µs) this account must wait at this address; 0: it may try."""
        keys = ((name, address), ("", address))
        ends = [found.until for key in keys if (found := self._failures.get(key))]
        return max(0, *(end - now for end in ends)) if ends else 0

    def failed(self, name: str, address: str, now: int) -> int:
        """Count a failure and return the wait (µs) that follows it."""
        whole = self._count(("", address), FREE_ADDRESS, now)
        return max(whole, self._count((name, address), FREE, now)) if name else whole

    def led_to_it(self, name: str, address: str) -> int:
        """Return how many failures led to the wait that just began: all to the first, then one."""
        whole, pair = self._failures.get(("", address)), self._failures.get((name, address))
        if whole is not None and whole.count == FREE_ADDRESS:
            return FREE_ADDRESS
        return FREE if name and pair is not None and pair.count == FREE else 1

    def succeeded(self, name: str, address: str) -> None:
        """Forget the failures of this account at this address."""
        self._failures.pop((name, address), None)

    def _count(self, key: Key, free: int, now: int) -> int:
        before = self._failures.pop(key, None)
        count = 1 if before is None or now - before.last > FORGET else before.count + 1
        # 1, 2, 4 ... seconds; the exponent is bounded so that the shift is.
        wait = min(LONGEST, SECOND << min(20, count - free)) if count >= free else 0
        self._failures[key] = _Failures(count, now, now + wait)
        if len(self._failures) > KEPT:
            self._failures.popitem(last=False)
        return wait
