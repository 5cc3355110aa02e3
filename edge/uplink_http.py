"""Blocking HTTP to the collector over one kept connection; every call runs in an OwnerThread.

Redirects are not followed and answers are read to a bound. What goes wrong on the way leaves here
as UplinkUnavailable. A request may be sent twice when a kept connection turns out to be dead: every
request of the protocol may be repeated.
"""

import http.client
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from edge.config import CollectorLink
from protocols.errors import UplinkRefused, UplinkUnavailable

ANSWER_BYTES: Final = 64 * 1024
BASE: Final = "/api/v1/ingest/"
WHOLE: Final = 4.0
"""A request may take so many times the timeout that each of its steps has."""
DEAD: Final = (
    http.client.RemoteDisconnected,
    http.client.CannotSendRequest,
    BrokenPipeError,
    ConnectionResetError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back, from whoever. `retry_after` in seconds, None when not said."""

    status: int
    body: bytes
    retry_after: float | None = None


class Token:
    """The gateway's token, read again whenever its file changes."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen: tuple[int, int] | None = None
        self._value = ""

    def __repr__(self) -> str:
        return f"Token({self._file})"

    def read(self) -> str:
        """Return the token. Raises UplinkRefused when the file cannot be read."""
        try:
            state = self._file.stat()
            seen = (state.st_mtime_ns, state.st_size)
            if seen != self._seen:
                self._value = self._file.read_text(encoding="ascii").strip()
                self._seen = seen
        except (OSError, UnicodeError) as exc:
            raise UplinkRefused("TOKEN_UNREADABLE", file=str(self._file)) from exc
        return self._value


class Connection:
    """One connection to `link.url`, made when needed; not thread safe, owned by one thread."""

    def __init__(self, link: CollectorLink, agent: str) -> None:
        self._link = link
        self._agent = agent
        self._url = urlsplit(link.url)
        self._token = Token(link.token_file)
        self._kept: http.client.HTTPConnection | None = None
        self._aborted = False
        self.patience = WHOLE * link.timeout
        """Seconds after which a request is to be broken off, whatever still moves."""

    def request(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send and return the reply. Raises UplinkUnavailable, UplinkRefused (no token)."""
        full = {
            "Authorization": f"Bearer {self._token.read()}",
            "User-Agent": self._agent,
            "Accept-Encoding": "identity",
            **(headers or {}),
        }
        used_before, self._aborted = self._kept is not None, False
        try:
            return self._exchange(method, path, body, full)
        except DEAD as exc:
            self.close()
            if not used_before or self._aborted:
                raise self._unavailable(exc) from exc
        except (OSError, http.client.HTTPException) as exc:
            self.close()
            raise self._unavailable(exc) from exc
        try:
            return self._exchange(method, path, body, full)
        except (OSError, http.client.HTTPException) as exc:
            self.close()
            raise self._unavailable(exc) from exc

    def close(self) -> None:
        """Let go of the connection."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()

    def abort(self) -> None:
        """Break off a request under way, from any thread."""
        self._aborted = True
        kept = self._kept
        sock: socket.socket | None = kept.sock if kept is not None else None
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _exchange(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        if self._kept is None:
            self._kept = self._connect()
        self._kept.request(method, self._target(path), body, dict(headers))
        response = self._kept.getresponse()
        data = response.read(ANSWER_BYTES + 1)
        reply = Reply(
            status=response.status,
            body=data[:ANSWER_BYTES],
            retry_after=seconds(response.getheader("Retry-After")),
        )
        if len(data) > ANSWER_BYTES or response.will_close:
            self.close()
        return reply

    def _target(self, path: str) -> str:
        local = self._url.path.rstrip("/") + BASE + path
        plain_proxy = self._link.proxy is not None and self._url.scheme == "http"
        return f"http://{self._url.netloc}{local}" if plain_proxy else local

    def _connect(self) -> http.client.HTTPConnection:
        secure = self._url.scheme == "https"
        host, port = self._url.hostname or "", self._url.port or (443 if secure else 80)
        where = urlsplit(self._link.proxy) if self._link.proxy else None
        at = (where.hostname or "", where.port or 8080) if where else (host, port)
        made = self._make(at, secure=secure)
        if where is not None and secure:
            made.set_tunnel(host, port)
        made.connect()
        return made

    def _make(self, at: tuple[str, int], *, secure: bool) -> http.client.HTTPConnection:
        timeout = self._link.timeout
        if not secure:
            return http.client.HTTPConnection(*at, timeout=timeout)
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(*at, timeout=timeout, context=context)

    def _unavailable(self, exc: Exception) -> UplinkUnavailable:
        reason = str(exc) or type(exc).__name__
        return UplinkUnavailable(url=self._link.url, reason=reason)


def seconds(field: str | None) -> float | None:
    """Return a Retry-After in seconds; None when missing or a date (then the back-off decides)."""
    if field is None or not field.strip().isdigit():
        return None
    return float(min(int(field.strip()), 3600))
