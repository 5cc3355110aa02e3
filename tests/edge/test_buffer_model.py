"""The buffer against a list: whatever is asked of it in whatever order, killed and reopened.

The other side is a model collector with the commit rule that loses answers and goes back to
backups. In the end every value that was durable is there exactly once, and never is a sequence
number used for two payloads.
"""

import asyncio
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from edge.buffer import Budget, Buffer, Pending
from edge.config import BufferSettings
from protocols.wire.batch import ReadingsBatch, decode_batch
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
    values: list[float] = field(default_factory=list)
    heads: dict[int, bytes] = field(default_factory=dict)
    told_safe: int = 0


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
        self.payloads: dict[tuple[str, int], bytes] = {}
        self.incarnation = 1
        self.next = 0.0

    def run(self, coroutine):  # type: ignore[no-untyped-def]
        return self.loop.run_until_complete(coroutine)

    @initialize()
    def open(self) -> None:
        place = BufferSettings(folder=self.folder, quota_bytes=1 << 30, segment_bytes=SMALL)
        self.buffer: Buffer = self.run(Buffer.open(place, ORIGIN, self.clock))

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
        if pending.first > side.cursor + 1:
            if told:
                self.run(self.buffer.rewind(pending.stream, side.cursor + 1, side.head))
            return
        for data in pending.batches:
            batch = decode_batch(data)
            assert isinstance(batch, ReadingsBatch), "nothing is ever lost here"
            known = self.payloads.setdefault((pending.stream, batch.header.seq0), data)
            assert known == data, "one number, two payloads"
            if batch.header.last <= side.cursor:
                continue
            assert batch.header.seq0 == side.cursor + 1
            side.values += [float(value) for value in batch.values if value is not None]
            side.cursor = batch.header.last
            side.head = chain_next(side.head, data)
            side.heads[side.cursor] = side.head
        assert pending.last < side.cursor or pending.head == side.head
        if told:
            edges = [0, *(edge for edge in side.heads if edge <= side.cursor)]
            safe = max(side.told_safe, edges[max(0, len(edges) - 1 - lag)])
            side.told_safe = safe
            self.run(self.buffer.meet(f"{self.incarnation:032x}"))
            self.run(self.buffer.committed(pending.stream, side.cursor, safe))

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
            del side.values[side.cursor :]
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
        held = [value for side in self.streams.values() for value in side.values]
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
            held = [value for side in self.streams.values() for value in side.values]
            assert sorted(held) == sorted(self.durable)
            self.run(self.buffer.close())
        finally:
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
            self.loop.close()
            shutil.rmtree(self.folder, ignore_errors=True)


BufferMachine.TestCase.settings = settings(
    max_examples=15,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestBufferModel = BufferMachine.TestCase
