"""Keeps the collector's TLS in order while it runs: renewed, reloaded, watched.

Three ways of one face: certificates of the collector's own CA, given files (taken up again whenever
they change), and none at all (a proxy in front, or loopback). The machine's own clock counts.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from central.tls.authority import DAY, Authority, ClockWrong, moment_text
from central.tls.doorplate import Doorplate
from central.tls.folder import FOLDER, PUBLIC, OwnFileUnusable, reason
from central.tls.settings import GivenTls, OwnTls, Tls
from protocols.errors import FengsuiError
from protocols.tls import reading
from protocols.tls.making import Pair
from protocols.tls.names import server_name
from protocols.words import Value

WARNED: Final = 30 * DAY
"""Before the end of a given certificate somebody is told."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something to tell people; `fault`: somebody has to do something."""

    code: str
    params: dict[str, Value]
    fault: bool = True


@dataclass(frozen=True, slots=True)
class Shown:
    """What gateways should go by: `name` None for the address dialled, no CA for the machine's."""

    name: str | None = None
    authorities: tuple[str, ...] = ()
    fingerprint: str | None = None
    """SHA-256 of the CA of the collector's own, for the QR code."""
    end: int | None = None
    """When the server certificate ends, µs UTC."""


class Keeping(Protocol):
    """What the collector shows and how it is kept in order."""

    plate: Doorplate | None
    shown: Shown

    def look(self, now: int, *, sure: bool) -> list[Note]:
        """Do what is due; blocking. Raises FengsuiError at the first look only."""


def keeping(tls: Tls | None, data: Path, collector: str) -> Keeping:
    """Return what the configuration asks for; nothing is done before the first `look`."""
    if isinstance(tls, OwnTls):
        return Own(Authority(data / FOLDER, collector, tls.names), server_name(collector))
    return Nothing() if tls is None else Given(tls)


@dataclass(slots=True)
class Nothing:
    """No TLS here."""

    plate: Doorplate | None = None
    shown: Shown = field(default_factory=Shown)

    def look(self, now: int, *, sure: bool) -> list[Note]:
        """Nothing is ever due."""
        return []


class Own:
    """Certificates of the collector's own CA."""

    def __init__(self, authority: Authority, name: str) -> None:
        self.plate: Doorplate | None = Doorplate()
        self.shown = Shown(name)
        self._authority = authority
        self._name = name

    def look(self, now: int, *, sure: bool) -> list[Note]:
        """Renew what is due. Raises FengsuiError when there is nothing to show at all."""
        notes: list[Note] = []
        changed = False
        try:
            changed = self._authority.tend(now, sure=sure)
        except ClockWrong as exc:
            notes.append(Note(exc.code, exc.params))
        except FengsuiError as exc:
            if self.shown.end is None:
                raise
            notes.append(Note("TLS_NOT_RENEWED", {"code": str(exc)}))
        return notes + (self._show() if changed or self.shown.end is None else [])

    def _show(self) -> list[Note]:
        held, before = self._authority.held, self.shown
        file = self._authority.server_file
        try:
            assert self.plate is not None  # noqa: S101  # ours has one
            self.plate.show(file)
        except OSError as exc:
            if before.end is None:
                raise OwnFileUnusable(file=str(file), reason=reason(exc)) from exc
            return [Note("TLS_NOT_RENEWED", {"code": reason(exc)})]
        mark, end = reading.fingerprint(held.current.certificate), _end(held.server)
        self.shown = Shown(self._name, self._authority.published(), mark, end)
        notes = [Note("TLS_RENEWED", {"end": moment_text(end)}, fault=False)]
        if before.fingerprint not in (None, mark):
            file = self._authority.folder / PUBLIC
            notes.append(Note("TLS_CA_CHANGED", {"file": str(file)}, fault=False))
        return notes if before.end is not None else []


class Given:
    """Files of somebody else's CA; a new one is shown as soon as it fits its key."""

    def __init__(self, tls: GivenTls) -> None:
        self.plate: Doorplate | None = Doorplate()
        self.shown = Shown()
        self._tls = tls
        self._seen: tuple[object, ...] = ()

    def look(self, now: int, *, sure: bool) -> list[Note]:
        """Take up changed files, tell of an end that is near. Raises OwnFileUnusable at first."""
        notes: list[Note] = []
        try:
            seen = tuple(
                (state.st_mtime_ns, state.st_ino, state.st_size)
                for state in (file.stat() for file in self._files)
            )
            if seen != self._seen:
                notes = self._take()
                self._seen = seen
        except (OSError, FengsuiError) as exc:
            code = str(exc) if isinstance(exc, FengsuiError) else reason(exc)
            if self.shown.end is None:
                raise OwnFileUnusable(file=str(self._tls.certificate), reason=code) from exc
            notes = [Note("TLS_NOT_RENEWED", {"code": code})]
        return notes + self._ending(now)

    @property
    def _files(self) -> list[Path]:
        tls = self._tls
        return [tls.certificate, tls.key, *([] if tls.ca is None else [tls.ca])]

    def _take(self) -> list[Note]:
        tls, first = self._tls, self.shown.end is None
        certificate = reading.read_certificates(tls.certificate.read_bytes())[0]
        reading.must_fit(certificate, reading.read_key(tls.key.read_bytes()))
        authorities: tuple[str, ...] = ()
        if tls.ca is not None:
            authorities = reading.as_pem(reading.read_certificates(tls.ca.read_bytes()))
        assert self.plate is not None  # noqa: S101  # ours has one
        self.plate.show(tls.certificate, tls.key)
        end = reading.span(certificate)[1]
        self.shown = Shown(None, authorities, None, end)
        return [] if first else [Note("TLS_RENEWED", {"end": moment_text(end)}, fault=False)]

    def _ending(self, now: int) -> list[Note]:
        end = self.shown.end
        if end is None or end - now > WARNED:
            return []
        code = "TLS_EXPIRES_SOON" if end > now else "TLS_HAS_EXPIRED"
        return [Note(code, {"file": str(self._tls.certificate), "end": moment_text(end)})]


def _end(pair: Pair) -> int:
    return reading.span(pair.certificate)[1]
