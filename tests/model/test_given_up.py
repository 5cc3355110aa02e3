"""What the collector has and the gateway gave up, because it never heard the answer: nobody forged
anything, so nothing says so."""

from collections.abc import Iterator

import pytest

from edge.buffer import Budget
from edge.buffer.rewriting import Rewriting
from protocols.clock import MINUTE, SECOND
from protocols.words import Lane, StreamKind
from tests.model.direct import Fault
from tests.model.test_real import PLENTY, Together, lost_count, stored_values

DATA = StreamKind.DATA
PER_BATCH = 30


@pytest.fixture
def house() -> Iterator[Together]:
    made = Together()
    made.begin()
    yield made
    made.teardown()


def until_next_minute(house: Together) -> None:
    """Sample once a second; the next batch would begin another minute."""
    minute = house.clock.now() // MINUTE
    while (house.clock.now() + SECOND) // MINUTE == minute:
        house.sample(DATA, PER_BATCH)


async def thin(house: Together) -> None:
    """Leave one batch a minute of what the gateway takes for unsent."""
    store, run = house.buffer._store, house.buffer._run
    await run(store.holdings.folder.retire)
    for name in store.holdings.folder.segments():
        work = Rewriting(store.holdings, store.housekeeping, name)
        while await run(work.step):
            pass
        await run(work.finish)
        assert work.done


@pytest.fixture(params=[False, True], ids=["knows nothing", "knows the first"])
def thinned(house: Together, request: pytest.FixtureRequest) -> Together:
    """The collector has a segment to its end; the gateway died before it heard so, and thinned it
    while the line was down."""
    house.sample(DATA, PER_BATCH)
    house.run(house.one(Lane.LIVE, PLENTY))
    if request.param:
        house.run(house.buffer.persist())
    until_next_minute(house)
    house.way.faults.append(Fault.UNANSWERED)
    house.run(house.one(Lane.LIVE, PLENTY))
    for _ in range(3):
        house.sample(DATA, PER_BATCH)
    collector, house.way.collector = house.way.collector, None
    house.gateway_killed()
    house.run(thin(house))
    house.way.collector = collector
    house.damaged = set(house.accepted)
    return house


@pytest.mark.parametrize("asks", [True, False])
@pytest.mark.parametrize("batches", [1, 64])
def test_a_skip_where_the_data_did_arrive_is_no_matter_of_security(
    thinned: Together, asks: bool, batches: int
) -> None:
    house = thinned
    if asks:
        house.run(house.ask())
    while house.run(house.one(Lane.BACKFILL, Budget(batches=batches, bytes=1 << 20))):
        pass
    codes = {event.code for event in house.run(house.collector.events()).items}
    assert codes == {"DATA_LOST"}
    stored = house.run(house.collector.db.read(stored_values))
    lost = house.run(house.collector.db.read(lost_count))
    assert len(stored) + lost == len(house.accepted), "each is here once or in the ledger"
