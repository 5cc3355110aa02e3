"""Two ways of the machine in `test_real`, walked on purpose: what no later request would reveal."""

from collections.abc import Iterator

import pytest

from protocols.words import Lane, StreamKind
from tests.model.test_real import Together


@pytest.fixture
def house() -> Iterator[Together]:
    made = Together()
    made.begin()
    yield made
    made.teardown()


def kept(house: Together) -> dict[str, int]:
    return house.run(house.buffer.kept())


def test_a_stream_that_was_finished_is_missed_when_a_snapshot_is_put_back(house: Together) -> None:
    house.backup()
    house.snapshot_taken()
    house.sample(StreamKind.DATA, 5)
    house.send(Lane.LIVE, None, 4)
    house.persist()
    house.gateway_killed()  # what was sent is complete: nothing of that stream is sent any more
    house.snapshot_put_back()
    codes = [event.code for event in house.run(alarms_sent(house))]
    assert "COLLECTOR_WENT_BACK" in codes


async def alarms_sent(house: Together) -> tuple[object, ...]:
    await house.buffer.seal(StreamKind.ALARM)
    await house.drained()
    return (await house.collector.events()).items


def test_what_a_backup_covers_is_let_go_of_though_nothing_more_is_sent(house: Together) -> None:
    house.sample(StreamKind.DATA, 5)
    house.send(Lane.LIVE, None, 4)
    house.rotate(StreamKind.DATA)
    house.persist()
    assert list(kept(house).values()) == [5], "no backup covers it yet"
    house.backup()
    house.run(house.ask())
    house.persist()
    assert kept(house) == {}
