"""What guards turned away, as matters of security: the first at once, then once a minute, counted.

A storm must neither fill the disk nor hide: each kind from each source is one event (and one line
of the audit) a minute with the number of cases since the last. When very many sources come at once,
those beyond the first of a minute are told together. Noting costs a dictionary's look-up; what is
noted is written by a task, behind everything that is in a hurry, and waits when the disk is full.
"""

import asyncio
import contextlib
import logging
import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from sqlite_utils import Database as Tables

from central import events
from central.database import Database
from central.effects import CollectorEvent, Effects
from protocols.clock import Clock, real_monotonic
from protocols.errors import FengsuiError
from protocols.words import Value

logger = logging.getLogger(__name__)

EACH: Final = 60.0
"""Real seconds between two events of one kind from one source."""
SOURCES: Final = 40
"""New sources told by name in that time, of each kind; the others together."""
KEPT: Final = 2_000
"""Kinds and sources remembered."""
OTHERS: Final = "others"
AGAIN: Final = 5.0
"""Real seconds after which what could not be written is tried again."""

Key = tuple[str, str]


@dataclass(slots=True)
class _Case:
    """`count` cases since it was last told; `due` says when it may be told (monotonic)."""

    due: float
    count: int = 0
    params: dict[str, Value] = field(default_factory=dict)


class Incidents:
    """Counts by (code, source); `totals` by code, since the start."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        tell: Callable[[Effects], None],
        now: Callable[[], float] = real_monotonic,
    ) -> None:
        self._db = db
        self._clock = clock
        self._tell = tell
        self._now = now
        self._cases: dict[Key, _Case] = {}
        self._fresh: Counter[str] = Counter()
        self._minute = now()
        self._work = asyncio.Event()
        self.totals: Counter[str] = Counter()

    def note(self, code: str, source: str, cases: int = 1, /, **params: Value) -> None:
        """Count cases of `code` (a key of the text catalogue). Never fails, never waits."""
        self.totals[code] += cases
        case = self._cases.get((code, source)) or self._new(code, source)
        case.params = params
        case.count += cases
        if case.count == cases:
            self._work.set()

    async def run(self) -> None:
        """Write what is due until cancelled."""
        wait: float | None = None
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._work.wait()
            self._work.clear()
            try:
                await self.flush()
                wait = self._next_due()
            except (sqlite3.Error, FengsuiError) as exc:
                logger.warning("security events wait: %s", exc)
                wait = AGAIN

    async def flush(self) -> None:
        """Write what is due now. Raises what the database raises; then nothing is forgotten."""
        now = self._now()
        due = [(key, case) for key, case in self._cases.items() if case.count and case.due <= now]
        if not due:
            return
        moment = self._clock.now()
        told = [(key, {**case.params, "count": case.count}) for key, case in due]
        counts = [case.count for _, case in due]

        def after(written: list[CollectorEvent]) -> None:
            for (_, case), count in zip(due, counts, strict=True):
                case.count -= count
                case.due = now + EACH
            self._tell(Effects(events=written))

        await self._db.write(lambda tables: _write(tables, moment, told), after)

    def _new(self, code: str, source: str) -> _Case:
        now = self._now()
        if now - self._minute >= EACH:
            self._minute = now
            self._fresh.clear()
            self._cases = {
                key: case for key, case in self._cases.items() if case.count or case.due > now
            }
        if self._fresh[code] >= SOURCES or len(self._cases) >= KEPT:
            source = OTHERS
        self._fresh[code] += 1
        return self._cases.setdefault((code, source), _Case(now))

    def _next_due(self) -> float | None:
        """Return the seconds until something counted may be told; None: nothing waits."""
        due = [case.due for case in self._cases.values() if case.count]
        return max(0.0, min(due) - self._now()) if due else None


def _write(
    tables: Tables, now: int, told: list[tuple[Key, dict[str, Value]]]
) -> list[CollectorEvent]:
    return [
        events.record(tables, (now, now), events.SECURITY, code, source, params)
        for (code, source), params in told
    ]
