"""Sends what waits: the alarm lane on a connection of its own; live before backfill on another.

One request at a time per connection. After an outage with a backlog over five seconds the live
stream is sealed and a fresh one begins, so that what happens now is not behind what happened then,
and no sequence has a gap. Times here are real: a socket does not know the story.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential
from tenacity.wait import wait_base

from edge.buffer import Budget, Buffer, Pending
from edge.exchange import Exchange, StreamRefused, TooLarge, Waiting
from edge.pace import Pace
from protocols.clock import SECOND, Clock, real_monotonic
from protocols.errors import BufferFault, UplinkError
from protocols.wire.header import read_header
from protocols.words import Lane, StreamKind

logger = logging.getLogger(__name__)

ALARM_PATIENCE: Final = wait_random_exponential(multiplier=0.2, max=5.0)
DATA_PATIENCE: Final = wait_random_exponential(multiplier=0.5, max=15.0)
"""Full jitter, so that a thousand gateways do not come back in one moment. An alarm is worth a few
more attempts; whichever lane gets through first wakes the others."""
IDLE: Final = 15.0
"""Seconds after which a lane looks by itself even without news."""
ASIDE_FIRST: Final = 0.5
ASIDE_LAST: Final = 60.0
"""Seconds a stream that the collector refuses is set aside, so that the others go on; doubled each
time until it gets through."""
BACKLOG: Final = 5 * SECOND
"""Older than this after an outage, and live data begins a fresh stream."""


@dataclass(slots=True)
class LinkState:
    """How the uplink is, for health; `problem` is an error code, None while all is well."""

    up: bool = False
    problem: str | None = None
    last_contact: int | None = None
    sent_batches: int = 0
    sent_bytes: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    """Streams the collector refuses, with its reason."""

    def note_contact(self, now: int) -> None:
        """The collector answered."""
        self.up, self.problem, self.last_contact = True, None, now

    def note_problem(self, code: str) -> None:
        """It did not."""
        self.up, self.problem = False, code


class LaneTask:
    """Drains `lanes` in order over one exchange, for ever.

    `busy`: something of these lanes is on its way. Listeners are told when that ends and when the
    collector is reached after it was not.
    """

    def __init__(
        self,
        lanes: tuple[Lane, ...],
        exchange: Exchange,
        buffer: Buffer,
        clock: Clock,
        state: LinkState,
        patience: wait_base,
    ) -> None:
        self.busy = False
        self.when_idle: list[Callable[[], None]] = []
        self.when_reached: list[Callable[[], None]] = []
        self.others_busy: Callable[[], bool] = lambda: False
        self._lanes = lanes
        self._exchange = exchange
        self._buffer = buffer
        self._clock = clock
        self._state = state
        self._kind = StreamKind.ALARM if Lane.ALARM in lanes else StreamKind.DATA
        self._patience = patience
        self._pace = Pace()
        self._credit: int | None = None
        self._was_down = False
        self._aside: dict[str, float] = {}
        self._refusals: dict[str, int] = {}
        self._news = asyncio.Event()
        self._again = asyncio.Event()

    def look(self) -> None:
        """There may be something to send."""
        self._news.set()

    def try_again(self) -> None:
        """The collector was reached by somebody: waiting longer is of no use."""
        self._again.set()

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
            self._set_busy(busy=False)
            back = min(self._aside.values(), default=real_monotonic() + IDLE)
            await self._listen(back - real_monotonic())
            return
        self._set_busy(busy=True)
        await self._deliver(pending)
        if pending.lane is Lane.BACKFILL:
            await self._listen(self._pace.rest())

    def _set_busy(self, *, busy: bool) -> None:
        ended, self.busy = self.busy and not busy, busy
        if ended:
            for callback in self.when_idle:
                callback()

    async def _next(self) -> Pending | None:
        now = real_monotonic()
        self._aside = {name: until for name, until in self._aside.items() if until > now}
        for lane in self._lanes:
            if lane is Lane.BACKFILL and self.others_busy():
                continue
            pending = await self._buffer.pending(lane, self._budget(), tuple(self._aside))
            if pending is not None:
                return pending
        return None

    def _budget(self) -> Budget:
        # While the link is in doubt one batch is enough to find out.
        return Budget(batches=1, bytes=1) if self._was_down else self._pace.budget(self._credit)

    async def _deliver(self, pending: Pending) -> None:
        started = real_monotonic()
        try:
            sent = await self._exchange.send(pending)
        except TooLarge:
            if not self._pace.too_large(len(pending.batches)):
                self._set_aside(pending, "TOO_LARGE")
            return
        except StreamRefused as exc:
            self._set_aside(pending, exc.code)
            return
        except UplinkError:
            self._pace.broke(real_monotonic() - started, len(pending.batches))
            raise
        self._credit = sent.answer.credit
        self._pace.went(real_monotonic() - started, len(pending.batches))
        self._state.sent_batches += len(pending.batches)
        self._state.sent_bytes += sent.bytes
        if self._refusals.pop(pending.stream, None):
            self._state.refused.pop(pending.stream, None)
        await self._reached()
        if self._credit <= 0:
            raise Waiting(sent.answer.retry_after_ms / 1000 or None)
        if sent.answer.retry_after_ms and pending.lane is not Lane.ALARM:
            await asyncio.sleep(sent.answer.retry_after_ms / 1000)

    def _set_aside(self, pending: Pending, why: str) -> None:
        stream, times = pending.stream, self._refusals.get(pending.stream, 0)
        if not times:
            logger.warning("stream %s is refused by the collector: %s", stream, why)
        self._refusals[stream] = times + 1
        self._aside[stream] = real_monotonic() + min(ASIDE_LAST, ASIDE_FIRST * 2.0**times)
        self._state.refused[stream] = why

    async def _reached(self) -> None:
        self._state.note_contact(self._clock.now())
        if not self._was_down:
            return
        self._was_down = False
        logger.warning("collector reached again (%s)", self._kind.name.lower())
        for callback in self.when_reached:
            callback()
        lane = Lane.ALARM if self._kind is StreamKind.ALARM else Lane.LIVE
        left = await self._buffer.pending(lane, Budget(batches=1, bytes=1))
        if left is not None and self._clock.now() - opened(left) > BACKLOG:
            await self._buffer.rotate(self._kind)

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.seconds if isinstance(error, Waiting) else None
        return max(self._patience(state), asked or 0.0)

    def _note_failure(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        self._set_busy(busy=False)
        if isinstance(error, BufferFault):
            logger.warning("the buffer cannot be read: %s", error)
            return
        if not self._was_down:
            logger.warning("collector not reached (%s): %s", self._kind.name.lower(), error)
        self._was_down = True
        self._state.note_problem(error.code if isinstance(error, UplinkError) else "UPLINK")

    async def _pause(self, seconds: float) -> None:
        self._again.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._again.wait()

    async def _listen(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await self._news.wait()


def opened(pending: Pending) -> int:
    """Return when the oldest batch was opened, wall clock µs."""
    return read_header(pending.batches[0])[0].wall0


class Uplink:
    """The lanes of one gateway, wired to each other and to the buffer."""

    def __init__(
        self,
        exchanges: tuple[Exchange, Exchange],
        buffer: Buffer,
        clock: Clock,
        state: LinkState,
        patience: tuple[wait_base, wait_base] = (ALARM_PATIENCE, DATA_PATIENCE),
    ) -> None:
        alarm, data = exchanges
        rest = (Lane.LIVE, Lane.BACKFILL)
        self._alarm = LaneTask((Lane.ALARM,), alarm, buffer, clock, state, patience[0])
        self._data = LaneTask(rest, data, buffer, clock, state, patience[1])
        self._data.others_busy = lambda: self._alarm.busy
        self._alarm.when_idle.append(self._data.look)
        for lane, other in ((self._alarm, self._data), (self._data, self._alarm)):
            lane.when_reached.append(other.try_again)
        buffer.listen(self._on_sealed)

    def _on_sealed(self, kind: StreamKind) -> None:
        (self._alarm if kind is StreamKind.ALARM else self._data).look()

    def try_again(self) -> None:
        """Somebody reached the collector: let every lane try now."""
        self._alarm.try_again()
        self._data.try_again()

    async def run(self) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._alarm.run(), name="alarm lane")
            group.create_task(self._data.run(), name="data lanes")
