"""Accepts TLS connections, each counted for its address before it has shaken hands.

asyncio and uvloop hand a TLS server its connections when their handshakes are done; until then
nobody knows whose they are and how many. So we accept ourselves, take note of the address, and only
then let the loop begin TLS on the socket.
"""

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import Callable
from typing import Final

from central.guard.connections import Connection, Stage
from central.guard.guards import Guards
from central.guard.source import source_of

logger = logging.getLogger(__name__)

HANDSHAKE: Final = 10.0
"""Real seconds a handshake may take, as long as a header."""
AT_ONCE: Final = 100
"""Connections accepted before others have their turn."""
FULL: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
AGAIN: Final = 1.0
"""Real seconds after which it is tried again when there is no descriptor left."""

Http = Callable[[Connection], asyncio.BaseProtocol]
"""Makes what speaks on a connection; it is given the handshake whose place it takes."""


class Handshake:
    """A stranger in a handshake, as the watch sees him."""

    proven = suspect = False
    answered = True
    drained = 0
    stage = Stage.HANDSHAKE

    def __init__(self, guards: Guards, source: str) -> None:
        self.source = source
        self.since = guards.connections.now()
        self.begun = self.was_cut = False
        self.work: asyncio.Task[None] | None = None
        self._guards = guards

    def unread(self) -> int:
        """Return 0: nothing was asked."""
        return 0

    def cut(self, code: str) -> None:
        """Close now."""
        self.was_cut = True
        self._guards.cut_off(code, self.source)
        self._guards.connections.lost(self)
        if self.work is not None:
            self.work.cancel()


class TlsListener:
    """Accepts on a listening socket, which stays the caller's, until closed."""

    def __init__(self, guards: Guards, context: ssl.SSLContext, http: Http) -> None:
        self._guards = guards
        self._context = context
        self._http = http
        self._loop = asyncio.get_running_loop()
        self._listener: socket.socket | None = None
        self._shaking: set[Handshake] = set()

    def start(self, listener: socket.socket) -> None:
        """Begin to accept."""
        listener.settimeout(0)
        self._listener = listener
        self._loop.add_reader(listener.fileno(), self._accept)

    def close(self) -> None:
        """Accept no more, and break off the handshakes that are under way."""
        listener, self._listener = self._listener, None
        if listener is not None:
            self._loop.remove_reader(listener.fileno())
        for each in list(self._shaking):
            if each.work is not None:
                each.work.cancel()

    def _accept(self) -> None:
        for _ in range(AT_ONCE):
            if self._listener is None:
                return
            try:
                sock, peer = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as exc:
                if exc.errno not in FULL:
                    raise
                self._rest(exc)
                return
            sock.settimeout(0)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._take(sock, peer[0])

    def _rest(self, exc: OSError) -> None:
        """The backlog stays ready: asking again at once would only burn the processor."""
        logger.error("no connection can be accepted for a second: %s", exc)
        listener = self._listener
        if listener is not None:
            self._loop.remove_reader(listener.fileno())
            self._loop.call_later(AGAIN, self._resume)

    def _resume(self) -> None:
        if self._listener is not None:
            self._loop.add_reader(self._listener.fileno(), self._accept)

    def _take(self, sock: socket.socket, host: str) -> None:
        handshake = Handshake(self._guards, source_of(host))
        self._shaking.add(handshake)
        handshake.work = self._loop.create_task(self._shake(handshake, sock))
        handshake.work.add_done_callback(lambda _: self._done(handshake, sock))
        self._guards.connections.made(handshake)
        if self._guards.proxies.named(host):
            self._guards.connections.proved(handshake)

    async def _shake(self, handshake: Handshake, sock: socket.socket) -> None:
        handshake.begun = True
        try:
            await self._loop.connect_accepted_socket(
                lambda: self._http(handshake),
                sock,
                ssl=self._context,
                ssl_handshake_timeout=HANDSHAKE,
            )
        except OSError:  # no TLS, another one, out of time, or gone
            if not handshake.was_cut:
                self._guards.cut_off("TLS_HANDSHAKE", handshake.source)

    def _done(self, handshake: Handshake, sock: socket.socket) -> None:
        self._shaking.discard(handshake)
        self._guards.connections.lost(handshake)
        if not handshake.begun:
            sock.close()  # cut before the loop had it; afterwards it is the loop's to close
