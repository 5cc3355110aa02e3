"""Alarms at the gateway, composed: readings -> evaluator -> kept -> told on the alarm stream.

The rules are those of the collector as it last told them (`rule_file`), else the manifest's limits.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from edge.alarms.changing import judge_by
from edge.alarms.evaluator import Evaluator
from edge.alarms.journal import line_of
from edge.alarms.keeping import Keeping
from edge.alarms.obeying import obey
from edge.alarms.page import Shown, page
from edge.alarms.restoring import restore
from edge.alarms.rule_file import RuleFile
from edge.alarms.rules import Judging, gateway_of, local_rules, rules_by
from edge.alarms.standing import Kept, Times, body, large
from edge.alarms.state_file import RuleRow
from edge.alarms.stepping import Happened, Judged
from edge.alarms.teller import Teller
from edge.alarms.times import RunningTime
from edge.buffer import Buffer
from edge.deadband import NOTHING_DUE, Due
from protocols.clock import MINUTE, SECOND, Clock
from protocols.device import Bus
from protocols.errors import FengsuiError
from protocols.wire.acts_told import ActsTold
from protocols.wire.alarm_events import Said
from protocols.wire.rule_set import RuleSet
from protocols.wire.rule_talk import NONE
from protocols.words import Reading

LOOK: Final = SECOND
"""At most so long until a delay that ended is noticed; it counts by when it ended."""
SETTLING: Final = 1.0
"""Real seconds after which what was told is noted on the medium, for one write instead of many."""
AFTER_CONTACT: Final = 2.0
"""Real seconds after a silence until what stands is said again: in the fresh stream by then."""
REMEMBERED: Final = MINUTE
"""How often rates, windows and the like are kept, though nothing happened ..."""
SELDOM: Final = 10
"""... and every how many times those that are large."""
NAME: Final = 64
"""Characters of a person's name at most."""


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
        self._buses = buses
        self._gateway = gateway_of(buses)
        self._clock = clock
        self._running = RunningTime(clock, boot, collector)
        points = sum(len(device.points) for bus in buses for device in bus.devices)
        self._evaluator = Evaluator([], points, boot)
        self._keeping = Keeping(folder, clock)
        self._file = RuleFile(folder)
        self._judging = Judging([])
        self._told: ActsTold | None = None
        self._obeyed = True
        self._kept_at = self._turn = 0
        self._news = asyncio.Event()
        self._teller = Teller(
            buffer, self._keeping, clock, lambda: self._running.times, self._news.set
        )
        self._contact = asyncio.Event()
        self._contact.set()
        self.version = NONE
        """The digest of the rules that are judged by; NONE: those of the manifest alone."""
        self.newest: Callable[[], Mapping[int, Reading]] = dict
        """Returns what each point said last, for rules that are new."""

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
        held = await asyncio.to_thread(alarms._file.load)
        rows = await alarms._keeping.open()
        alarms._look()
        if held is not None:
            alarms.version, alarms._judging = held.digest, rules_by(buses, held.rules)
        else:
            alarms._judging = Judging(local_rules(buses))
        alarms._judge_by({})  # they have seen nothing: what is kept of them stays
        alarms._restore(rows)
        teller = alarms._teller
        teller.waiting = alarms._keeping.untold
        if alarms._keeping.aside is not None:
            teller.event("GATEWAY_ALARMS_DAMAGED", file=alarms._keeping.aside)
        if alarms._file.aside is not None:
            teller.event("GATEWAY_RULES_DAMAGED", file=alarms._file.aside)
        if teller.waiting or alarms._keeping.owed:
            alarms._news.set()
        return alarms

    def take(self, readings: Iterable[Reading]) -> Due:
        """Judge readings of known points; returns the points that must be sent because of it."""
        judged = self._evaluator.take(readings, self._running.at)
        if judged is None:
            return NOTHING_DUE
        self._put(judged)
        return Due(judged.points, judged.beside)

    def contact(self) -> None:
        """The collector was reached after it was not: what stands is said again."""
        self._contact.set()

    async def judge_by(self, rules: RuleSet, digest: str, document: bytes) -> None:
        """Judge by other rules of the collector's from now on, and keep them."""
        self._judging, self.version = rules_by(self._buses, rules), digest
        self._put(self._judge_by(self.newest()))
        if self._told is not None:
            self.obey(self._told)
        if self._judging.left:
            rule, reason = self._judging.left[0]
            self._teller.event(
                "GATEWAY_RULES_LEFT", count=len(self._judging.left), rule=rule, reason=reason
            )
        try:
            await asyncio.to_thread(self._file.save, digest, document)
        except OSError as exc:  # they hold until the next start, and come again then
            self._teller.event("GATEWAY_RULES_UNSAVED", reason=exc.strerror or str(exc))

    def obey(self, told: ActsTold) -> None:
        """Do here what people did at the centre; as soon as it can be said what was earlier."""
        self._told, self._obeyed = told, self._running.times.dated
        if self._obeyed:
            now = self._running.at().now
            self._put(obey(self._evaluator, told, self._gateway, now))

    def refuse(self, what: str, reason: str) -> None:
        """Tell that what the collector sent cannot be used: what was judged by stays."""
        self._teller.event("GATEWAY_RULES_REFUSED", what=what, reason=reason)

    def report(self) -> dict[str, Any]:
        """Return what the collector is told of the rules that are judged by."""
        left = self._judging.left
        return {
            "version": None if self.version == NONE else self.version,
            "judged": len(self._evaluator.rules),
            "left": len(left),
            "reason": left[0][1] if left else None,
        }

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
        self._remember(self._evaluator.moved.values())
        await self._keeping.write()
        await self._teller.close()
        await self._keeping.close()

    async def page(self) -> dict[str, Any]:
        """Return what stands and the last lines of the journal, for the gateway's own page."""
        shown = Shown(self._evaluator, self._keeping, self._running.times, self._judging.left)
        return page(shown, self._clock.now()) | {"version": self.report()["version"]}

    def _judge_by(self, newest: Mapping[int, Reading]) -> Judged:
        judged, gone = judge_by(self._evaluator, self._judging.rules, newest, self._running.at())
        times = self._running.times
        self._keeping.put([RuleRow(id_, times, None) for id_ in gone], [])
        return judged

    def _restore(self, rows: Sequence[RuleRow]) -> None:
        at, times = self._running.at().now, self._running.times
        judged, dropped, lines = restore(self._evaluator, rows, times, at)
        first = self._keeping.next
        self._keeping.put(dropped, [line._replace(n=first + i) for i, line in enumerate(lines)])
        self._put(judged)

    def _put(self, judged: Judged) -> None:
        if not judged.changed and not judged.happened:
            return
        times, first = self._running.times, self._keeping.next
        lines = [line_of(first + i, each, times) for i, each in enumerate(judged.happened)]
        rows = [_row(kept, times) for kept in judged.changed.values()]
        self._keeping.put(rows, lines)
        self._teller.waiting += [line for line in lines if not line.told]
        self._news.set()

    def _look(self) -> None:
        moved = self._running.look()
        if self._running.times.dated:
            self._evaluator.know_date()
            if self._told is not None and not self._obeyed:
                self.obey(self._told)
        if moved:
            times = self._running.times
            self._keeping.put([_row(kept, times) for kept in self._evaluator.shift(moved)], [])

    def _remember(self, some: Iterable[Kept]) -> None:
        times, moved = self._running.times, self._evaluator.moved
        for kept in list(some):
            self._keeping.put([_row(kept, times)], [])
            del moved[kept.rule.id]
            self._news.set()

    async def _pass_time(self) -> None:
        while True:
            self._look()
            self._put(self._evaluator.advance(self._running.at().now))
            if (mono := self._clock.mono()) - self._kept_at >= REMEMBERED:
                self._kept_at, self._turn = mono, self._turn + 1
                whole = self._turn % SELDOM == 0
                moved = self._evaluator.moved.values()
                self._remember([kept for kept in moved if whole or not large(kept)])
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
                self._teller.event("GATEWAY_ALARMS_FAILING", reason=str(self._keeping.failing))
            elif failed is not None and stored:
                self._teller.event("GATEWAY_ALARMS_KEPT_AGAIN")
            self._teller.tell()

    async def _say_again(self) -> None:
        while True:
            await self._contact.wait()
            await asyncio.sleep(AFTER_CONTACT)
            self._contact.clear()
            now = self._running.at().now
            times = self._running.times
            self._teller.again(
                line_of(0, Happened(kept.rule, Said.STANDS, kept.standing, now), times)
                for kept in self._evaluator.standing()
                if kept.standing is not None
            )


def _row(kept: Kept, times: Times) -> RuleRow:
    return RuleRow(kept.rule.id, times, None if kept.idle else body(kept))
