"""Makes connections to the collector: direct or through an HTTP proxy, plain or as TLS.

Nothing but the connection is made here; the request that goes over it is `edge.uplink_http`'s. A
collector whose certificate is refused is asked once which certificates are its: what it answers is
signed by its key, so it does not matter who carries it. Nothing else is sent before that.
"""

import http.client
import logging
import socket
import ssl
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from edge.config import CollectorLink
from edge.secrets import ProxyCredentials
from edge.trust import CertificateRefused, Trust
from edge.trust_file import TRUST, TrustUnreadable
from protocols.clock import real_monotonic
from protocols.errors import UplinkError, UplinkRefused, UplinkUnavailable
from protocols.tls.statement import PATH, Statement, parse_statement
from protocols.wire.bounds import RECORD_BYTES
from protocols.wire.headers import NONCE, new_nonce

logger = logging.getLogger(__name__)

PROXY_WANTS: Final = 407
ASK_AGAIN: Final = 60.0
"""Real seconds between two questions about a certificate that was refused."""

Secure = Callable[[socket.socket, str], ssl.SSLSocket]


class Dialler:
    """Knows the way to `link.url`; used by one thread."""

    def __init__(self, link: CollectorLink, trust: Trust) -> None:
        self._link = link
        self._trust = trust
        self._url = urlsplit(link.url)
        self._asked: float | None = None
        file = link.proxy_credentials_file
        self._credentials = None if file is None else ProxyCredentials(file)

    @property
    def plain_proxy(self) -> bool:
        """Whether a proxy reads each request."""
        return self._link.proxy is not None and not self.secure

    @property
    def secure(self) -> bool:
        """Whether the collector is spoken to over TLS."""
        return self._url.scheme == "https"

    def target(self, path: str) -> str:
        """Return what a request for `path` (absolute, below the collector's address) asks for."""
        local = self._url.path.rstrip("/") + path
        return f"http://{self._url.netloc}{local}" if self.plain_proxy else local

    def introduction(self) -> dict[str, str]:
        """Return the fields a proxy wants. Raises UplinkRefused."""
        return {} if self._credentials is None else self._credentials.fields()

    def not_let_through(self) -> UplinkRefused:
        """Return what a 407 means."""
        code = "PROXY_WANTS_CREDENTIALS" if self._credentials is None else "PROXY_REFUSES"
        return UplinkRefused(code, proxy=self._link.proxy)

    def dial(self) -> http.client.HTTPConnection:
        """Return a connection to our collector. Raises UplinkError, OSError, HTTPException."""
        try:
            return self._dialled(self._trust.secure)
        except CertificateRefused as exc:
            if not self._explained(exc):
                raise
        return self._dialled(self._trust.secure)

    def dial_anybody(self) -> http.client.HTTPConnection:
        """Return a connection to whoever answers: for an enrolment, which proves who it was.

        Raises UplinkError, OSError, HTTPException.
        """
        return self._dialled(_whoever)

    def ask(self) -> Statement | None:
        """Ask the collector which certificates are its; None: it is not known by a key.

        Raises UplinkError, OSError, HTTPException.
        """
        known = self._trust.known
        if known is None or known.key is None or not self.secure:
            return None
        # Here alone: not every gateway has a key to check with.
        from protocols.signing.answer import must_be_signed
        from protocols.signing.keys import KeyUnusable, PublicKey

        try:
            public = PublicKey.parse(known.key)
        except KeyUnusable as exc:
            raise TrustUnreadable(file=TRUST, reason="key") from exc
        nonce, made = new_nonce(), self._dialled(_whoever)
        try:
            made.request("GET", self.target(PATH), headers={NONCE: nonce})
            response = made.getresponse()
            body = response.read(RECORD_BYTES + 1)
        finally:
            made.close()
        if response.status != 200:
            raise UplinkRefused("NOT_THE_COLLECTOR", status=response.status)
        must_be_signed(body, public)
        return parse_statement(body, nonce)

    def _explained(self, refused: CertificateRefused) -> bool:
        """Whether our collector says something new, so that it is worth another attempt."""
        now = real_monotonic()
        if self._asked is not None and now - self._asked < ASK_AGAIN:
            return False
        self._asked = now
        with suppress(UplinkError, OSError, http.client.HTTPException):
            said = self.ask()
            return said is not None and self._trust.take(said)
        logger.info("no word from the collector about its certificate: %s", refused)
        return False

    def _dialled(self, secure: Secure) -> http.client.HTTPConnection:
        host, port = self._url.hostname or "", self._url.port or (443 if self.secure else 80)
        where = urlsplit(self._link.proxy) if self._link.proxy else None
        at = (where.hostname or "", where.port or 8080) if where else (host, port)
        made = http.client.HTTPConnection(*at, timeout=self._link.timeout)
        if self.secure:
            made.default_port = 443
        if where is not None and self.secure:
            made.set_tunnel(host, port, self.introduction())
        try:
            made.connect()
            if self.secure:
                made.sock = secure(made.sock, host)
        except BaseException as exc:
            made.close()
            # A proxy's answer that refused us would stay open in them until they are collected.
            traceback.clear_frames(exc.__traceback__)
            if str(exc).startswith(f"Tunnel connection failed: {PROXY_WANTS}"):
                raise self.not_let_through() from exc
            if isinstance(exc, ssl.SSLError) and not isinstance(exc, ssl.SSLEOFError):
                raise NotTls(host=host, reason=exc.reason or str(exc)) from exc
            raise
        return made


class NotTls(UplinkUnavailable):
    """What answered does not speak TLS with us."""

    code = "TLS_NOT_SPOKEN"


def _whoever(plain: socket.socket, host: str) -> ssl.SSLSocket:
    """TLS with anybody: nothing secret may go out, and only what is signed may be believed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(plain, server_hostname=host)
