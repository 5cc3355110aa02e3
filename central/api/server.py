"""The web server: one process, our own listening socket, a clean end on SIGTERM and Ctrl-C."""

import asyncio
import contextlib
import errno
import resource
import signal
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any, Final

import uvicorn
from fastapi import FastAPI

from central.api.guarded_protocol import GuardedProtocol
from central.api.tls_listener import TlsListener
from central.guard.connections import Connection
from protocols.errors import FengsuiError

BACKLOG: Final = 8192
"""Connections the kernel holds (as far as it does) while a thousand gateways come back at once; one
that finds no room tries again after 1, 3, 7 ... seconds."""
CONNECTIONS: Final = 16_384
"""Open files asked for: two connections of each of some thousand gateways."""
FAREWELL: Final = 5
"""Real seconds open requests get when we stop."""
TICKS: Final = 10
"""Of uvicorn, in a second."""
IDLE: Final = 75
"""Real seconds an idle connection stays open: longer than a gateway's pause between requests."""


class AddressTaken(FengsuiError):
    """Something else listens on `host`:`port`."""

    code = "ADDRESS_TAKEN"


class AddressRefused(FengsuiError):
    """The machine does not let us listen on `host`:`port`; `reason` is its own word."""

    code = "ADDRESS_REFUSED"


def listen(host: str, port: int) -> socket.socket:
    """Return a bound socket; port 0 takes a free one. Raises AddressTaken or AddressRefused."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as exc:
        listener.close()
        if exc.errno == errno.EADDRINUSE:
            raise AddressTaken(host=host, port=port) from exc
        raise AddressRefused(host=host, port=port, reason=exc.strerror or str(exc)) from exc
    return listener


def many_connections() -> None:
    """Let this process hold as many connections as the machine allows it, up to `CONNECTIONS`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = CONNECTIONS if hard == resource.RLIM_INFINITY else min(CONNECTIONS, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def settings(app: FastAPI) -> uvicorn.Config:
    """Return the server's settings; uvloop is used where it is installed."""
    protocol: Any = partial(GuardedProtocol, app.state.rooms.guards)
    return uvicorn.Config(
        app,
        http=protocol,
        lifespan="off",
        backlog=BACKLOG,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,  # central.guard.proxies
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=FAREWELL,
        ws="none",
    )


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """Return how to make the event loop: uvloop where it is installed, else asyncio's own."""
    make = uvicorn.Config("central.api.app:create_app").get_loop_factory()
    return asyncio.new_event_loop if make is None else make


class Server(uvicorn.Server):
    """Ends the live streams before it waits for connections, and lets the caller clean up."""

    def __init__(
        self,
        config: uvicorn.Config,
        before_stop: Callable[[], None],
        when_started: Callable[[], Awaitable[None]] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """With `tls` it accepts connections itself: uvicorn gets them after their handshakes."""
        super().__init__(config)
        self._tls = tls
        self._listeners: list[TlsListener] = []
        self._before_stop = before_stop
        self._when_started = when_started
        self._stopping = asyncio.Event()

    async def main_loop(self) -> None:
        """Look once a second, and at once when asked to stop: uvicorn's own looks ten times."""
        counter = 0
        while not await self.on_tick(counter):
            counter += TICKS
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._stopping.wait()

    async def on_tick(self, counter: int) -> bool:
        """Look, each second, for connections that keep a place and say nothing."""
        if counter % TICKS == 0:
            self.config.app.state.rooms.guards.connections.look()  # type: ignore[union-attr]
        return await super().on_tick(counter)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so: from here on requests and signals are answered."""
        if self._tls is None or sockets is None:
            await super().startup(sockets)
        else:
            await super().startup([])
            self._accept(sockets, self._tls)
        if self._when_started is not None:
            await self._when_started()

    def _accept(self, sockets: list[socket.socket], tls: ssl.SSLContext) -> None:
        guards = self.config.app.state.rooms.guards  # type: ignore[union-attr]

        def http(handshake: Connection) -> GuardedProtocol:
            state, kept = self.server_state, self.lifespan.state
            return GuardedProtocol(guards, self.config, state, kept, handshake=handshake)

        for each in sockets:
            listener = TlsListener(guards, tls, http)
            listener.start(each)
            self._listeners.append(listener)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop: a page's open stream would otherwise hold us up."""
        self._before_stop()
        for listener in self._listeners:
            listener.close()
        await super().shutdown(sockets)

    def stop(self) -> None:
        """Ask for the end; a second time does not wait for anybody."""
        self.force_exit = self.should_exit
        self.should_exit = True
        self._stopping.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGTERM and SIGINT without raising them again: the collector closes after us."""
        loop = asyncio.get_running_loop()
        caught = (signal.SIGTERM, signal.SIGINT)
        for number in caught:
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            for number in caught:
                loop.remove_signal_handler(number)
