"""Certificates for tests: a CA and servers by it, in files, and who trusts them."""

import ssl
from pathlib import Path

from edge.trust_file import TRUST, Known, save
from protocols.clock import HOUR, SystemClock
from protocols.signing.answer import signed
from protocols.signing.keys import Ed25519Signer
from protocols.tls.making import Pair, make_authority, make_server
from protocols.tls.statement import Statement, encode_statement
from tests.fakes import FakeCollector

DAY = 24 * HOUR
YEAR = 365 * DAY
ID = "0123456789abcdef"
NAME = f"collector.{ID}"


def now() -> int:
    return SystemClock().now()


def authority(begin: int = -YEAR, end: int = 19 * YEAR) -> Pair:
    """Return a CA that holds from `begin` to `end`, both from now."""
    return make_authority(NAME, now() + begin, now() + end)


def server(by: Pair, *names: str, begin: int = -DAY, end: int = YEAR) -> Pair:
    """Return a server certificate; never of the first names if none are given."""
    return make_server(by, names or (NAME,), now() + begin, now() + end)


def put(file: Path, pair: Pair) -> Path:
    file.write_bytes(pair.pem())
    file.chmod(0o600)
    return file


def over_tls(collector: FakeCollector, file: Path) -> ssl.SSLContext:
    """Let the collector speak TLS with the certificate and key in `file`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    made = collector.server
    made.socket = context.wrap_socket(made.socket, server_side=True)
    collector.url = collector.url.replace("http:", "https:")
    return context


def known(*authorities: Pair, key: Ed25519Signer | None = None, floor: int = 0) -> Known:
    return Known(
        collector=ID,
        key=None if key is None else key.public.encode(),
        name=NAME,
        authorities=tuple(each.public().decode() for each in authorities),
        floor=floor,
    )


def trusting(folder: Path, what: Known) -> Path:
    """Write `trust.json`; returns the identity folder."""
    save(folder / "identity" / TRUST, what)
    return folder / "identity"


def statement(by: Ed25519Signer, nonce: str, *authorities: Pair, at: int | None = None) -> bytes:
    said = Statement(
        collector=ID,
        key=by.public.encode(),
        name=NAME,
        authorities=tuple(each.public().decode() for each in authorities),
        now=now() if at is None else at,
        nonce=nonce,
    )
    return signed(encode_statement(said), by)
