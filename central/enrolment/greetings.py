"""Hellos that wait for their proof: in memory, bounded, gone after ten minutes or a restart."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from protocols.clock import MINUTE

KEPT: Final = 1_000
EACH: Final = 4
"""Of one address and code: who comes again and again pushes out only himself."""
VALID: Final = 10 * MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """What a gateway is told once it has proved the code."""

    proof: str
    gateway: str
    site: str | None
    state: str
    digits: str


@dataclass(slots=True, kw_only=True)
class Greeting:
    """What a gateway said in its hello; `proved` and `shown` once its proof was taken."""

    code_id: str
    address: str
    key: str
    gateway_nonce: str
    collector_nonce: str
    boot: str
    made: int
    shown: str | None = None
    proved: Proved | None = None


class Greetings:
    """By the collector's nonce; the oldest goes first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Greeting] = OrderedDict()

    def add(self, greeting: Greeting) -> None:
        """Remember a hello."""
        same = [
            nonce
            for nonce, known in self._kept.items()
            if (known.address, known.code_id) == (greeting.address, greeting.code_id)
        ]
        for nonce in same[: max(0, len(same) - EACH + 1)]:
            del self._kept[nonce]
        self._kept[greeting.collector_nonce] = greeting
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def find(self, code_id: str, nonce: str, now: int) -> Greeting | None:
        """Return the hello that was answered with `nonce`, while it is good."""
        found = self._kept.get(nonce)
        if found is None or found.code_id != code_id or not 0 <= now - found.made < VALID:
            return None
        return found
