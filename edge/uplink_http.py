"""Blocking HTTP to the collector over one kept connection; every call runs in an OwnerThread.

Redirects are not followed and answers are read to a bound. What goes wrong on the way leaves here
as UplinkUnavailable. A request may be sent twice when a kept connection turns out to be dead: every
request of the protocol may be repeated. A large body goes out in pieces, and between two of them it
may give way to what is more urgent; so that this helps, little waits in the kernel.
"""

import fcntl
import http.client
import select
import socket
import struct
import termios
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from edge.config import CollectorLink
from edge.dialling import PROXY_WANTS, Dialler
from edge.pace import Transfer
from edge.proving import Proof
from edge.trust import Trust, trust_of
from edge.warrant import Showing
from protocols.clock import SystemClock, real_monotonic
from protocols.errors import UplinkUnavailable
from protocols.warrant import PATH as WARRANT
from protocols.wire.headers import NONCE
from protocols.wire.rule_talk import HINT, HINT_LENGTH

ANSWER_BYTES: Final = 64 * 1024
BASE: Final = "/api/v1/ingest/"
WHOLE: Final = 4.0
"""A request may take so many times the timeout that each of its steps has."""
PIECE: Final = 16 * 1024
"""Bytes of a body that go out at once; after each it is asked whether to give way."""
LOOK: Final = 5
"""Milliseconds between two looks at whether all has been confirmed."""
GIVE_WAY: Final = 10.0
"""Seconds a request gives way at most in all: the other end does not wait for ever."""
SEND_QUEUE: Final = 64 * 1024
UNSENT: Final = 16 * 1024
"""Bytes the kernel may hold of what we sent, and of that not sent yet: an alarm on another
connection shares the link with the first and must never be behind seconds of the second."""
NOTSENT_LOWAT: Final = getattr(socket, "TCP_NOTSENT_LOWAT", None)
DEAD: Final = (
    http.client.RemoteDisconnected,
    http.client.CannotSendRequest,
    BrokenPipeError,
    ConnectionResetError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back, from whoever. `retry_after` in seconds, None when not said; `rules` hints at
    the rules the collector has ("": it says nothing of them).
    """

    status: int
    body: bytes
    transfer: Transfer
    retry_after: float | None = None
    rules: str = ""


class Connection:
    """One connection to `link.url`, made when needed; not thread safe, owned by one thread.

    `give_way(seconds)` is asked between two pieces of a body: it blocks at most so long while
    something more urgent is under way, and returns whether nothing is any more. `trust` is
    shared by the connections of one gateway.
    """

    def __init__(
        self,
        link: CollectorLink,
        agent: str,
        give_way: Callable[[float], bool] = lambda _: True,
        trust: Trust | None = None,
    ) -> None:
        self._link = link
        self._agent = agent
        self._give_way = give_way
        self.trust = trust or trust_of(link, SystemClock())
        """Whom a connection is made to; an answer that is signed tells it the time."""
        self._dialler = Dialler(link, self.trust)
        self._proof = Proof(link, self.trust)
        self._showing = Showing(link)
        self._gave = 0.0
        self._kept: http.client.HTTPConnection | None = None
        self._aborted = False
        self.patience = WHOLE * link.timeout
        """Seconds after which a request is to be broken off, whatever still moves."""
        self.made = 0
        """Connections made so far."""

    def request(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send and return the reply. Raises UplinkUnavailable, UplinkRefused (no key, no token)."""
        given = {"User-Agent": self._agent, "Accept-Encoding": "identity", **(headers or {})}
        reply = self._sent(method, path, body, given)
        if self._showing.wanted(reply.status, reply.body) and self._come_back(given):
            reply = self._sent(method, path, body, given)
        if self._proof.asks_again(reply.status, reply.body):
            reply = self._sent(method, path, body, given)
        return reply

    def vouch(self, data: bytes) -> bool:
        """Return whether the collector signed `data`; False: its key is not known here.

        Raises NotAnAnswer when it is known and did not sign this.
        """
        return self._proof.vouch(data)

    def _come_back(self, given: Mapping[str, str]) -> bool:
        """Show our warrant to a collector that lost our key; return whether it took it."""
        warrant = self._showing.warrant()
        if warrant is None:
            return False
        fields = {name: given[name] for name in ("User-Agent", "Accept-Encoding")}
        fields["Content-Type"] = "application/json"
        return self._sent("POST", WARRANT, warrant, fields).status == 200

    def _sent(self, method: str, path: str, body: bytes, given: Mapping[str, str]) -> Reply:
        used_before, self._aborted = self._kept is not None, False
        try:
            return self._exchange(method, path, body, given)
        except DEAD as exc:
            self.close()
            if not used_before or self._aborted:
                raise self._unavailable(exc) from exc
        except (OSError, http.client.HTTPException) as exc:
            self.close()
            raise self._unavailable(exc) from exc
        try:
            return self._exchange(method, path, body, given)
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

    def _exchange(self, method: str, path: str, body: bytes, given: Mapping[str, str]) -> Reply:
        # Each time anew: a single-use number is not sent twice.
        target = path if path.startswith("/") else BASE + path
        fields = self._proof.fields(method, target, body, given)
        if self._kept is None:
            self._kept = self._connect()
        kept, self._gave = self._kept, 0.0
        if self._dialler.plain_proxy:
            fields |= self._dialler.introduction()
        begun = real_monotonic()
        if len(body) <= PIECE:
            kept.request(method, self._dialler.target(target), body, fields)
        else:
            fields["Content-Length"] = str(len(body))
            kept.request(method, self._dialler.target(target), self._pieces(body), fields)
        queued = self._unconfirmed(kept, len(body))
        sent = real_monotonic()
        response = kept.getresponse()
        data = response.read(ANSWER_BYTES + 1)
        self._proof.heard(response.getheader(NONCE))
        reply = Reply(
            status=response.status,
            body=data[:ANSWER_BYTES],
            transfer=Transfer(
                bytes=len(body),
                took=real_monotonic() - begun - self._gave,
                sending=sent - begun - self._gave,
                queued=queued,
                gave_way=self._gave,
            ),
            retry_after=seconds(response.getheader("Retry-After")),
            rules=(response.getheader(HINT) or "")[:HINT_LENGTH],
        )
        if len(data) > ANSWER_BYTES or response.will_close:
            self.close()
        if reply.status == PROXY_WANTS and self._link.proxy:
            raise self._dialler.not_let_through()
        return reply

    def _pieces(self, body: bytes) -> Iterator[bytes]:
        view = memoryview(body)
        bound = min(GIVE_WAY, self._link.timeout / 2)
        for start in range(0, len(body), PIECE):
            begun = real_monotonic()
            while not self._aborted and (left := bound - self._gave) > 0:
                done = self._give_way(min(left, 0.2))
                self._gave += real_monotonic() - begun
                begun = real_monotonic()
                if done:
                    break
            yield bytes(view[start : start + PIECE])

    def _unconfirmed(self, kept: http.client.HTTPConnection, size: int) -> int:
        """Wait until the other end has confirmed a body or answers; return what it has not."""
        if self._link.proxy is not None or kept.sock is None:
            return size  # a proxy's kernel confirms what has not seen the link yet
        poll, until = select.poll(), real_monotonic() + self._link.timeout
        poll.register(kept.sock, select.POLLIN)
        try:
            while (left := in_queue(kept.sock)) > 0 and real_monotonic() < until:
                if poll.poll(LOOK):
                    return min(size, in_queue(kept.sock))
        except OSError:  # it is gone, or the system cannot say: the answer will tell
            return size
        return left

    def _connect(self) -> http.client.HTTPConnection:
        made = self._dialler.dial()
        keep_queue_short(made.sock)
        self.made += 1
        return made

    def _unavailable(self, exc: Exception) -> UplinkUnavailable:
        reason = str(exc) or type(exc).__name__
        return UplinkUnavailable(url=self._link.url, reason=reason)


def in_queue(sock: socket.socket) -> int:
    """Return the bytes that were sent and not confirmed yet."""
    return int(struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4)))[0])


def keep_queue_short(sock: socket.socket) -> None:
    """Let the kernel hold little of what is sent, as far as the system can."""
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_QUEUE)
        if NOTSENT_LOWAT is not None:
            sock.setsockopt(socket.IPPROTO_TCP, NOTSENT_LOWAT, UNSENT)


def seconds(field: str | None) -> float | None:
    """Return a Retry-After in seconds; None when missing or a date (then the back-off decides)."""
    if field is None or not field.strip().isdigit():
        return None
    return float(min(int(field.strip()), 3600))
