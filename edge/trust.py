"""Whom the gateway takes for its collector when a connection is made, and by which time.

With a `trust.json` only its certificates count, and the collector's fixed name, whatever address
was dialled and whichever proxy carried it. Dates are checked by the machine's clock only while that
can be right: it is synchronised and not below the floor (the last time the collector signed, at
least the day this program was made). Otherwise by the floor itself, which a collector's answer
raises: the chain and the name are always checked. Without the file, as every program does; but not
where a key of ours lies beside: that came with a `trust.json`, which was lost.
"""

import errno
import logging
import os
import ssl
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import socket
from typing import Any, Final

from edge.config import CollectorLink
from edge.identity import KEY
from edge.trust_file import TRUST, Known, TrustUnreadable, load, save
from protocols.clock import HOUR, Clock, ClockState
from protocols.clock_trust import BUILT
from protocols.errors import UplinkUnavailable
from protocols.tls.statement import Statement
from protocols.words import Value

logger = logging.getLogger(__name__)

NO_CHECK_TIME: Final = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL, which Python does not name."""
DAY: Final = 24 * HOUR
SLACK: Final = HOUR
"""A clock may be so far below the floor, and a certificate begin so far ahead of it."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CODES: Final = {
    9: "TLS_NOT_YET",
    10: "TLS_EXPIRED",
    62: "TLS_WRONG_NAME",
    64: "TLS_WRONG_NAME",
} | dict.fromkeys((2, 7, 18, 19, 20, 21, 24, 30), "TLS_WRONG_CA")
"""OpenSSL's verdicts (x509_vfy.h): not yet, expired, host, address; no way to a CA we know."""


class CertificateRefused(UplinkUnavailable):
    """Whoever answered did not show a certificate of this collector; nothing was sent."""

    code = "TLS_REFUSED"


class Trust:
    """What is known of one collector; used by several threads. `file` None: nothing ever is."""

    def __init__(self, file: Path | None, clock: Clock) -> None:
        self._file = file
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._known: Known | None = None
        self._heard: tuple[int, int] | None = None

    @property
    def known(self) -> Known | None:
        """What the file says now; None without one. Raises TrustUnreadable."""
        if self._file is None:
            return None
        with self._lock:
            self._look(self._file)
            return self._known

    def secure(self, plain: socket, host: str) -> ssl.SSLSocket:
        """Return `plain`, connected to `host`, as TLS with our collector at the other end.

        Raises CertificateRefused, TrustUnreadable, OSError (ssl.SSLError: not TLS at all).
        """
        known = self.known
        by_clock = known is None or self._clock_is_right(known)
        context = context_of(known, by_clock=by_clock)
        try:
            made = context.wrap_socket(plain, server_hostname=host)
        except ssl.SSLCertVerificationError as exc:
            raise self._refused(_CODES.get(exc.verify_code, "TLS_REFUSED"), host, exc) from exc
        if known is not None:
            code = self._verdict(known, made, context, by_clock=by_clock)
            if code is not None:
                made.close()
                by = None if by_clock else self._moment(known)[0]
                raise self._refused(code, host, by=by)
        return made

    def heard(self, now: int) -> None:
        """Take note of the time the collector signed in answer to a number we had just made up.

        Such a time sets the floor both ways: the collector may have been wrong before.
        """
        if self._clock.state is ClockState.STORY:
            return
        self._heard = (now, self._clock.mono())
        known = self.known
        if known is not None and abs(now - known.floor) >= DAY:
            self.keep(replace(known, floor=now))

    def take(self, said: Statement) -> bool:
        """Take over what our collector has signed; returns whether anything is new.

        The caller has checked the signature. Raises TrustUnreadable.
        """
        known = self.known
        if known is None or said.collector != known.collector:
            return False
        fresh = replace(known, name=said.name, authorities=said.authorities)
        changed = fresh != known
        lower = said.now < self._moment(known)[0] - SLACK
        if changed or lower:
            logger.warning("the collector's certificates or its time changed: taken over")
            self.keep(replace(fresh, floor=said.now))
        self.heard(said.now)
        return changed or lower

    def keep(self, known: Known) -> None:
        """Know this from now on, also after a restart where the disk allows it."""
        if self._file is None:
            return
        with self._lock:
            self._known = known
            try:
                save(self._file, known)
                self._seen = _state(self._file)
            except OSError as exc:
                logger.warning("cannot write %s: %s", self._file, exc)

    def _look(self, file: Path) -> None:
        try:
            seen = _state(file)
        except OSError:
            seen = None
        if seen is None or seen != self._seen:
            self._known, self._seen = load(file), seen
        if self._known is None and file.with_name(KEY).exists():
            # Put in place before the key, so it was lost: whom we trusted is not to be guessed.
            raise TrustUnreadable(file=str(file), reason=os.strerror(errno.ENOENT))

    def _clock_is_right(self, known: Known) -> bool:
        state = self._clock.state
        if state is ClockState.STORY:  # the machine's own is not the story's
            return True
        floor, _ = self._moment(known)
        return state is ClockState.SYNCHRONISED and self._clock.now() >= floor - SLACK

    def _moment(self, known: Known) -> tuple[int, bool]:
        """Return a time that is certainly past, and whether it is also about now."""
        if self._heard is not None:
            now, at = self._heard
            return max(BUILT, now + self._clock.mono() - at), True
        return max(BUILT, known.floor), False

    def _verdict(
        self, known: Known, made: ssl.SSLSocket, context: ssl.SSLContext, *, by_clock: bool
    ) -> str | None:
        shown = made.getpeercert() or {}
        if known.name is not None and ("DNS", known.name) not in shown.get("subjectAltName", ()):
            return "TLS_WRONG_NAME"
        if by_clock:
            return None
        moment, about_now = self._moment(known)
        above = [each for each in context.get_ca_certs() if each["subject"] == shown["issuer"]]
        for each in (shown, *above):
            if _time(each, "notAfter") < moment:
                return "TLS_EXPIRED"
            if about_now and _time(each, "notBefore") > moment + SLACK:
                return "TLS_NOT_YET"
        return None

    def _refused(
        self,
        code: str,
        host: str,
        exc: ssl.SSLCertVerificationError | None = None,
        by: int | None = None,
    ) -> CertificateRefused:
        known = self._known
        params: dict[str, Value] = {
            "host": host,
            "name": (known.name if known is not None else None) or host,
            "clock": _text(self._clock.now() if by is None else by),
            "reason": exc.verify_message if exc is not None else "",
        }
        return CertificateRefused(code, **params)


def trust_of(link: CollectorLink, clock: Clock) -> Trust:
    """Return what the gateway's identity folder says of its collector."""
    folder = link.identity_folder
    return Trust(None if folder is None else folder / TRUST, clock)


def context_of(known: Known | None, *, by_clock: bool) -> ssl.SSLContext:
    """Return how to check the other end's certificate."""
    if known is None:
        return ssl.create_default_context()
    if known.authorities:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata="".join(known.authorities))
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    else:
        context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not by_clock:
        context.verify_flags |= NO_CHECK_TIME
    # The name is looked at afterwards: what is asked for on the way stays the address.
    context.check_hostname = known.name is None
    return context


def _state(file: Path) -> tuple[int, int, int]:
    state = file.stat()
    return state.st_mtime_ns, state.st_size, state.st_ino


def _time(certificate: Any, key: str) -> int:
    return ssl.cert_time_to_seconds(certificate[key]) * 1_000_000


def _text(microseconds: int) -> str:
    return (_EPOCH + timedelta(microseconds=microseconds)).isoformat(timespec="seconds")
