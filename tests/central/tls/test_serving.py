"""Who does not shake hands is let go; when the certificate ends is shown."""

import asyncio
import ssl
from contextlib import suppress

import pytest
import uvloop

from central.api import server, tls_listener
from central.api.tls_listener import TlsListener
from central.api.tls_metrics import TlsMetrics
from central.guard import connections
from central.guard.connections import Connections
from central.guard.guards import Guards
from central.guard.incidents import Incidents
from central.tls.settings import OwnTls
from central.tls.trust import TrustDesk
from protocols.clock import SystemClock, real_monotonic


@pytest.fixture
def desk(tmp_path):
    return TrustDesk.open(OwnTls(), tmp_path, SystemClock())


LOOPS = pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])


class Echo(asyncio.Protocol):
    """Sends back what comes, and says whether it came over TLS."""

    def __init__(self, handshake):
        assert handshake.source == "127.0.0.1"

    def connection_made(self, transport):
        self.transport = transport
        self.secure = transport.get_extra_info("sslcontext") is not None
        self.peer = transport.get_extra_info("peername")

    def data_received(self, data):
        assert self.secure
        assert self.peer[0] == "127.0.0.1"
        self.transport.write(data)


class House:
    """A TLS server on the loopback, and connections to it."""

    def __init__(self, context, **bounds):
        self.guards = Guards(Incidents(None, SystemClock(), lambda _: None))
        self.guards.connections = Connections(real_monotonic, 1_000, **bounds)
        self._context = context
        self._trusting = ssl.create_default_context()
        self._trusting.check_hostname = False
        self._trusting.verify_mode = ssl.CERT_NONE
        self._writers = []

    async def __aenter__(self):
        self._socket = server.listen("127.0.0.1", 0)
        self.port = self._socket.getsockname()[1]
        self.listener = TlsListener(self.guards, self._context, Echo)
        self.listener.start(self._socket)
        return self

    async def __aexit__(self, *_):
        for writer in self._writers:
            writer.transport.abort()
        self.listener.close()
        self._socket.close()

    async def connect(self, *, secure):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=self._trusting if secure else None
        )
        self._writers.append(writer)
        return reader, writer

    async def echoed(self, words):
        reader, writer = await self.connect(secure=True)
        writer.write(words)
        said = await reader.readexactly(len(words))
        writer.close()
        return said == words

    async def until_open(self, number):
        while len(self.guards.connections) != number:  # noqa: ASYNC110  # bounded by `played`
            await asyncio.sleep(0.01)


def played(loop, story):
    async def bounded():
        async with asyncio.timeout(60):
            await story()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(bounded())


@LOOPS
def test_who_connects_and_says_nothing_is_let_go(desk, monkeypatch, loop):
    monkeypatch.setattr(tls_listener, "HANDSHAKE", 0.1)

    async def story():
        async with House(desk.shown.plate.context) as house:
            reader, _ = await house.connect(secure=False)
            assert await reader.read() == b""
            await house.until_open(0)
            assert house.guards.refused == {"TLS_HANDSHAKE": 1}

    played(loop, story)


@LOOPS
def test_a_crowd_in_its_handshakes_counts_for_its_address(desk, monkeypatch, loop):
    monkeypatch.setattr(connections, "YOUNG", 0.0)

    async def story():
        async with House(desk.shown.plate.context, unproven=3) as house:
            silent = [(await house.connect(secure=False))[0] for _ in range(5)]
            for reader in silent[:2]:
                with suppress(ConnectionResetError):
                    assert await reader.read() == b"", "the oldest went"
            await house.until_open(3)
            assert house.guards.refused == {"CONNECTIONS_TOO_MANY": 2}
            assert await house.echoed(b"honest"), "a newcomer of that address is served"

    played(loop, story)


@LOOPS
def test_what_comes_with_the_end_of_the_handshake_is_not_lost(desk, loop):
    async def story():
        async with House(desk.shown.plate.context) as house:
            for number in range(20):
                assert await house.echoed(b"%d" % number * 9_000)
            reader, writer = await house.connect(secure=False)
            writer.write(b"GET / HTTP/1.1\r\nHost: plain\r\n\r\n")
            with suppress(ConnectionResetError):
                await reader.read()
            await house.until_open(0)
            assert house.guards.refused == {"TLS_HANDSHAKE": 1}

    played(loop, story)


def test_the_metrics_show_when_the_certificate_ends(desk, tmp_path):
    (family,) = TlsMetrics(desk).collect()
    (sample,) = family.samples
    days = (sample.value - SystemClock().now() / 1e6) / 86_400
    assert 397 < days <= 398
    assert list(TlsMetrics(TrustDesk.open(None, tmp_path, SystemClock())).collect()) == []
