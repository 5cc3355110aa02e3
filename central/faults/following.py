"""What whoever watches contacts asks of whoever makes items of what is silent."""

from collections.abc import Callable
from typing import Any, Protocol

from sqlite_utils import Database as Tables

from central.health import Health

Work = Callable[[Tables], Any]
"""Done in the transaction that writes what it follows from."""


class Following(Protocol):
    """What follows from a gateway's silence: asked on the loop, done in the transaction, told."""

    def silent(self, gateway: str, since: int, now: int) -> Work: ...
    def back(self, gateway: str, now: int) -> Work: ...
    def reported(self, gateway: str, health: Health, now: int) -> Work: ...
    def done(self, result: Any) -> None: ...


class Nothing:
    """Nothing follows."""

    def silent(self, gateway: str, since: int, now: int) -> Work:
        """Return nothing to do."""
        return lambda _: None

    def back(self, gateway: str, now: int) -> Work:
        """Return nothing to do."""
        return lambda _: None

    def reported(self, gateway: str, health: Health, now: int) -> Work:
        """Return nothing to do."""
        return lambda _: None

    def done(self, result: Any) -> None:
        """Tell nobody."""
