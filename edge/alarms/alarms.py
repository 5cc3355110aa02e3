"""Alarms at the gateway, composed: readings -> evaluator -> kept -> told on the alarm stream."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

from edge.alarms.evaluator import Evaluator, Happened, Judged
from edge.alarms.journal import line_of, picture, said_of, standing_picture
from edge.alarms.keeping import Keeping
from edge.alarms.rules import local_rules
from edge.alarms.standing import Kept, Times, body, restored
from edge.alarms.state_file import Line, RuleRow
from edge.alarms.times import RunningTime
from edge.buffer import Buffer
from protocols.clock import SECOND, Clock
from protocols.device import Bus
from protocols.errors import BufferFault, FengsuiError
from protocols.wire.alarm_events import Said, alarm_event
from protocols.words import Event, Reading, StreamKind

logger = logging.getLogger(__name__)

LOOK: Final = SECOND
"""At most so long until a delay that ended is noticed; it counts by when it ended."""
SETTLING: Final = 1.0
"""Real seconds after which what was told is noted on the medium, for one write instead of many."""
AFTER_CONTACT: Final = 2.0
"""Real seconds after a silence until what stands is said again: in the fresh stream by then."""
NAME: Final = 64
"""Characters of a person's name at most."""
SHOWN: Final = 100
"""Lines of the journal on the page."""
NOTHING: Final = frozenset[int]()


class LocalAlarms:
    """The alarms of one gateway; everything on the event loop. Made by `open`."""

    def __init__(
        self,
        buses: Sequence[Bus],
        buffer: Buffer,
        clock: Clock,
        boot: str,
        place: tuple[Path, Callable[[], int | None]],
    ) -> None:
        folder, collector = place
        rules = local_rules(buses)
        points = sum(len(device.points) for bus in buses for device in bus.devices)
        self._buffer = buffer
        self._clock = clock
        self._running = RunningTime(clock, boot, collector)
        self._evaluator = Evaluator(rules, points, boot)
        self._keeping = Keeping(folder, clock)
        self._waiting: list[Line] = []
        self._news = asyncio.Event()
        self._contact = asyncio.Event()
        self._contact.set()

    @classmethod
    async def open(
        cls,
        buses: Sequence[Bus],
        buffer: Buffer,
        clock: Clock,
        boot: str,
        place: tuple[Path, Callable[[], int | None]],
    ) -> "LocalAlarms":
        """Go on where the process before ended. `place`: the buffer's folder, and what tells by how
        much our wall clock is ahead of the collector's (µs, None: nobody knows).
        """
        alarms = cls(buses, buffer, clock, boot, place)
        rows = await alarms._keeping.open()
        alarms._look()
        alarms._restore(rows)
        alarms._waiting = alarms._keeping.untold
        if alarms._keeping.aside is not None:
            alarms._event("GATEWAY_ALARMS_DAMAGED", file=alarms._keeping.aside)
        if alarms._waiting or alarms._keeping.owed:
            alarms._news.set()
        return alarms

    def take(self, readings: Iterable[Reading]) -> Collection[int]:
        """Judge readings of known points; returns the points that must be sent because of it."""
        judged = self._evaluator.take(readings, self._running.at)
        if judged is None:
            return NOTHING
        self._put(judged)
        return judged.points

    def contact(self) -> None:
        """The collector was reached after it was not: what stands is said again."""
        self._contact.set()

    def acknowledge(self, rule: str, by: str) -> bool:
        """Let somebody at the gateway say that it was seen; False: there was nothing to see."""
        judged = self._evaluator.acknowledge(rule, by, self._running.at().now)
        if judged is not None:
            self._put(judged)
        return judged is not None

    async def take_acknowledgement(self, asked: Mapping[str, str]) -> dict[str, Any]:
        """Take one over the gateway's own socket: `rule`, `by`. Raises FengsuiError."""
        rule, by = asked.get("rule", ""), asked.get("by", "").strip()
        if not by or len(by) > NAME:
            raise FengsuiError("ALARM_ACK_BY", longest=NAME)
        if not self.acknowledge(rule, by):
            raise FengsuiError("ALARM_ACK_NOTHING", rule=rule)
        return {"rule": rule, "by": by}

    async def run(self) -> None:
        """Fire timers, keep and tell until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pass_time())
            group.create_task(self._keep())
            group.create_task(self._say_again())

    async def close(self) -> None:
        """Keep and tell what is left; before the buffer closes."""
        await self._keeping.write()
        self._tell()
        with suppress(BufferFault):
            await self._buffer.seal(StreamKind.ALARM)
            await asyncio.sleep(0)  # whoever waits for it is told
        await self._keeping.close()

    async def page(self) -> dict[str, Any]:
        """Return what stands and the last lines of the journal, for the gateway's own page."""
        keeping, rules, times = self._keeping, self._evaluator.rules, self._running.times
        lines = list(keeping.lines)[-SHOWN:]
        known = {line.rule for line in lines} & rules.keys()
        return {
            "now": self._clock.now(),
            "rules": len(rules),
            "dated": self._evaluator.dated,
            "standing": [standing_picture(kept, times) for kept in self._evaluator.standing()],
            "journal": [
                picture(line, rules[line.rule].rule if line.rule in known else None)
                for line in reversed(lines)
            ],
            "journal_gone": keeping.gone,
            "untold": len(keeping.untold),
            "failing": keeping.failing,
        }

    def _restore(self, rows: Sequence[RuleRow]) -> None:
        at, times = self._running.at().now, self._running.times
        for row in rows:
            known = self._evaluator.rules.get(row.rule)
            if known is None or row.body is None:
                self._keeping.put([row._replace(body=None)], [])
                continue
            try:
                kept = restored(known.rule, row.body, row.times, times, at)
            except (ValueError, TypeError, KeyError) as exc:
                logger.warning("state of %s is not as we wrote it: %s", row.rule, exc)
                continue
            self._evaluator.put(kept)
            self._follow_change(kept, at)

    def _follow_change(self, kept: Kept, at: int) -> None:
        """Let return what stood at a level that the rule has no more."""
        if kept.standing is not None and not kept.machine.condition.level:
            standing = kept.standing
            self._evaluator.drop(kept)
            judged = Judged(changed={kept.rule.id: kept})
            judged.happened.append(Happened(kept.rule, Said.RTN, standing, at))
            self._put(judged)

    def _put(self, judged: Judged) -> None:
        if not judged.changed and not judged.happened:
            return
        times, first = self._running.times, self._keeping.next
        lines = [line_of(first + i, each, times) for i, each in enumerate(judged.happened)]
        rows = [_row(kept, times) for kept in judged.changed.values()]
        self._keeping.put(rows, lines)
        self._waiting += lines
        self._news.set()

    def _look(self) -> None:
        moved = self._running.look()
        if self._running.times.dated:
            self._evaluator.know_date()
        if moved:
            times = self._running.times
            self._keeping.put([_row(kept, times) for kept in self._evaluator.shift(moved)], [])

    async def _pass_time(self) -> None:
        while True:
            self._look()
            self._put(self._evaluator.advance(self._running.at().now))
            due = self._evaluator.due()
            wait = LOOK if due is None else min(LOOK, max(1, due - self._running.at().now))
            await self._clock.sleep(wait)

    async def _keep(self) -> None:
        while True:
            # What was told is worth a write of its own, but not at once.
            patience = SETTLING if self._keeping.owed else None
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await self._news.wait()
            self._news.clear()
            failed = self._keeping.failing
            stored = await self._keeping.write()
            if failed is None and not stored:
                self._event("GATEWAY_ALARMS_FAILING", reason=str(self._keeping.failing))
            elif failed is not None and stored:
                self._event("GATEWAY_ALARMS_KEPT_AGAIN")
            self._tell()

    async def _say_again(self) -> None:
        while True:
            await self._contact.wait()
            await asyncio.sleep(AFTER_CONTACT)
            self._contact.clear()
            now = self._running.at().now
            events = []
            for kept in self._evaluator.standing():
                assert kept.standing is not None  # noqa: S101  # what `standing` goes through
                happened = Happened(kept.rule, Said.STANDS, kept.standing, now)
                events.append(self._as_event(line_of(0, happened, self._running.times)))
            if events:
                self._append(events, [])

    def _tell(self) -> None:
        lines, self._waiting = self._waiting, []
        events, numbers = [], []
        for line in lines:
            numbers.append(line.n)
            try:
                events.append(self._as_event(line))
            except (ValueError, KeyError, TypeError) as exc:
                logger.warning("line %d of the journal is not as we wrote it: %s", line.n, exc)
        if events:
            self._append(events, numbers)

    def _as_event(self, line: Line) -> Event:
        return alarm_event(said_of(line, self._running.times, self._clock.mono()))

    def _append(self, events: Sequence[Event], numbers: Sequence[int]) -> None:
        with suppress(BufferFault):  # closed: what is untold is told at the next start
            wait = self._buffer.append(StreamKind.ALARM, events)
            wait.add_done_callback(partial(self._stored, numbers))

    def _stored(self, numbers: Sequence[int], wait: asyncio.Future[None]) -> None:
        if wait.cancelled() or wait.exception() is not None:
            return  # given up by the buffer, and counted there
        self._keeping.told(numbers)
        if self._keeping.owed:
            self._news.set()

    def _event(self, code: str, **params: str) -> None:
        with suppress(BufferFault):
            event = Event(code, "", self._clock.mono(), tuple(sorted(params.items())))
            self._buffer.append(StreamKind.ALARM, [event])


def _row(kept: Kept, times: Times) -> RuleRow:
    return RuleRow(kept.rule.id, times, None if kept.idle else body(kept))
