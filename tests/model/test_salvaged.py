"""The machine of `test_real` with damaged files: the real salvage, delivered to the real ingest."""

import random
import shutil
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule

from protocols.words import Lane, StreamKind
from tests.model.test_real import PLENTY, Together, lost_count, stored_values

PAGE = 1024
SECURITY = {"STREAM_DIVERGES", "CHAIN_BROKEN"}


class Damaged(Together):
    """Pages of segments turn to noise, and the alarm file loses its header; all in any order."""

    @rule(seed=st.integers(0, 1 << 16))
    def segment_damaged(self, seed: int) -> None:
        """What was not found again stands in the ledger: how far streams are was persisted."""
        self.run(self.buffer.persist())
        self.run(self.close_gateway())
        self.damaged = set(self.accepted)
        dice = random.Random(seed)
        for path in sorted(self.medium.glob("data-*.db")):
            data = bytearray(path.read_bytes())
            for _ in range(dice.choice((0, 1, 1, 3))):
                at = dice.randrange(len(data) // PAGE) * PAGE
                data[at : at + PAGE] = dice.randbytes(PAGE)
            path.write_bytes(data)
        self.run(self.open_gateway())

    @rule()
    def alarm_file_damaged(self) -> None:
        """Page 1 holds nothing but what SQLite needs: nothing is lost with it."""
        self.run(self.close_gateway())
        path = self.medium / "alarm.db"
        path.write_bytes(b"\xff" * PAGE + path.read_bytes()[PAGE:])
        self.run(self.open_gateway())

    @rule()
    def salvaged(self) -> None:
        self.run(self.buffer.salvage())

    async def drained(self) -> None:
        for _ in range(3):
            await super().drained()
            await self.buffer.salvage()
            await self.buffer.seal(StreamKind.ALARM)
        await super().drained()


TestDamaged = Damaged.TestCase
TestDamaged.settings = settings(
    max_examples=8,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def house() -> Iterator[Damaged]:
    made = Damaged()
    made.begin()
    yield made
    made.teardown()


def test_an_original_that_is_found_after_its_skip_is_stored(house: Damaged) -> None:
    for _ in range(4):
        house.sample(StreamKind.DATA, 5)
    house.run(house.close_gateway())
    segment, aside = house.medium / "data-00000001.db", house.folder / "aside.db"
    shutil.move(segment, aside)
    house.run(house.open_gateway())
    house.sample(StreamKind.DATA, 3)
    house.run(house.drained())
    ledger = house.run(house.collector.db.read(lost_count))
    assert ledger == 20
    house.run(house.close_gateway())
    (house.medium / "quarantine").mkdir(exist_ok=True)
    shutil.move(aside, house.medium / "quarantine" / "data-00000001.db.1")
    house.run(house.open_gateway())
    house.sample(StreamKind.DATA, 3)
    house.run(house.drained())
    stored = house.run(house.collector.db.read(stored_values))
    assert sorted(stored.elements()) == house.accepted
    codes = {event.code for event in house.run(house.collector.events()).items}
    assert not codes & SECURITY
    assert house.run(house.buffer.pending(Lane.BACKFILL, PLENTY)) is None
