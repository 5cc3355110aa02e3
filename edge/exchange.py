"""One exchange with the collector: what its reply means; the buffer forgets or rewinds by it.

Only a complete answer with this stream's id and this request's nonce counts. Everything else (a
4xx, a proxy's page, a portal that says 200 to all) is an error, and nothing is forgotten.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from edge.buffer import Buffer, Pending, WentBack
from edge.pace import Transfer
from edge.replies import (
    BUSY,
    LESS,
    NOT_US,
    StreamRefused,
    TooLarge,
    Waiting,
    error_code,
    head_of,
    must_accept,
    refusal,
)
from edge.sabotage import Sabotage
from edge.uplink_http import Connection, Reply
from protocols.clock import Clock
from protocols.errors import NotAnAnswer, UplinkRefused, UplinkUnavailable, WireError
from protocols.owner_thread import OwnerThread
from protocols.wire import headers
from protocols.wire.answer import Answer, parse_answer
from protocols.wire.bounds import MANIFEST_BYTES
from protocols.wire.compression import compress
from protocols.wire.cursors import Cursors, parse_cursors
from protocols.wire.cursors import encode_question as encode_cursor_question
from protocols.wire.request import pack
from protocols.wire.rule_talk import Question, Said, encode_question, parse_said
from protocols.words import Event, Lane, StreamKind

RECORD: Final = {"Content-Type": "application/json"}
CLOSING: Final = 1.0
"""Seconds; a thread that still waits for a connection is left to end by itself."""
MOVED: Final = ("GAP", "NOT_AN_EDGE", "CHAIN")
"""Refusals that say where the collector's cursor is."""
OPENED: Final = 256
"""Streams whose opening the collector is known to have; one forgotten costs a request more."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What a request achieved. `went_back`: the collector was found to hold less than before."""

    answer: Answer
    transfer: Transfer
    went_back: bool = False


class Exchange:
    """The requests of one lane, over one connection in one thread."""

    def __init__(
        self, connection: Connection, thread: OwnerThread, buffer: Buffer, clock: Clock, boot: str
    ) -> None:
        self._connection = connection
        self._thread = thread
        self._buffer = buffer
        self._clock = clock
        self._boot = boot
        self._opened: OrderedDict[str, None] = OrderedDict()
        self.sabotage = Sabotage({})
        self.hinted: Callable[[str], object] = lambda _: None
        """Is told which rules the collector has, where an answer to a delivery hints at them."""

    async def send(self, pending: Pending) -> Sent:
        """Deliver one request's worth and apply the answer. Raises UplinkError."""
        if pending.stream not in self._opened:
            await self._open(pending)
        try:
            body, encoding = await self._thread.run(pack, pending.batches)
        except WireError as exc:
            raise TooLarge from exc
        nonce = headers.new_nonce()
        self.sabotage.crash.reach("edge.sending")
        reply = await self._call(
            "POST",
            f"streams/{pending.stream}/batches",
            body,
            self._headers(pending, body, encoding, nonce),
        )
        self.sabotage.crash.reach("edge.answered")
        answer = self.sabotage.heard(self._answer(reply, pending, nonce))
        back = await self._apply(answer, pending, reply)
        self.sabotage.crash.reach("edge.applied")
        self.hinted(reply.rules)
        return Sent(answer, reply.transfer, back is not None)

    async def greet(self, pending: Pending) -> None:
        """Reach the collector with nothing new: the stream's opening. Raises UplinkError."""
        await self._open(pending)

    def _headers(self, pending: Pending, body: bytes, encoding: str, nonce: str) -> dict[str, str]:
        # A head nobody here knows any more is stated as zeros: the collector's answer tells it.
        head = pending.head or bytes(32)
        return {
            "Content-Type": headers.CONTENT_TYPE,
            "Content-Encoding": encoding,
            headers.CONTENT_DIGEST: headers.content_digest(body),
            headers.CHAIN: headers.format_chain(pending.last, head),
            **self._clock_field(),
            **lane_field(pending.lane),
            headers.NONCE: nonce,
        }

    def _clock_field(self) -> dict[str, str]:
        report = headers.ClockReport(
            boot=self._boot,
            mono=self._clock.mono(),
            wall=self._clock.now(),
            state=self._clock.state,
        )
        return {headers.CLOCK: headers.format_clock(report)}

    def _answer(self, reply: Reply, pending: Pending, nonce: str) -> Answer:
        try:
            answer = parse_answer(reply.body, pending.stream, nonce)
            signed = self._connection.vouch(reply.body)
        except NotAnAnswer:
            self._explain(reply)
            raise
        if answer.code is None and reply.status != 200:
            raise NotAnAnswer(reason="status", status=reply.status)
        if signed:
            self._connection.trust.heard(answer.now)
        return answer

    def _explain(self, reply: Reply) -> None:
        """Raise what a reply without an answer most likely means, if that can be told."""
        if reply.status in BUSY:
            raise Waiting(reply.retry_after, less=reply.status in LESS)
        if reply.status == 413:
            raise TooLarge
        if error_code(reply.body) is not None:
            raise refusal(reply)

    async def _apply(self, answer: Answer, pending: Pending, reply: Reply) -> WentBack | None:
        if await self._buffer.meet(answer.incarnation):
            self._opened.clear()
        if answer.code is None:
            back = await self._buffer.committed(pending.stream, answer.committed, answer.safe)
            self.note(back)
            if back is None and answer.committed < pending.first:
                raise StreamRefused("NO_PROGRESS", stream=pending.stream)
            return back
        return await self._refused(answer, pending, reply)

    async def _refused(self, answer: Answer, pending: Pending, reply: Reply) -> WentBack | None:
        code = answer.code or ""
        if code in MOVED and answer.expected is not None:
            head = head_of(answer.params)
            back = await self._buffer.rewind(pending.stream, answer.expected, head)
            self.note(back)
            asked = pending.head is None and head is not None  # and was answered
            if answer.expected != pending.first or asked:
                return back
        if code == "STREAM_UNKNOWN":
            self._opened.pop(pending.stream, None)
            self.note(await self._buffer.rewind(pending.stream, answer.expected or 1))
            raise UplinkUnavailable(code, stream=pending.stream)
        if code == "TOO_LARGE":
            raise TooLarge
        if code == "BUSY" or reply.status in BUSY:
            seconds = reply.retry_after or answer.retry_after_ms / 1000 or None
            raise Waiting(seconds, less=reply.status in LESS)
        kind = UplinkRefused if reply.status in NOT_US else StreamRefused
        raise kind(code, status=reply.status, stream=pending.stream)

    @property
    def connections(self) -> int:
        """How many connections were made: with each of them another collector may answer."""
        return self._connection.made

    def note(self, back: WentBack | None) -> None:
        """Report a collector that was put back; the report itself goes out first of all."""
        if back is None:
            return
        self._opened.clear()
        params = (("now", back.now), ("stream", back.stream), ("told", back.told))
        event = Event("COLLECTOR_WENT_BACK", "", self._clock.mono(), params)
        self._buffer.append(StreamKind.ALARM, [event])

    async def _open(self, pending: Pending) -> None:
        path, fields = f"streams/{pending.stream}", RECORD | lane_field(pending.lane)
        reply = await self._call("PUT", path, pending.opening, fields | self._clock_field())
        if reply.status == 428:
            await self._put_manifest(pending)
            reply = await self._call("PUT", path, pending.opening, fields | self._clock_field())
        must_accept(reply)
        self._opened[pending.stream] = None
        if len(self._opened) > OPENED:
            self._opened.popitem(last=False)

    async def _put_manifest(self, pending: Pending) -> None:
        digest = pending.manifest
        manifest = await self._buffer.manifest(digest)
        if manifest is None:
            raise UplinkRefused("MANIFEST_LOST", digest=digest)
        body, encoding = await self._thread.run(compress, manifest, None, MANIFEST_BYTES)
        fields = RECORD | lane_field(pending.lane) | {"Content-Encoding": encoding}
        reply = await self._call("PUT", f"manifests/{digest}", body, fields)
        must_accept(reply)

    async def ask(self, streams: Sequence[str]) -> Cursors:
        """Return how far the collector has `streams` (at most 500). Raises UplinkError."""
        nonce = headers.new_nonce()
        fields = RECORD | {headers.NONCE: nonce}
        question = encode_cursor_question(streams, self._boot)
        reply = await self._call("POST", "cursors", question, fields)
        if reply.status != 200:
            raise refusal(reply)
        cursors = parse_cursors(reply.body, nonce, streams)
        self._connection.vouch(reply.body)
        return self.sabotage.told(cursors)

    async def ask_rules(self, question: Question) -> Said:
        """Return what the collector has of its rules, and people's acts. Raises UplinkError."""
        nonce = headers.new_nonce()
        fields = RECORD | {headers.NONCE: nonce}
        reply = await self._call("POST", "rules", encode_question(question), fields)
        if reply.status != 200:
            raise refusal(reply)
        said = parse_said(reply.body, nonce)
        self._connection.vouch(reply.body)
        return said

    async def post_health(self, body: bytes) -> str:
        """Tell the collector how the gateway is; returns which rules it has, by the hint that came
        back. Raises UplinkError.
        """
        reply = await self._call("POST", "health", body, RECORD)
        must_accept(reply)
        return reply.rules

    async def _call(self, method: str, path: str, body: bytes, fields: Mapping[str, str]) -> Reply:
        patience = self._connection.patience
        try:
            async with asyncio.timeout(patience):
                return await self._thread.run(self._connection.request, method, path, body, fields)
        except TimeoutError as exc:  # bytes trickle, each of them in time
            self._connection.abort()
            raise UplinkUnavailable("UPLINK_SLOW", seconds=int(patience)) from exc

    async def close(self) -> None:
        """Let go of the connection; a request under way is broken off."""
        self._connection.abort()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING):
                await self._thread.run(self._connection.close)
                await self._thread.close()


def lane_field(lane: Lane) -> dict[str, str]:
    """Return the header by which the collector admits alarms first."""
    return {headers.LANE: lane.name.lower()}
