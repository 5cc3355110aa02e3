"""A gateway and a collector that are restarted, cut and repeated at random, against a list.

What was accepted is stored exactly once, in order, with its value; what the cursor says is what is
there. The collector's file is the only thing that survives its restarts.
"""

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from protocols.errors import IngestError
from protocols.wire.batch import LedgerLine, SkipReason
from tests.central.builders import Gateway, HandClock, open_collector
from tests.central.store.asking import stored_of

POINT = "site/gw/tank/level"


class Machine(RuleBasedStateMachine):
    streams = Bundle("streams")

    def __init__(self):
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = HandClock()
        self.gateway = Gateway(self.clock)
        self.model = {}
        self.skipped = {}
        self.cursor = {}

    def do(self, awaitable):
        return self.loop.run_until_complete(awaitable)

    @initialize(target=streams)
    def start(self):
        self.collector = self.do(open_collector(Path(self.folder.name), self.clock))
        self.do(self.collector.registry.add_gateway("gw"))
        return self.open()

    @precondition(lambda self: len(self.model) < 3)
    @rule(target=streams)
    def open_another(self):
        return self.open()

    def open(self):
        opened = self.gateway.open()
        self.do(self.gateway.register(self.collector, opened))
        self.model[opened.id], self.cursor[opened.id] = [], 0
        return opened

    @rule(stream=streams, values=st.lists(st.integers(0, 100), min_size=1, max_size=4))
    def seal(self, stream, values):
        self.clock.move(1)
        made = [
            self.gateway.reading("level", float(v), ago=1 - n / 10) for n, v in enumerate(values)
        ]
        self.gateway.seal(stream, *made)
        self.model[stream.id] += [float(value) for value in values]

    @rule(stream=streams, count=st.integers(1, 3))
    def skip(self, stream, count):
        line = LedgerLine(point=None, start=None, end=None, count=count)
        self.gateway.seal_skip(stream, SkipReason.QUOTA, [line])
        self.model[stream.id] += [None] * count

    @precondition(lambda self: any(self.model.values()))
    @rule(stream=streams, begin=st.integers(0, 20), length=st.integers(1, 4))
    def send(self, stream, begin, length):
        """Any run of batches, in any order, as often as chance will have it."""
        if not stream.batches:
            return
        first = begin % len(stream.batches)
        last = min(first + length, len(stream.batches)) - 1
        cursor = self.cursor[stream.id]
        seq0, end = stream.batches[first][0], sum(stream.batches[last][:2]) - 1
        sending = self.gateway.send(self.collector, stream, first, last)
        if seq0 > cursor + 1:
            with pytest.raises(IngestError) as refusal:
                self.do(sending)
            assert (refusal.value.code, refusal.value.params["expected"]) == ("GAP", cursor + 1)
            return
        answer = self.do(sending)
        assert answer.committed == max(cursor, end)
        self.cursor[stream.id] = answer.committed

    @rule()
    def restart(self):
        self.do(self.collector.close())
        self.collector = self.do(open_collector(Path(self.folder.name), self.clock))

    @invariant()
    def stored_is_what_was_accepted(self):
        if not self.model:
            return
        expected = sorted(
            value
            for id_, values in self.model.items()
            for value in values[: self.cursor[id_]]
            if value is not None
        )
        page = self.do(stored_of(self.collector, POINT))
        assert sorted(page.values) == expected
        lost = sum(v[: self.cursor[i]].count(None) for i, v in self.model.items())
        assert self.do(self.collector.overview()).platform.loss_today == lost
        # A gap looks to the collector like one that was set back: that it may say.
        told = self.do(self.collector.events(kind="security")).items
        assert {event.code for event in told} <= {"COLLECTOR_BEHIND"}

    def teardown(self):
        if hasattr(self, "collector"):
            self.do(self.collector.close())
        self.do(self.loop.shutdown_default_executor())
        self.loop.close()
        self.folder.cleanup()


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=15,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
