"""The buffer against a list, with a medium that fails and works again in between, at any moment.

The rules and the model collector are those of `test_buffer_model`. A value counts as durable when
its future says so. What was in memory at a kill may arrive or not, but never twice; what only the
collector had, and no backup, goes with the collector.
"""

import asyncio
from contextlib import ExitStack

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from edge.buffer import Buffer
from edge.config import BufferSettings
from protocols.words import Reading, StreamKind
from tests.edge.buffer_suite import ORIGIN
from tests.edge.media import MEDIA
from tests.edge.test_buffer import abandon
from tests.edge.test_buffer_model import KINDS, SMALL, BufferMachine


class Quiet(Buffer):
    """Its events would stand between the values that the model counts."""

    def _tell(self, code, params):  # type: ignore[no-untyped-def]
        return


class FailingMachine(BufferMachine):
    """`waits`: futures and their values; `afloat`: sealed while the medium failed, not yet back."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.failing = False
        self.waits: list[tuple[asyncio.Future[None], list[float]]] = []
        self.afloat: set[float] = set()
        self.maybe: set[float] = set()

    @initialize(how=st.sampled_from(list(MEDIA)))
    def begin(self, how: str) -> None:
        self.medium = self.stack.enter_context(MEDIA[how](self.folder))
        self.open()

    def open(self) -> None:
        place = BufferSettings(folder=self.folder, quota_bytes=1 << 30, segment_bytes=SMALL)
        self.buffer = self.run(Quiet.open(place, ORIGIN, self.clock, report=self.note_numbers))

    def note_numbers(self, stream: str, seq0: int, n: int) -> None:
        known = self.numbers.setdefault(stream, set())
        assert not known & set(range(seq0, seq0 + n)), "told as durable twice"
        known.update(range(seq0, seq0 + n))

    @rule()
    def fail(self) -> None:
        self.medium.fail()
        self.failing = True

    @precondition(lambda self: self.failing)
    @rule(now=st.booleans())
    def mend(self, now: bool) -> None:
        self.medium.mend()
        self.failing = False
        if now:
            self.recover()

    @rule()
    def recover(self) -> None:
        if self.run(self.buffer.recover()):
            self.afloat.clear()

    @rule(kind=KINDS, count=st.integers(1, 4))
    def append(self, kind: StreamKind, count: int) -> None:
        values = [self.next + i for i in range(count)]
        self.next += count
        self.loose[kind] += values

        async def put() -> None:
            done = self.buffer.append(kind, [Reading(0, value, 0, 0) for value in values])
            self.waits.append((done, values))

        self.run(put())

    @rule(kind=KINDS)
    def seal(self, kind: StreamKind) -> None:
        self.run(self.buffer.seal(kind))
        if self.buffer._sides.failing is not None:
            self.afloat.update(self.loose[kind])
        self.loose[kind] = []

    def harvest(self) -> None:
        """Take what became durable into the model."""
        for done, values in self.waits:
            if done.done():
                refused = done.exception() is not None
                (self.maybe.update if refused else self.durable.extend)(values)
        self.waits = [(done, values) for done, values in self.waits if not done.done()]

    @rule()
    def restart(self) -> None:
        self.run(self.buffer.close())
        self.forget()

    @rule()
    def kill(self) -> None:
        self.run(abandon(self.buffer))
        self.forget()

    def forget(self) -> None:
        """The process ends: its memory is gone, and with it what only the collector has too."""
        self.harvest()
        self.maybe.update(value for _, values in self.waits for value in values)
        backed_up = {
            value
            for side in self.streams.values()
            for seq, value in side.values.items()
            if seq <= side.told_safe
        }
        gone = {v for v in self.durable if v in self.afloat and v not in backed_up}
        self.maybe |= gone
        self.durable = [value for value in self.durable if value not in gone]
        self.waits, self.afloat = [], set()
        self.loose = {kind: [] for kind in StreamKind}
        self.open()

    @invariant()
    def the_collector_never_has_more_than_was_durable(self) -> None:
        self.harvest()
        held = self.held()
        assert len(held) == len(set(held)), "nothing twice"
        assert len(self.durable) == len(set(self.durable))

    def held(self) -> list[float]:
        return [value for side in self.streams.values() for value in side.values.values()]

    def teardown(self) -> None:
        try:
            self.medium.mend()
            self.run(self.buffer.recover())
        finally:
            super().teardown()
            self.stack.close()

    def check_the_end(self) -> None:
        self.the_collector_never_has_more_than_was_durable()
        held = set(self.held())
        assert set(self.durable) <= held
        assert held <= set(self.durable) | self.maybe


FailingMachine.TestCase.settings = settings(
    BufferMachine.TestCase.settings,
    database=None,  # it could not be written to while nothing can
)
TestLifeboatModel = FailingMachine.TestCase
