"""Sockets that keep a place and say nothing, or say it too slowly.

Looked through once a second rather than timed one by one: a timer for each header would cost each
honest request more than all that is here. A connection on which somebody has proved who he is no
longer counts for its address; of the others an address may hold so many, and one more costs the
oldest that is idle its place, so that a newcomer behind the same address is not the one to suffer.
"""

import resource
from collections.abc import Callable
from enum import Enum
from typing import Final, Protocol

from central.guard.settings import CONNECTIONS

HEADER_TIME: Final = 10.0
"""Real seconds from the connection (or the first byte of a further request) to a whole header."""
DRAIN_TIME: Final = 10.0
DRAIN_RATE: Final = 1_000
"""Bytes a second at least of a body whose request has been answered, after `DRAIN_TIME`."""
DRAIN_MOST: Final = 300.0
STALL: Final = 60.0
"""Real seconds in which somebody reads nothing of an answer that is waiting for him."""
SPARE: Final = 256
"""Open files kept for the database, backups and pages."""
TRIED: Final = 64
"""The oldest looked at to find one that is idle."""
YOUNG: Final = 1.0
"""Real seconds in which a connection's first bytes may still be on their way."""


class Stage(Enum):
    """How far the reading of a request is."""

    HANDSHAKE = "handshake"
    """TLS is being agreed on, which has a time of its own (`central.api.tls_listener`)."""
    HEAD = "head"
    """A header is awaited or has begun."""
    BODY = "body"
    REST = "rest"
    """It is read; the next has not begun."""


class Connection(Protocol):
    """What the watch knows of a connection."""

    source: str
    proven: bool
    stage: Stage
    since: float
    """When the stage began, or when the answer was given while a body still comes (monotonic)."""
    suspect: bool
    """Was over its time at the last look already: what had come by then has been read since."""

    @property
    def answered(self) -> bool:
        """Whether no request is being worked on."""

    @property
    def drained(self) -> int:
        """Bytes of a body that came after its answer."""

    def unread(self) -> int:
        """Return the bytes of an answer that the other side does not take; 0: none."""

    def cut(self, code: str) -> None:
        """Close now; `code` says why."""


def capacity() -> int:
    """Return how many connections this process may hold."""
    return max(64, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE)


class Connections:
    """All open connections."""

    def __init__(self, now: Callable[[], float], most: int, unproven: int = CONNECTIONS) -> None:
        self.now = now
        self._most = most
        self._unproven = min(unproven, max(1, most // 2))
        self._all: dict[Connection, None] = {}
        self._strangers: dict[str, dict[Connection, None]] = {}
        self._stalled: dict[Connection, tuple[int, float]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def made(self, connection: Connection) -> None:
        """Take note of a new connection; it or another may be cut for it."""
        self._all[connection] = None
        beside = self._strangers.setdefault(connection.source, {})
        beside[connection] = None
        if len(beside) > self._unproven:
            (self._idle(beside) or connection).cut("CONNECTIONS_TOO_MANY")
        elif len(self._all) > self._most:
            crowd = max(self._strangers.values(), key=len)
            (self._idle(crowd) or connection).cut("CONNECTIONS_TOO_MANY")

    def proved(self, connection: Connection) -> None:
        """Somebody known speaks here: it no longer counts for its address."""
        beside = self._strangers.get(connection.source)
        if beside is not None and beside.pop(connection, 0) is None and not beside:
            del self._strangers[connection.source]

    def lost(self, connection: Connection) -> None:
        """Forget a connection that is closed."""
        self._all.pop(connection, None)
        self._stalled.pop(connection, None)
        self.proved(connection)

    def look(self) -> None:
        """Cut what is over its time; called about once a second."""
        now = self.now()
        for connection in [each for each in self._all if self._overdue(each, now)]:
            if not connection.suspect:
                connection.suspect = True
            elif connection.stage is Stage.HEAD:
                connection.cut("HEADERS_SLOW")
            elif connection.stage is Stage.BODY:
                connection.cut("DRAINED_SLOWLY")
            else:
                connection.cut("ANSWER_NOT_READ")

    def _overdue(self, connection: Connection, now: float) -> bool:
        if connection.stage is Stage.HEAD:
            if now - connection.since > HEADER_TIME:
                return True
        elif connection.stage is Stage.BODY and connection.answered:
            waited = now - connection.since
            due = DRAIN_TIME + connection.drained / DRAIN_RATE
            if waited > min(due, DRAIN_MOST):
                return True
        if unread := connection.unread():
            before, since = self._stalled.get(connection, (-1, now))
            if unread != before:
                self._stalled[connection] = (unread, now)
            return unread == before and now - since > STALL
        self._stalled.pop(connection, None)
        connection.suspect = False
        return False

    def _idle(self, among: dict[Connection, None]) -> Connection | None:
        """Return the oldest that nothing is being done for, None when there is none."""
        now = self.now()
        for _, connection in zip(range(TRIED), among, strict=False):
            if connection.answered and now - connection.since >= YOUNG:
                return connection
        return None
