"""The collector's own CA and the server certificate it makes, as files of the data folder.

`ca.pem` (CA certificate and key), `ca-next.pem` (the CA that will follow, once there is one),
`server.pem` (certificate and key), all for the collector's account only, and `ca.crt` for people to
hand out. What is due by the clock is done by `tend`, as often as one likes: a server certificate is
replaced at two thirds of its life; five years before its end a CA gets a follower, which gateways
learn of by the statement of trust, and which signs from two years before that end on.
"""

import ipaddress
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from central.tls.folder import CURRENT, NEXT, PUBLIC, SERVER, OwnFileUnusable, reason, write
from protocols.clock import HOUR
from protocols.errors import FengsuiError
from protocols.tls import reading
from protocols.tls.making import Pair, make_authority, make_server
from protocols.tls.names import server_name

logger = logging.getLogger(__name__)

DAY: Final = 24 * HOUR
YEAR: Final = 365 * DAY
CA_LIFE: Final = 20 * YEAR
SERVER_LIFE: Final = 398 * DAY
"""The longest that browsers accept."""
ANNOUNCED: Final = 5 * YEAR
TAKES_OVER: Final = 2 * YEAR
"""Before a CA's end its follower is made, and signs."""
BACKDATED: Final = DAY
"""Certificates begin so long before they are made: not every clock is right to the minute."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class AuthorityUnusable(FengsuiError):
    """The CA's file is damaged; without it gateways would need a new one."""

    code = "TLS_AUTHORITY_UNUSABLE"


class ClockWrong(FengsuiError):
    """The clock is not within the CA's life, and nobody vouches for it: nothing is done by it."""

    code = "TLS_CLOCK_WRONG"


@dataclass(frozen=True, slots=True)
class Holding:
    """What there is; `following` None: no other CA is due yet."""

    current: Pair
    following: Pair | None
    server: Pair


class Authority:
    """The CA of the collector with this id; its certificate is also for `names`."""

    def __init__(self, folder: Path, collector: str, names: Sequence[str] = ()) -> None:
        self.folder = folder
        self._name = server_name(collector)
        self._names = tuple(dict.fromkeys((self._name, *map(plain, names))))
        self._held: Holding | None = None

    @property
    def held(self) -> Holding:
        """What there was at the last `tend`."""
        if self._held is None:
            raise AssertionError("nothing is held before `tend`")
        return self._held

    @property
    def server_file(self) -> Path:
        """Where certificate and key of the server are."""
        return self.folder / SERVER

    def published(self) -> tuple[str, ...]:
        """Return the CAs that gateways should trust, as PEM."""
        held = self.held
        pairs = [held.current] if held.following is None else [held.current, held.following]
        return tuple(pair.public().decode() for pair in pairs)

    def tend(self, now: int, *, sure: bool) -> bool:
        """Make what is missing or due at `now` (µs UTC); returns whether anything changed.

        A CA is announced, takes over or is replaced only by a clock that is `sure`: a server
        certificate can be made again, a CA that gateways know cannot. Raises AuthorityUnusable,
        ClockWrong, OwnFileUnusable (the disk); what was held stays, or there is nothing yet.
        """
        current, following = self._pair(CURRENT), self._pair(NEXT)
        before, server = self._held, self._server()
        if current is None or sure:
            current, following = self._authorities(current, following, now)
        begin, end = reading.span(current.certificate)
        wrong = not begin <= now < end
        moment = begin + BACKDATED if wrong else now
        if server is None or self._is_due(server, current, None if wrong else now):
            until = moment + SERVER_LIFE
            server = make_server(current, self._names, moment - BACKDATED, until)
            write(self.folder / SERVER, server.pem())
        held = self._held = Holding(current, following, server)
        if wrong:
            raise ClockWrong(clock=moment_text(now))
        return before is None or _marks(before) != _marks(held)

    def _authorities(
        self, current: Pair | None, following: Pair | None, now: int
    ) -> tuple[Pair, Pair | None]:
        if current is not None and following is not None and _same(current, following):
            following = None  # it had taken over when we were interrupted
        begin, end = (now, now) if current is None else reading.span(current.certificate)
        if current is not None and now < begin:
            return current, following
        if following is not None and end - now < TAKES_OVER:
            logger.warning("the CA that was announced takes over")
            write(self.folder / CURRENT, following.pem())
            write(self.folder / PUBLIC, following.public(), mode=0o644)
            (self.folder / NEXT).unlink(missing_ok=True)
            return self._authorities(following, None, now)
        if current is None or end <= now:
            current, end = self._make(CURRENT, now), now + CA_LIFE
            write(self.folder / PUBLIC, current.public(), mode=0o644)
        if following is None and end - now < ANNOUNCED:
            following = self._make(NEXT, now)
        return current, following

    def _make(self, file: str, now: int) -> Pair:
        logger.info("making a CA: %s", file)
        made = make_authority(self._name, now - BACKDATED, now + CA_LIFE)
        write(self.folder / file, made.pem())
        return made

    def _is_due(self, server: Pair, current: Pair, now: int | None) -> bool:
        """`now` None: nobody knows. Before its beginning: the clock was ahead when it was made."""
        begin, end = reading.span(server.certificate)
        return (
            (now is not None and not begin <= now < begin + (end - begin) * 2 // 3)
            or reading.names(server.certificate) != frozenset(self._names)
            or not reading.issued(server.certificate, current.certificate)
        )

    def _pair(self, name: str) -> Pair | None:
        file = self.folder / name
        try:
            return reading.read_pair(file.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise OwnFileUnusable(file=str(file), reason=reason(exc)) from exc
        except FengsuiError as exc:
            # Never overwritten by itself: it may be all that gateways trust.
            raise AuthorityUnusable(file=str(file), code=exc.code) from exc

    def _server(self) -> Pair | None:
        try:
            return self._pair(SERVER)
        except AuthorityUnusable:
            return None  # it can always be made again


def moment_text(microseconds: int) -> str:
    """Return a time for people and programs, RFC 3339 UTC."""
    return (_EPOCH + timedelta(microseconds=microseconds)).isoformat(timespec="seconds")


def plain(name: str) -> str:
    """Return a host name or an address in the one form that certificates hold."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name.lower()


def _same(one: Pair, other: Pair) -> bool:
    return reading.fingerprint(one.certificate) == reading.fingerprint(other.certificate)


def _marks(held: Holding) -> tuple[str, ...]:
    pairs = (held.current, held.following, held.server)
    return tuple(reading.fingerprint(p.certificate) for p in pairs if p is not None)
