"""The TLS context the server listens with; what it shows changes without touching a connection.

Each certificate has a context of its own and every handshake takes the one shown at that moment.
(Loading another key into a live context would keep the former one where its kind differs.)
"""

import ssl
from pathlib import Path
from typing import Final

from protocols.tls.reading import fingerprint, read_certificates

REMEMBERED: Final = 2


class Doorplate:
    """Shows nothing until `show`."""

    def __init__(self) -> None:
        self._shown: ssl.SSLContext | None = None
        self.fingerprints: tuple[str, ...] = ()
        """SHA-256 of the certificate that is shown and of the one before it."""
        self.context: Final = _server()
        self.context.sni_callback = self._choose

    def show(self, certificate: Path, key: Path | None = None) -> None:
        """Show this one from the next handshake on. Raises OSError (ssl.SSLError); nothing changes.

        Without `key` the private key stands in the same file.
        """
        context = _server()
        context.load_cert_chain(certificate, key)
        seen = fingerprint(read_certificates(certificate.read_bytes())[0])
        self._shown = context
        before = [each for each in self.fingerprints if each != seen]
        self.fingerprints = (seen, *before)[:REMEMBERED]

    def _choose(
        self, connection: ssl.SSLSocket | ssl.SSLObject, _name: str | None, _: ssl.SSLContext
    ) -> int | None:
        if self._shown is None:
            return ssl.ALERT_DESCRIPTION_INTERNAL_ERROR
        connection.context = self._shown
        return None


def _server() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    return context
