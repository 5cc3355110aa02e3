"""A day in the life of a buffer, in a second: what is done to it, and what it then owes.

Drives the real `Buffer` one call at a time: data and alarms, new streams, answers of a collector,
persisting, a quota that bites, closing and opening again. Every value is one of a kind, so that
what comes out names where it went in.
"""

import random
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from edge.buffer import Budget, Buffer, Pending
from edge.config import BufferSettings
from protocols.clock import SystemClock
from protocols.wire.batch import EventsBatch, ReadingsBatch, decode_batch
from protocols.words import Event, Lane, Reading, StreamKind
from tests.edge.buffer_suite import ORIGIN
from tests.faults.recording import Recorder

QUOTA: Final = 640 * 1024
"""Small, so that segments are short (64 KiB) and the quota is met."""
PLENTY: Final = Budget(batches=1000, bytes=1 << 22)
DONE: Final = ("put",) * 60 + ("alarm",) * 20 + ("answer",) * 8 + ("persist",) * 5
SELDOM: Final = ("rotate",) * 3 + ("relieve",) * 2 + ("reopen",) * 2

Name = tuple[str, int]
"""A stream's id and a number in it: what names one reading for ever."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A batch the buffer reported as durable."""

    stream: str
    seq0: int
    n: int


@dataclass(frozen=True, slots=True)
class Excused:
    """From here on the buffer may have let go of these."""

    names: frozenset[Name]


@dataclass
class Truth:
    """`values`: what was put in, by name. `numbers`: the stream's number, by id."""

    values: dict[Name, object] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)


@dataclass
class Drained:
    """What an uplink gets out of a buffer: `values` by name, numbers, and what came twice."""

    values: dict[Name, object] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    twice: int = 0

    def take(self, pending: Pending) -> None:
        self.numbers[pending.stream] = pending.number
        for data in pending.batches:
            batch = decode_batch(data)
            values: Iterable[object] = ()
            if isinstance(batch, ReadingsBatch):
                values = batch.values
            elif isinstance(batch, EventsBatch):
                values = [event.subject for event in batch.events]
            for seq, value in enumerate(values, batch.header.seq0):
                self.twice += (pending.stream, seq) in self.values
                self.values[pending.stream, seq] = value


async def drain(buffer: Buffer) -> Drained:
    """Take everything not yet safe out of a buffer, as an uplink with an eager collector would."""
    drained = Drained()
    for stream in (await buffer.stats()).streams:
        if stream.safe < stream.committed:
            await buffer.rewind(stream.stream, stream.safe + 1)
    for lane in (Lane.ALARM, Lane.LIVE, Lane.BACKFILL):
        while (pending := await buffer.pending(lane, PLENTY)) is not None:
            drained.take(pending)
            await buffer.committed(pending.stream, pending.last, pending.last)
    return drained


class Workload:
    """Carries the steps out in `folder`; the recorder gets a mark for each promise."""

    def __init__(self, folder: Path, recorder: Recorder, seed: int) -> None:
        self.folder = folder
        self.truth = Truth()
        self._recorder = recorder
        self._dice = random.Random(seed)
        self._settings = BufferSettings(folder=folder, quota_bytes=QUOTA)
        self._offered: list[object] = []
        self._held: set[Name] = set()
        self._copies = 0

    async def run(self, steps: int) -> None:
        self._buffer = await self._open()
        for _ in range(steps):
            await getattr(self, "_" + self._dice.choice(DONE + SELDOM))()
        await self._buffer.close()

    async def _open(self) -> Buffer:
        return await Buffer.open(self._settings, ORIGIN, SystemClock(), report=self._reported)

    def _reported(self, stream: str, seq0: int, n: int) -> None:
        values, self._offered = self._offered[:n], self._offered[n:]
        for seq, value in enumerate(values, seq0):
            self.truth.values[stream, seq] = value
            self._held.add((stream, seq))
        self._recorder.mark(Accepted(stream, seq0, n))

    async def _put(self) -> None:
        values = [self._value() for _ in range(self._dice.randint(1, 40))]
        self._offered += values
        done = self._buffer.append(StreamKind.DATA, [Reading(1, v, 0, 0) for v in values])
        await self._buffer.seal(StreamKind.DATA)
        await done

    def _value(self) -> float | str:
        """Mostly long words: few readings fill a page, and a cut is checked sooner."""
        dice = self._dice
        return dice.random() if dice.random() < 0.3 else f"{dice.getrandbits(640):x}"

    async def _alarm(self) -> None:
        names = [f"e{self._dice.getrandbits(64):x}" for _ in range(self._dice.randint(1, 5))]
        self._offered += names
        done = self._buffer.append(StreamKind.ALARM, [Event("TEST", name, 0) for name in names])
        await self._buffer.seal(StreamKind.ALARM)
        await done

    async def _answer(self) -> None:
        """The collector says how far it has a stream, and how far a backup has it."""
        lane = self._dice.choice((Lane.ALARM, Lane.LIVE, Lane.BACKFILL, Lane.BACKFILL))
        budget = Budget(batches=self._dice.randint(1, 12), bytes=1 << 20)
        pending = await self._buffer.pending(lane, budget)
        if pending is None:
            return
        stream, last = pending.stream, pending.last
        safe = last if self._dice.random() < 0.7 else pending.first - 1
        self._excuse({name for name in self._held if name[0] == stream and name[1] <= safe})
        await self._buffer.committed(stream, last, safe)

    async def _persist(self) -> None:
        await self._buffer.persist()

    async def _rotate(self) -> None:
        await self._buffer.rotate(self._dice.choice(list(StreamKind)))

    async def _relieve(self) -> None:
        """What the quota takes is excused from the moment it was asked to take something."""
        at = len(self._recorder.acts)
        await self._buffer.relieve()
        held = await self._still_held()
        self._excuse(self._held - held, at)

    async def _reopen(self) -> None:
        await self._buffer.close()
        self._buffer = await self._open()

    def _excuse(self, names: set[Name], at: int | None = None) -> None:
        self._held -= names
        if not names:
            return
        if at is None:
            self._recorder.mark(Excused(frozenset(names)))
        else:
            self._recorder.mark_at(at, Excused(frozenset(names)))

    async def _still_held(self) -> set[Name]:
        """Return what a copy of the folder gives: a running buffer is asked nothing twice."""
        self._copies += 1
        copy = self.folder.with_name(f"{self.folder.name}-copy-{self._copies}")
        shutil.copytree(self.folder, copy)
        buffer = await Buffer.open(BufferSettings(folder=copy), ORIGIN, SystemClock())
        drained = await drain(buffer)
        await buffer.close()
        shutil.rmtree(copy)
        self.truth.numbers.update(drained.numbers)
        return set(drained.values)
