"""The few requests of an enrolment, over one connection to whoever answers.

Whose certificate is shown is not checked here but remembered: both sides prove afterwards, with the
code, that they saw the same one. So nothing that is sent before that is secret, and nothing that is
heard is believed without proof or signature. Blocking.
"""

import hashlib
import http.client
import json
import ssl
from typing import TYPE_CHECKING, Any, Final

from edge.config import CollectorLink
from edge.dialling import Dialler
from edge.trust import Trust
from protocols.clock import SystemClock
from protocols.errors import FengsuiError, UplinkRefused, UplinkUnavailable, WireError
from protocols.wire.bounds import RECORD_BYTES
from protocols.wire.canonical import dump, load_any
from protocols.wire.fields import Fields
from protocols.wire.headers import CONTENT_DIGEST, NONCE, content_digest

if TYPE_CHECKING:
    from protocols.signing.keys import Signer

TYPE: Final = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
WHERE: Final = "enrolment"


class Talk:
    """Requests to `link.url`; use as a context, so that the connection is let go of."""

    def __init__(self, link: CollectorLink, agent: str) -> None:
        self._url = link.url
        self._agent = agent
        self._dialler = Dialler(link, Trust(None, SystemClock()))
        self._made: http.client.HTTPConnection | None = None
        self.certificate: str | None = None
        """SHA-256 of the certificate that was shown, None over plain HTTP."""

    def __enter__(self) -> "Talk":
        return self

    def __exit__(self, *_: object) -> None:
        self.hang_up()

    def call(self) -> None:
        """Make the connection. Raises UplinkUnavailable, UplinkRefused."""
        self.hang_up()
        try:
            self._made = self._dialler.dial_anybody()
        except (OSError, http.client.HTTPException) as exc:
            raise self._unreachable(exc) from exc
        sock = self._made.sock
        shown = sock.getpeercert(binary_form=True) if isinstance(sock, ssl.SSLSocket) else None
        self.certificate = None if shown is None else hashlib.sha256(shown).hexdigest()

    def hang_up(self) -> None:
        """Let go of the connection."""
        made, self._made = self._made, None
        if made is not None:
            made.close()

    def tell(self, path: str, said: dict[str, Any]) -> Fields:
        """Send JSON over the connection that was made and return what is answered.

        Raises UplinkUnavailable, UplinkRefused (with the collector's code), NotOurs.
        """
        body = dump(said, WHERE)
        return self._read(self._exchange("POST", path, body, TYPE))

    def ask(self, path: str, nonce: str, signer: "Signer | None" = None) -> bytes:
        """Ask, signed where there is a key, and return the bytes of the answer. Raises the same."""
        if self._made is None:
            self.call()
        fields = {**TYPE, NONCE: nonce, CONTENT_DIGEST: content_digest(b"")}
        if signer is not None:
            from protocols.signing.request import Message, sign_request

            digest = fields[CONTENT_DIGEST]
            about = Message(method="GET", path=path, content_digest=digest, bound=nonce)
            fields |= sign_request(signer, about, nonce)
        status, data = self._exchange("GET", path, b"", fields)
        if status != 200:
            raise self._refused(status, data)
        return data

    def _exchange(
        self, method: str, path: str, body: bytes, fields: dict[str, str]
    ) -> tuple[int, bytes]:
        made = self._made
        if made is None:
            raise UplinkUnavailable("ENROL_UNREACHABLE", url=self._url, reason="closed")
        full = {**fields, "User-Agent": self._agent}
        if self._dialler.plain_proxy:
            full |= self._dialler.introduction()
        try:
            made.request(method, self._dialler.target(path), body or None, full)
            response = made.getresponse()
            data = response.read(RECORD_BYTES + 1)
        except (OSError, http.client.HTTPException) as exc:
            self.hang_up()
            raise self._unreachable(exc) from exc
        if response.will_close:
            self.hang_up()
        return response.status, data

    def _read(self, answered: tuple[int, bytes]) -> Fields:
        status, data = answered
        if status != 200:
            raise self._refused(status, data)
        try:
            return Fields(load_any(data, WHERE, RECORD_BYTES), WHERE)
        except WireError as exc:
            raise self._not_ours(status) from exc

    def _refused(self, status: int, data: bytes) -> FengsuiError:
        """Return what a refusal means: the collector's own, or somebody else's page."""
        try:
            said = json.loads(data)
            code, params = said["code"], said["params"]
            known = isinstance(code, str) and isinstance(params, dict) and "request" in said
        except (ValueError, TypeError, KeyError, RecursionError):
            known = False
        if not known:
            return self._not_ours(status)
        plain = {key: each for key, each in params.items() if isinstance(each, int | float | str)}
        return UplinkRefused(code, **plain)

    def _not_ours(self, status: int) -> UplinkRefused:
        return UplinkRefused("ENROL_NOT_OURS", url=self._url, status=status)

    def _unreachable(self, exc: Exception) -> UplinkUnavailable:
        reason = (exc.strerror if isinstance(exc, OSError) else None) or str(exc)
        return UplinkUnavailable(
            "ENROL_UNREACHABLE", url=self._url, reason=reason or type(exc).__name__
        )
