"""The buffer against a list: whatever is asked of it in whatever order, killed and reopened.

The other side is a model collector with the commit rule that loses answers and goes back to
backups. In the end every value that was durable is there exactly once, and never is a sequence
number used for two payloads. In the second machine room runs out as well: segments are thinned and
dropped in steps, with anything else in between. Then every number is there once, as its value or
under a skip.
"""

import asyncio
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from edge.buffer import Budget, Buffer, Pending, dropping, rewriting, thinning
from edge.buffer.quota import Work
from edge.config import BufferSettings
from protocols.clock import MINUTE
from protocols.wire.batch import ReadingsBatch, SkipBatch, decode_batch
from protocols.wire.chain import chain_next, chain_start
from protocols.words import Lane, Reading, StreamKind
from tests.edge.buffer_suite import ORIGIN
from tests.edge.test_buffer import abandon
from tests.fakes import FakeClock

KINDS = st.sampled_from(list(StreamKind))
LANES = st.sampled_from(list(Lane))
SMALL = 24 * 1024
"""A segment this small is full after a few batches."""


@dataclass
class Side:
    """The model collector's view of one stream."""

    head: bytes
    cursor: int = 0
    values: dict[int, float] = field(default_factory=dict)
    skipped: set[int] = field(default_factory=set)
    heads: dict[int, bytes] = field(default_factory=dict)
    told_safe: int = 0

    def take(self, batch: ReadingsBatch | SkipBatch, data: bytes) -> None:
        numbers = range(batch.header.seq0, batch.header.last + 1)
        if isinstance(batch, ReadingsBatch):
            taken = [float(value) for value in batch.values if value is not None]
            self.values.update(zip(numbers, taken, strict=True))
        else:
            self.skipped.update(numbers)
        self.cursor = batch.header.last
        self.head = chain_next(self.head, data)
        self.heads[self.cursor] = self.head


class BufferMachine(RuleBasedStateMachine):
    """Rules are what may happen; the model is `durable` and `streams`."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp(prefix="buffer-model-"))
        self.clock = FakeClock()
        self.durable: list[float] = []
        self.loose: dict[StreamKind, list[float]] = {kind: [] for kind in StreamKind}
        self.streams: dict[str, Side] = {}
        self.numbers: dict[str, set[int]] = {}
        self.lossy = False
        self.payloads: dict[tuple[str, int], bytes] = {}
        self.incarnation = 1
        self.next = 0.0

    def run(self, coroutine):  # type: ignore[no-untyped-def]
        return self.loop.run_until_complete(coroutine)

    @initialize()
    def open(self) -> None:
        place = BufferSettings(folder=self.folder, quota_bytes=1 << 30, segment_bytes=SMALL)
        self.buffer: Buffer = self.run(
            Buffer.open(place, ORIGIN, self.clock, report=self.note_numbers)
        )

    def note_numbers(self, stream: str, seq0: int, n: int) -> None:
        self.numbers.setdefault(stream, set()).update(range(seq0, seq0 + n))

    @rule(kind=KINDS, count=st.integers(1, 4))
    def append(self, kind: StreamKind, count: int) -> None:
        values = [self.next + i for i in range(count)]
        self.next += count
        self.loose[kind] += values

        async def put() -> None:
            self.buffer.append(kind, [Reading(0, value, 0, 0) for value in values])

        self.run(put())

    @rule(kind=KINDS)
    def seal(self, kind: StreamKind) -> None:
        self.run(self.buffer.seal(kind))
        self.durable += self.loose[kind]
        self.loose[kind] = []

    @rule(kind=KINDS, count=st.integers(4, 20))
    def many(self, kind: StreamKind, count: int) -> None:
        for _ in range(count):
            self.append(kind, 3)
            self.seal(kind)

    @rule(kind=KINDS)
    def rotate(self, kind: StreamKind) -> None:
        self.run(self.buffer.rotate(kind))

    @rule(lane=LANES, batches=st.integers(1, 30), arrives=st.booleans(), lag=st.integers(0, 5))
    def send(self, lane: Lane, batches: int, arrives: bool, lag: int) -> None:
        pending = self.run(self.buffer.pending(lane, Budget(batches=batches, bytes=1 << 20)))
        if pending is not None:
            self.deliver(pending, told=arrives, lag=lag)

    def deliver(self, pending: Pending, *, told: bool, lag: int) -> None:
        """Keep the commit rule; `told` is whether the answer gets through."""
        side = self.streams.setdefault(pending.stream, Side(chain_start(pending.opening)))
        if not self.commit(side, pending):
            if told:
                self.run(self.buffer.rewind(pending.stream, side.cursor + 1, side.head))
            return
        if told:
            edges = [0, *(edge for edge in side.heads if edge <= side.cursor)]
            safe = max(side.told_safe, edges[max(0, len(edges) - 1 - lag)])
            side.told_safe = safe
            self.run(self.buffer.meet(f"{self.incarnation:032x}"))
            self.run(self.buffer.committed(pending.stream, side.cursor, safe))

    def commit(self, side: Side, pending: Pending) -> bool:
        """Take in what is new; False when the request does not go on from the cursor, or proves
        another chain.
        """
        batches = [self.opened(pending, data) for data in pending.batches]
        new = [(b, d) for b, d in zip(batches, pending.batches, strict=True)
               if b.header.last > side.cursor]  # fmt: skip
        if not new:
            return True
        if new[0][0].header.seq0 != side.cursor + 1:
            return False
        head = side.head
        for _, data in new:
            head = chain_next(head, data)
        if head != pending.head:
            assert self.lossy, "the chain goes on"
            return False
        for batch, data in new:
            side.take(batch, data)
        return True

    def opened(self, pending: Pending, data: bytes) -> ReadingsBatch | SkipBatch:
        batch = decode_batch(data)
        assert isinstance(batch, (ReadingsBatch, SkipBatch))
        if isinstance(batch, SkipBatch):
            assert self.lossy, "nothing is ever lost here"
        else:
            known = self.payloads.setdefault((pending.stream, batch.header.seq0), data)
            assert known == data, "one number, two payloads"
        return batch

    @rule()
    def persist(self) -> None:
        self.run(self.buffer.persist())

    @rule()
    def restore_the_collector(self) -> None:
        """Back to a backup that holds exactly what was told to be safe."""
        self.incarnation += 1
        for stream, side in list(self.streams.items()):
            if side.told_safe == 0:
                del self.streams[stream]
                continue
            side.cursor, side.head = side.told_safe, side.heads[side.told_safe]
            side.values = {n: v for n, v in side.values.items() if n <= side.cursor}
            side.skipped = {n for n in side.skipped if n <= side.cursor}
            side.heads = {edge: head for edge, head in side.heads.items() if edge <= side.cursor}

    @rule()
    def restart(self) -> None:
        self.run(self.buffer.close())
        for kind in StreamKind:
            self.durable += self.loose[kind]
            self.loose[kind] = []
        self.open()

    @rule()
    def kill(self) -> None:
        self.run(abandon(self.buffer))
        self.loose = {kind: [] for kind in StreamKind}
        self.open()

    @invariant()
    def the_collector_never_has_more_than_was_durable(self) -> None:
        held = [value for side in self.streams.values() for value in side.values.values()]
        assert len(held) == len(set(held))
        assert set(held) <= set(self.durable)

    def teardown(self) -> None:
        try:
            self.run(self.buffer.meet(f"{self.incarnation:032x}"))
            for lane in Lane:
                for _ in range(10_000):
                    pending = self.run(self.buffer.pending(lane, Budget(batches=64, bytes=1 << 20)))
                    if pending is None:
                        break
                    self.deliver(pending, told=True, lag=0)
            self.check_the_end()
            self.run(self.buffer.close())
        finally:
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
            self.loop.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    def check_the_end(self) -> None:
        held = [value for side in self.streams.values() for value in side.values.values()]
        assert sorted(held) == sorted(self.durable)


class TightMachine(BufferMachine):
    """Room runs out too; what is given up is given up in steps, with anything in between."""

    def __init__(self) -> None:
        super().__init__()
        self.lossy = True
        self.work: Work | None = None

    @rule(minutes=st.floats(0.1, 3))
    def time_passes(self, minutes: float) -> None:
        self.clock.time += int(minutes * MINUTE)

    @precondition(lambda self: self.work is None)
    @rule()
    def begin_giving_up(self) -> None:
        store = self.buffer._store
        self.run(self.buffer._run(store.housekeeping.persist))
        self.work = self.run(self.buffer._run(store.quota.next))

    @precondition(lambda self: self.work is not None)
    @rule(steps=st.integers(1, 40))
    def give_up_a_little(self, steps: int) -> None:
        assert self.work is not None
        for _ in range(steps):
            if not self.run(self.buffer._run(self.work.step)):
                return

    @precondition(lambda self: self.work is not None)
    @rule(hasty=st.booleans())
    def finish_giving_up(self, hasty: bool) -> None:
        assert self.work is not None
        while not hasty and self.run(self.buffer._run(self.work.step)):
            pass
        self.run(self.buffer._run(self.work.finish))
        self.work = None

    @rule(count=st.integers(20, 40))
    def much(self, count: int) -> None:
        for _ in range(count):
            self.append(StreamKind.DATA, 3)
            self.seal(StreamKind.DATA)

    @precondition(lambda self: self.work is None)
    @rule()
    def give_up_one(self) -> None:
        self.begin_giving_up()
        if self.work is not None:
            self.finish_giving_up(hasty=False)

    @rule()
    def an_alarm_finds_no_room(self) -> None:
        self.run(self.buffer._run(self.buffer._store.quota.make_room_at_once))

    @rule()
    def a_round_ends(self) -> None:
        self.run(self.buffer._run(self.buffer._store.quota.tend))

    @rule()
    def kill(self) -> None:
        self.work = None
        super().kill()

    @rule()
    def restart(self) -> None:
        self.work = None
        super().restart()

    def check_the_end(self) -> None:
        for stream, numbers in self.numbers.items():
            side = self.streams[stream]
            assert side.values.keys() | side.skipped == numbers
            assert not side.values.keys() & side.skipped


BufferMachine.TestCase.settings = settings(
    max_examples=15,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TightMachine.TestCase.settings = BufferMachine.TestCase.settings
TestBufferModel = BufferMachine.TestCase


class TestTightBufferModel(TightMachine.TestCase):
    """Every batch is a step of its own."""

    @pytest.fixture(autouse=True)
    def small_steps(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rewriting, "PIECE", 1)
        monkeypatch.setattr(thinning, "WORTH", 60)
        monkeypatch.setattr(dropping, "ROWS", 1)
