"""A request that leads to many alarms is no light work: it is judged in the database's thread."""

import threading

import pytest

from central.alarms.journal.episode import EpisodeFilter
from tests.central.builders import HIGH, Gateway, PointSpec

POINTS = tuple(PointSpec(f"p{nth}", decimals=2, limits=HIGH) for nth in range(200))


@pytest.fixture
async def plant(collector, clock):
    gateway = Gateway(clock, points=POINTS)
    stream = gateway.open()
    await gateway.register(collector, stream)
    return gateway, stream


async def test_a_storm_is_judged_once_and_beside_the_event_loop(
    collector, plant, clock, monkeypatch
):
    gateway, stream = plant
    await gateway.deliver(collector, stream, *(gateway.reading(p.name, 50.0) for p in POINTS))
    forgotten = []
    collector.db.on_rollback.append(lambda: forgotten.append(True))
    engine, judged = collector.ingest._engine, []
    step = engine.evaluate

    def seen(*asked, **how):
        found = step(*asked, **how)
        judged.append(threading.current_thread().name)
        return found

    monkeypatch.setattr(engine, "evaluate", seen)
    clock.move(1)
    await gateway.deliver(collector, stream, *(gateway.reading(p.name, 85.0) for p in POINTS))
    assert judged == ["database"]
    assert not forgotten, "nothing was undone for it"
    found = await collector.alarms.episodes(EpisodeFilter(limit=500))
    assert len(found.items) == len(POINTS)
