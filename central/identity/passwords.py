"""Passwords: argon2id, a bounded number at a time, the same time for a name that does not exist.

One verification takes 64 MiB and a tenth of a second (pwdlib's defaults), so unlimited logins would
be a way to stop the collector: two run, a few wait, the rest are told to come back.
"""

import asyncio
import logging
from typing import Final

from pwdlib import PasswordHash

from central.repeats import Repeats
from protocols.errors import FengsuiError

logger = logging.getLogger(__name__)

AT_ONCE: Final = 2
WAITING: Final = 16
LEAST: Final = 12
"""Characters; length is what makes a password strong (NIST SP 800-63B section 5.1.1.2)."""
MOST: Final = 1024


class TooManyLogins(FengsuiError):
    """More logins wait for verification than the collector will hold."""

    code = "LOGIN_BUSY"
    retry = True


class WeakPassword(FengsuiError):
    """Shorter than `least` characters, longer than `most`, or the person's own name."""

    code = "PASSWORD_WEAK"


class Passwords:
    """Hashes and verifies off the event loop."""

    def __init__(self, hasher: PasswordHash | None = None) -> None:
        self._hasher = hasher or PasswordHash.recommended()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._nobody: str | None = None
        self._busy = Repeats(logger)

    def hash(self, name: str, password: str) -> str:
        """Return what is stored for `password`. Raises WeakPassword."""
        if not LEAST <= len(password) <= MOST or password.casefold() == name.casefold():
            raise WeakPassword(least=LEAST, most=MOST)
        return self._hasher.hash(password)

    async def verify(self, password: str, stored: str | None) -> bool:
        """Return whether it is the right one; None (nobody) takes as long. Raises TooManyLogins."""
        if self._waiting >= WAITING:
            self._busy.say("login", f"{WAITING} logins wait for verification: 503 LOGIN_BUSY")
            raise TooManyLogins
        self._waiting += 1
        try:
            async with self._slots:
                right = await asyncio.to_thread(self._verify, password, stored)
        finally:
            self._waiting -= 1
        return right and stored is not None

    def _verify(self, password: str, stored: str | None) -> bool:
        # Made at the first login, whoever's that is: what is verified when there is no such person.
        if self._nobody is None:
            self._nobody = self._hasher.hash("nobody has this password")
        return self._hasher.verify(password, stored or self._nobody)
