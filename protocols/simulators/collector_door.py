"""What the demo asks of the collector over its own API: log in by link, register gateways."""

import http.client
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from copy import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from protocols.clock import HOUR, MINUTE, SECOND, real_monotonic
from protocols.errors import FengsuiError

HEALTHY_SECONDS: Final = 30.0
TRY_EVERY: Final = 0.1
PATIENCE: Final = 20.0
"""Seconds for which one question is asked again when the collector says that there were many."""


class DoorClosed(FengsuiError):
    """The collector did not do what the demo asked."""

    code = "COLLECTOR_REFUSED"


class CollectorDoor:
    """One person's session at a collector on loopback.

    With `ca` (a PEM file, read once it is there) it speaks TLS, with a collector of that CA only.
    """

    def __init__(self, host: str, port: int, ca: Path | None = None) -> None:
        self._address = (host, port)
        self._ca = ca
        self._context: ssl.SSLContext | None = None
        self._stays: http.client.HTTPConnection | None = None
        self._cookie = ""

    def wait_healthy(
        self, ended: Callable[[], FengsuiError | None], path: str = "/healthz"
    ) -> None:
        """Return once `path` answers; raises what `ended` returns, or DoorClosed in the end."""
        deadline = real_monotonic() + HEALTHY_SECONDS
        pause = threading.Event()
        while real_monotonic() < deadline:
            if (gone := ended()) is not None:
                raise gone
            try:
                self.ask("GET", path)
            except (OSError, DoorClosed):
                pause.wait(TRY_EVERY)
            else:
                return
        raise DoorClosed(what=path, status=0, answer="")

    def log_in(self, code: str) -> None:
        """Open a session with a one-time code."""
        self.ask("POST", "/api/v1/session/link", {"code": code})

    def add_gateway(self, name: str, label: str, site: str) -> str:
        """Register a gateway without a key and return its token, which is shown only once."""
        asked = {"name": name, "label": {"zh": label, "en": name}, "site": site}
        answer = self.ask("POST", "/api/v1/gateways", {**asked, "credential": "token"})
        return str(answer["token"])

    def invite(self, name: str, label: str, site: str, now: int) -> str:
        """Register a gateway that is approved beforehand; return what its QR code says.

        `now` in µs UTC: the code is good for an hour from then on.
        """
        asked = {
            "gateway": name,
            "label": {"zh": label, "en": name},
            "site": site,
            "work_order": "demo",
            "installer": "demo",
            "opens": _rfc3339(now - MINUTE),
            "expires": _rfc3339(now + HOUR),
        }
        return str(self.ask("POST", "/api/v1/enrolment/codes", asked)["text"])

    def close(self) -> None:
        """Log out."""
        self.ask("DELETE", "/api/v1/session")

    @contextmanager
    def kept(self) -> "Iterator[CollectorDoor]":
        """The same session for many questions of one thread, over a connection that stays."""
        door = copy(self)
        with closing(self._connection()) as door._stays:
            yield door

    def put_rules(self, file: bytes, reason: str) -> list[str]:
        """Bring a file of rules in and answer for their levels; returns the new rules' ids."""
        done = self.ask("POST", "/api/v1/rule-file?ahead=true", file)
        for id_ in done["created"]:
            current = self.ask("GET", f"/api/v1/rules/{id_}")["rule"]["current"]
            levels = [{"name": each["name"]} for each in current["rule"]["levels"]]
            asked = {"levels": levels, "version": current["version"], "reason": reason}
            self.ask("POST", f"/api/v1/rules/{id_}/confirm", asked)
        return list(done["created"])

    def ask(
        self, method: str, path: str, body: dict[str, Any] | bytes | None = None
    ) -> dict[str, Any]:
        """Do one request; returns the JSON answer. Raises DoorClosed for any but a 2xx.

        Whoever reads a whole history asks more often than the collector allows one session: told
        to wait a moment, it waits.
        """
        deadline = real_monotonic() + PATIENCE
        while True:
            status, retry_after, content = self._ask_once(method, path, body)
            wait = float(retry_after or 0)
            if status != 429 or not 0 < wait <= PATIENCE or real_monotonic() + wait > deadline:
                break
            threading.Event().wait(wait)
        if status >= 300:
            raise DoorClosed(what=f"{method} {path}", status=status, answer=content.decode()[:200])
        answer: dict[str, Any] = json.loads(content) if content else {}
        return answer

    def _ask_once(
        self, method: str, path: str, body: dict[str, Any] | bytes | None
    ) -> tuple[int, str | None, bytes]:
        """Return the status, `Retry-After` and the body; keeps a session's cookie."""
        connection = self._stays or self._connection()
        sent = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        kind = "application/octet-stream" if sent is body else "application/json"
        headers = {"X-Requested-With": "fengsui", "Content-Type": kind}
        if self._cookie:
            headers["Cookie"] = self._cookie
        try:
            connection.request(method, path, sent, headers)
            response = connection.getresponse()
            content = response.read()
        finally:
            if connection is not self._stays:
                connection.close()
        cookie = response.getheader("Set-Cookie")
        if cookie and response.status < 300:
            self._cookie = cookie.split(";", 1)[0]
        return response.status, response.getheader("Retry-After"), content

    def _connection(self) -> http.client.HTTPConnection:
        """Raises OSError: the CA's file is not there yet."""
        if self._ca is None:
            return http.client.HTTPConnection(*self._address, timeout=10)
        if self._context is None:
            self._context = ssl.create_default_context(cafile=self._ca)
        return http.client.HTTPSConnection(*self._address, timeout=10, context=self._context)


def _rfc3339(time: int) -> str:
    return datetime.fromtimestamp(time // SECOND, UTC).isoformat()
