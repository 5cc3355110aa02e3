"""What each token may do in a minute: a meter that fills again, and can be overdrawn once.

A request is let in while there is anything left, and is then counted whole; so a large one passes
and the mean still holds. Kept in memory on the event loop: a restart begins with full meters.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from central.identity.tokens import Allowance
from protocols.clock import real_monotonic
from protocols.errors import IngestError

MINUTE: Final = 60.0
TOKENS: Final = 10_000
"""Tokens whose meters are remembered; the one asked longest ago goes first."""
AT_ONCE: Final = 4
"""Requests of one token under way."""
UNDER_WAY: Final = 16
"""Requests of all under way: that many bodies are held at once."""
AGAIN_MS: Final = 1_000


class Meter:
    """Fills at `per_minute`, up to one minute's worth."""

    def __init__(self, per_minute: int, now: float) -> None:
        self._most = float(per_minute)
        self._left = self._most
        self._at = now

    def wait(self, now: float) -> float:
        """Return the seconds until something is left (0: now)."""
        rate = self._most / MINUTE
        self._left = min(self._most, self._left + (now - self._at) * rate)
        self._at = now
        return 0.0 if self._left > 0 else (1 - self._left) / rate

    def spend(self, amount: int) -> None:
        """Count what was let in."""
        self._left -= amount


@dataclass(slots=True)
class Account:
    """One token: its id, its two meters, and its requests under way."""

    token: str
    requests: Meter
    readings: Meter
    under_way: int = 0


class Limits:
    """`now`: real seconds that never jump."""

    def __init__(self, now: Callable[[], float] = real_monotonic) -> None:
        self._now = now
        self._accounts: dict[str, Account] = {}
        self.under_way = 0

    def account(self, credential: str) -> Account | None:
        """Return a token's account, if it is remembered."""
        found = self._accounts.pop(credential, None)
        if found is not None:
            self._accounts[credential] = found
        return found

    def open(self, credential: str, token: str, allowed: Allowance) -> Account:
        """Return a token's account, made where there is none."""
        if (known := self.account(credential)) is not None:
            return known
        if len(self._accounts) >= TOKENS:
            del self._accounts[next(iter(self._accounts))]
        now = self._now()
        made = self._accounts[credential] = Account(
            token,
            Meter(allowed.requests_per_minute, now),
            Meter(allowed.readings_per_minute, now),
        )
        return made

    def begin(self, account: Account) -> None:
        """Count a request in, or raise IngestError BUSY (503), DOOR_RATE (429)."""
        wait = account.requests.wait(self._now())
        if account.under_way >= AT_ONCE:
            wait = max(wait, AGAIN_MS / 1000)
        if wait:
            raise rate(wait)
        if self.under_way >= UNDER_WAY:
            raise IngestError("BUSY", 503, lane="door", retry_after_ms=AGAIN_MS)
        account.requests.spend(1)
        account.under_way += 1
        self.under_way += 1

    def end(self, account: Account) -> None:
        """A request is answered."""
        account.under_way -= 1
        self.under_way -= 1

    def charge(self, account: Account, readings: int) -> None:
        """Count readings, or raise IngestError DOOR_RATE (429)."""
        wait = account.readings.wait(self._now())
        if wait:
            raise rate(wait)
        account.readings.spend(readings)


def rate(seconds: float) -> IngestError:
    """Return the refusal of a token that did more than it may."""
    return IngestError("DOOR_RATE", 429, retry_after_ms=max(1, round(seconds * 1000)))
