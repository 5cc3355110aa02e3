"""Who does not shake hands is let go; when the certificate ends is shown."""

import asyncio

import pytest

from central.api import server
from central.api.tls_metrics import TlsMetrics
from central.tls.settings import OwnTls
from central.tls.trust import TrustDesk
from protocols.clock import SystemClock


@pytest.fixture
def desk(tmp_path):
    return TrustDesk.open(OwnTls(), tmp_path, SystemClock())


def test_who_connects_and_says_nothing_is_let_go(desk, monkeypatch):
    monkeypatch.setattr(server, "HANDSHAKE", 0.1)

    async def silent(context):
        loop = asyncio.get_running_loop()
        listening = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0, ssl=context)
        port = listening.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(60):
            said = await reader.read()
        writer.close()
        listening.close()
        return said

    with asyncio.Runner(loop_factory=server.loop_factory()) as runner:
        assert runner.run(silent(desk.shown.plate.context)) == b""


def test_a_plain_server_needs_no_handshake():
    async def served():
        loop = asyncio.get_running_loop()
        listening = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
        listening.close()
        return True

    with asyncio.Runner(loop_factory=server.loop_factory()) as runner:
        assert runner.run(served())


def test_the_metrics_show_when_the_certificate_ends(desk, tmp_path):
    (family,) = TlsMetrics(desk).collect()
    (sample,) = family.samples
    days = (sample.value - SystemClock().now() / 1e6) / 86_400
    assert 397 < days <= 398
    assert list(TlsMetrics(TrustDesk.open(None, tmp_path, SystemClock())).collect()) == []
