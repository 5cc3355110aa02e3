"""Through an HTTP proxy that wants credentials: both forms, refused, explained, never shown."""

import ipaddress
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edge.config import CollectorLink, EdgeConfig
from edge.secrets import ProxyCredentials
from edge.uplink_http import Connection
from protocols.errors import UplinkRefused, UplinkUnavailable
from tests.edge.test_delivery import collector, config, rig, until
from tests.edge.waiting import eventually
from tests.fakes import FakeCollector
from tests.proxies import Proxy

__all__ = ["collector", "config"]  # fixtures

SECRET = "site-7:p@ss:字"


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    made = Proxy(SECRET)
    yield made
    made.close()


def through(link: CollectorLink, proxy: Proxy, folder: Path, secret: str = SECRET) -> CollectorLink:
    file = folder / "proxy-credentials"
    file.write_text(f"{secret}\n", encoding="utf-8")
    file.chmod(0o600)
    return replace(link, proxy=proxy.url, proxy_credentials_file=file)


async def test_data_goes_through_a_proxy_that_wants_credentials(
    config: EdgeConfig, collector: FakeCollector, proxy: Proxy, tmp_path: Path
) -> None:
    async with rig(config, through(config.collector, proxy, tmp_path)) as gateway:
        await gateway.put(5)
        await until(collector, lambda c: c.count() == 5)
    assert proxy.refused == 0
    assert all(target.startswith(f"PUT {collector.url}/api") or "POST" in target
               for target in proxy.asked)  # fmt: skip


async def test_a_407_is_told_and_a_change_of_the_file_takes_effect_at_once(
    config: EdgeConfig, collector: FakeCollector, proxy: Proxy, tmp_path: Path
) -> None:
    link = through(config.collector, proxy, tmp_path, "site-7:wrong")
    async with rig(config, link) as gateway:
        await gateway.put(1)
        await eventually(lambda: gateway.state.problem == "PROXY_REFUSES")
        picture = gateway.state.picture()
        assert picture["params"] == {"proxy": proxy.url}
        assert "wrong" not in str(picture)
        through(config.collector, proxy, tmp_path)
        await until(collector, lambda c: c.count() == 1)
        await eventually(lambda: gateway.state.problem is None)


def test_without_credentials_it_says_which_are_wanted(
    config: EdgeConfig, collector: FakeCollector, proxy: Proxy
) -> None:
    connection = Connection(replace(config.collector, proxy=proxy.url), "test")
    with pytest.raises(UplinkRefused) as caught:
        connection.request("POST", "health", b"{}")
    connection.close()
    assert caught.value.code == "PROXY_WANTS_CREDENTIALS"
    assert collector.health == []


@pytest.fixture
def secure(
    collector: FakeCollector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> FakeCollector:
    """The collector behind TLS, with a certificate this machine trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (tmp_path / "both.pem").write_bytes(pem + private)
    (tmp_path / "ca.pem").write_bytes(pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    server = collector.server
    server.socket = context.wrap_socket(server.socket, server_side=True)
    collector.url = collector.url.replace("http:", "https:")
    return collector


def test_a_tunnel_is_asked_for_with_credentials(
    secure: FakeCollector, config: EdgeConfig, proxy: Proxy, tmp_path: Path
) -> None:
    link = through(replace(config.collector, url=secure.url), proxy, tmp_path)
    connection = Connection(link, "test")
    assert (
        connection.request("POST", "health", b'{"large": "' + b"x" * 90_000 + b'"}').status == 200
    )
    assert connection.request("POST", "health", b"{}").status == 200
    assert proxy.asked == [f"CONNECT {secure.url.removeprefix('https://')}"]
    assert len(secure.health) == 2
    connection.close()


def test_a_tunnel_that_is_refused_is_told(
    secure: FakeCollector, config: EdgeConfig, proxy: Proxy, tmp_path: Path
) -> None:
    link = through(replace(config.collector, url=secure.url), proxy, tmp_path, "site-7:wrong")
    with pytest.raises(UplinkRefused) as caught:
        Connection(link, "test").request("POST", "health", b"{}")
    assert caught.value.code == "PROXY_REFUSES"
    assert "wrong" not in str(caught.value)
    proxy.close()
    with pytest.raises(UplinkUnavailable):
        Connection(link, "test").request("POST", "health", b"{}")


@pytest.mark.parametrize("content", [None, b"", b"no-colon", b"two:lines\nmore", b"\xff\xfe:x"])
def test_credentials_that_cannot_be_used_are_named_without_being_shown(
    tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "credentials"
    if content is not None:
        file.write_bytes(content)
    credentials = ProxyCredentials(file)
    with pytest.raises(UplinkRefused) as caught:
        credentials.fields()
    assert caught.value.code == "PROXY_CREDENTIALS_UNREADABLE"
    assert caught.value.params == {"file": str(file)}


def test_credentials_are_never_shown(tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text(SECRET, encoding="utf-8")
    credentials = ProxyCredentials(tmp_path / "credentials")
    assert credentials.fields()["Proxy-Authorization"].startswith("Basic ")
    assert "p@ss" not in repr(credentials)
