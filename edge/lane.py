"""One lane of the uplink: drains its streams over a connection of its own, one request at a time.

Times here are real: a socket does not know the story.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from edge.aside import FULL, Aside
from edge.aside import MOST as MOST_ASIDE
from edge.buffer import Budget, Buffer, Pending
from edge.exchange import Exchange, Sent
from edge.link_state import LinkState
from edge.pace import Pace
from edge.patience import Patience
from edge.replies import StreamRefused, TooLarge, Waiting
from edge.right_of_way import RightOfWay
from protocols.clock import SECOND, Clock, real_monotonic
from protocols.errors import BufferFault, UplinkError
from protocols.wire.header import read_header
from protocols.words import Lane, StreamKind

logger = logging.getLogger(__name__)

IDLE: Final = 15.0
"""Seconds after which a lane looks by itself even without news."""
PATIENT: Final = 5.0
"""Seconds after which backfill sends a request though others have work: where alarms come faster
than they are answered there is no end to that, and what is never sent is lost in the end."""
BACKLOG: Final = 5 * SECOND
"""Older than this after an outage, and what is live begins a fresh stream."""
ONE: Final = Budget(batches=1, bytes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all lanes of a gateway have in common; `taken`: streams with a request under way."""

    buffer: Buffer
    clock: Clock
    link: LinkState
    way: RightOfWay
    taken: set[str] = field(default_factory=set)


class LaneTask:
    """Drains `lane` over one exchange, for ever; listeners are told when it has nothing more to
    send, when it reaches the collector after it did not, and when the collector went back.
    """

    def __init__(self, lane: Lane, exchange: Exchange, patience: Patience, shared: Shared) -> None:
        self.when_idle: list[Callable[[], None]] = []
        self.when_reached: list[Callable[[], None]] = []
        self.when_back: list[Callable[[], None]] = []
        self.when_fresh: list[Callable[[], Awaitable[None]]] = []
        """Awaited when what was live became backfill, before anybody may send it."""
        self._lane = lane
        self._kind = StreamKind.ALARM if lane is Lane.ALARM else StreamKind.DATA
        self._exchange = exchange
        self._buffer = shared.buffer
        self._clock = shared.clock
        self._link = shared.link
        self._state = shared.link.lanes[lane]
        self._patience = patience
        self._way = shared.way
        self._taken = shared.taken
        self._pace = Pace()
        self._credit: int | None = None
        self._sent_at = real_monotonic()
        self._down = False
        self._asked = False
        self._review = False
        self._greeted = False
        self._aside = Aside(shared.link.refused)
        self._news = asyncio.Event()
        self._again = asyncio.Event()

    def look(self) -> None:
        """There may be something to send."""
        self._news.set()

    def try_again(self) -> None:
        """The collector was reached by somebody: waiting longer is of no use."""
        self._sent_at = real_monotonic()  # who has waited for the line has not waited for others
        self._again.set()

    def review(self) -> None:
        """After the next answer, see whether what is live is behind a backlog."""
        self._review = True
        self._news.set()

    async def run(self) -> None:
        """Send until cancelled."""
        retrying = AsyncRetrying(
            wait=self._wait,
            sleep=self._pause,
            retry=retry_if_exception_type((UplinkError, BufferFault)),
            before_sleep=self._note_failure,
        )
        while True:
            async for attempt in retrying:
                with attempt:
                    await self._turn()

    async def _turn(self) -> None:
        """Send one request's worth, or wait until there is something."""
        self._news.clear()
        pending = await self._next()
        if pending is None:
            self._set_idle("idle")
            back = self._aside.back(real_monotonic())
            idle = PATIENT if self._lane is Lane.BACKFILL else IDLE
            await self._listen(idle if back is None else min(idle, back))
            return
        self._sent_at = real_monotonic()
        self._way.claim(self._lane)
        self._state.state = "sending"
        self._taken.add(pending.stream)
        past = self._down and not self._greeted and self._age(pending) > BACKLOG
        if past and self._lane is Lane.LIVE:
            # What waited is the past already: the collector must not take it for what is now.
            try:
                await self._exchange.greet(pending)
            finally:
                self._taken.discard(pending.stream)
            await self._let_live_go_first()
            self._greeted = True  # what came while the present was waited for is no past
            return
        try:
            sent = await self._deliver(pending)
        finally:
            self._taken.discard(pending.stream)
        if sent is not None:
            await self._reached()
            await self._rest(sent)
        elif len(self._aside) >= MOST_ASIDE:
            self._set_idle("waiting")  # not all of them one after the other without end
            await asyncio.sleep(FULL)

    def _set_idle(self, state: str) -> None:
        self._way.release(self._lane)
        was, self._state.state = self._state.state, state
        if was == "sending":
            for callback in self.when_idle:
                callback()

    async def _next(self) -> Pending | None:
        if self._gives_way() and not self._way.clear(self._lane):
            return None
        # While the link is in doubt one batch is enough to find out.
        budget = ONE if self._down else self._pace.budget(self._credit)
        without = (*self._aside.names(real_monotonic()), *self._taken)
        pending = await self._buffer.pending(self._lane, budget, without)
        # A stream that was rotated meanwhile may still be under way as a live one: answers about
        # one stream must come in the order of its requests.
        return None if pending is not None and pending.stream in self._taken else pending

    def _gives_way(self) -> bool:
        return self._lane is Lane.BACKFILL and real_monotonic() - self._sent_at < PATIENT

    async def _deliver(self, pending: Pending) -> Sent | None:
        started, batches = real_monotonic(), len(pending.batches)
        at = (self._clock.mono(), self._clock.now())
        try:
            sent = await self._exchange.send(pending)
        except TooLarge:
            if not self._pace.too_large(batches):
                self._set_aside(pending, "TOO_LARGE")
            return None
        except StreamRefused as exc:
            self._set_aside(pending, exc.code)
            return None
        except Waiting as exc:
            if exc.less:
                self._pace.too_large(batches)
            raise
        except UplinkError:
            self._pace.broke(real_monotonic() - started, batches)
            raise
        self._link.time.note(at, (self._clock.mono(), self._clock.now()), sent.answer.now)
        self._note_sent(sent, pending)
        return sent

    def _note_sent(self, sent: Sent, pending: Pending) -> None:
        transfer, state = sent.transfer, self._state
        self._credit = state.credit = sent.answer.credit if sent.answer.code is None else None
        self._pace.went(transfer, len(pending.batches))
        readings = pending.last - pending.first + 1
        state.note_request(transfer.took, readings, len(pending.batches), transfer.bytes)
        state.gave_way += transfer.gave_way
        state.batches = self._pace.batches
        self._aside.through(pending.stream)
        state.aside = len(self._aside)
        if sent.went_back:
            self._link.went_back += 1
            for callback in self.when_back:
                callback()

    async def _rest(self, sent: Sent) -> None:
        """Pause as the collector asks, and as backfill owes to the others."""
        asked = sent.answer.retry_after_ms / 1000
        if self._credit == 0:  # then one batch asks whether there is some again
            asked = max(asked, self._patience.jitter(1))
        if asked > 0:
            self._set_idle("waiting")
            await asyncio.sleep(self._patience.asked(asked))
        elif self._lane is Lane.BACKFILL:
            await asyncio.sleep(self._pace.rest(sent.transfer))

    def _set_aside(self, pending: Pending, why: str) -> None:
        if not self._aside.knows(pending.stream):
            logger.warning("stream %s is refused by the collector: %s", pending.stream, why)
        self._aside.put(pending.stream, why, real_monotonic())
        self._state.aside = len(self._aside)

    async def _reached(self) -> None:
        self._link.note_contact(self._clock.now(), self._lane)
        if self._down:
            self._down, self._review, self._greeted = False, not self._greeted, False
            logger.warning("collector reached again (%s)", self._lane.name.lower())
            for callback in self.when_reached:
                callback()
        if self._review and self._lane is not Lane.BACKFILL:
            await self._let_live_go_first()
        self._review = False

    async def _let_live_go_first(self) -> None:
        left = await self._buffer.pending(self._lane, ONE)
        if left is not None and self._age(left) > BACKLOG:
            await self._buffer.rotate(self._kind)
            for fill in self.when_fresh:
                await fill()
            for callback in self.when_idle:  # what was live is backfill now
                callback()

    def _age(self, pending: Pending) -> int:
        """Return how long the oldest batch has waited, µs: a wall clock set back hides nothing."""
        header = read_header(pending.batches[0])[0]
        return max(self._clock.mono() - header.mono0, self._clock.now() - header.wall0)

    def _note_failure(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, BufferFault):
            self._set_idle("waiting")
            logger.warning("the buffer cannot be read: %s", error)
            return
        self._set_idle("waiting" if isinstance(error, Waiting) else "down")
        self._state.retries += 1
        if not self._down:
            logger.warning("collector not reached (%s): %s", self._lane.name.lower(), error)
        self._down, self._greeted = True, False
        if isinstance(error, UplinkError):
            self._link.note_problem(self._lane, error.code, error.params)

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.seconds if isinstance(error, Waiting) else None
        self._asked = asked is not None
        return max(self._patience(state), self._patience.asked(asked or 0.0))

    async def _pause(self, seconds: float) -> None:
        if self._asked:  # by the collector, of this lane: that another got through changes nothing
            await asyncio.sleep(seconds)
            return
        self._again.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._again.wait()

    async def _listen(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await self._news.wait()
