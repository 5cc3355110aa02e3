"""Puts lines of the journal, and what happens to the alarms themselves, into the alarm stream."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial

from edge.alarms.journal import said_of
from edge.alarms.keeping import Keeping
from edge.alarms.standing import Times
from edge.alarms.state_file import Line
from edge.buffer import Buffer
from protocols.clock import Clock
from protocols.errors import BufferFault
from protocols.wire.alarm_events import alarm_event
from protocols.words import Event, StreamKind

logger = logging.getLogger(__name__)


class Teller:
    """`waiting` are lines that were kept and not told; `times` returns what a time is worth now.

    `noted` is called whenever it has to be kept that something was told.
    """

    def __init__(
        self,
        buffer: Buffer,
        keeping: Keeping,
        clock: Clock,
        times: Callable[[], Times],
        noted: Callable[[], None],
    ) -> None:
        self.waiting: list[Line] = []
        self._buffer = buffer
        self._keeping = keeping
        self._clock = clock
        self._times = times
        self._noted = noted

    def tell(self) -> None:
        """Tell what waits, in order."""
        lines, self.waiting = self.waiting, []
        events, numbers = [], []
        for line in lines:
            numbers.append(line.n)
            try:
                events.append(self._as_event(line))
            except (ValueError, KeyError, TypeError) as exc:
                logger.warning("line %d of the journal is not as we wrote it: %s", line.n, exc)
        if events:
            self._append(events, numbers)

    def again(self, lines: Iterable[Line]) -> None:
        """Tell what is in no journal: that something stands."""
        events = [self._as_event(line) for line in lines]
        if events:
            self._append(events, [])

    def event(self, code: str, **params: str | int) -> None:
        """Tell what happened to the alarms themselves."""
        with suppress(BufferFault):
            event = Event(code, "", self._clock.mono(), tuple(sorted(params.items())))
            self._buffer.append(StreamKind.ALARM, [event])

    async def close(self) -> None:
        """Tell what waits, and see that it is in the buffer."""
        self.tell()
        with suppress(BufferFault):
            await self._buffer.seal(StreamKind.ALARM)
            await asyncio.sleep(0)  # whoever waits for it is told

    def _as_event(self, line: Line) -> Event:
        return alarm_event(said_of(line, self._times(), self._clock.mono()))

    def _append(self, events: Sequence[Event], numbers: Sequence[int]) -> None:
        with suppress(BufferFault):  # closed: what is untold is told at the next start
            wait = self._buffer.append(StreamKind.ALARM, events)
            wait.add_done_callback(partial(self._stored, numbers))

    def _stored(self, numbers: Sequence[int], wait: asyncio.Future[None]) -> None:
        if wait.cancelled() or wait.exception() is not None:
            return  # given up by the buffer, and counted there
        self._keeping.told(numbers)
        if self._keeping.owed:
            self._noted()
