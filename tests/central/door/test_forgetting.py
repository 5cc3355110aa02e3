"""Answers to keys of long ago are forgotten in small steps; nothing is ever taken twice for it."""

import pytest

from central.door import forgetting
from central.door.forgetting import KEPT
from protocols.errors import IngestError
from tests.central.builders import SECOND
from tests.central.door.plant import LEVEL, at
from tests.central.stored import with_readings

DAYS = KEPT / SECOND


async def count(collector, table):
    def look(conn):
        return with_readings(conn).execute(f"SELECT count(*) FROM {table}").fetchone()[0]

    return await collector.db.read(look)


async def test_a_key_is_answered_for_thirty_days_and_refused_after(
    enterprise, collector, clock, monkeypatch
):
    monkeypatch.setattr(forgetting, "STEP", 2)
    for number in range(5):
        await enterprise.columns(f"old-{number}", [LEVEL], [at(number)], [float(number)])
    clock.move(DAYS - 10)
    await enterprise.columns("new", [LEVEL], [at(DAYS - 10)], [9.0])
    await collector.door.forgetting.round()
    assert collector.door.forgetting.forgotten == 0
    again = await enterprise.columns("old-0", [LEVEL], [at(0)], [0.0])
    assert (again["duplicate"], again["accepted"]) == (True, 1)
    clock.move(11)
    await collector.door.forgetting.round()
    assert collector.door.forgetting.forgotten == 5
    assert await count(collector, "door_request") == 1
    before = await count(collector, "reading"), await count(collector, "stream")
    for value in (0.0, 77.0):  # the same as then, and other content
        with pytest.raises(IngestError) as refused:
            await enterprise.columns("old-0", [LEVEL], [at(0)], [value])
        assert (refused.value.code, refused.value.status) == ("KEY_TOO_OLD", 409)
    assert (await count(collector, "reading"), await count(collector, "stream")) == before
    security = await collector.events(kind="security")
    assert not security.items, "nothing suspicious in it"
    assert (await enterprise.columns("new", [LEVEL], [at(DAYS - 10)], [9.0]))["duplicate"]
    fresh = await enterprise.columns("another", [LEVEL], [at(0)], [0.0])
    assert (fresh["accepted"], fresh["known"]) == (0, 1), "the reading itself is still known"
