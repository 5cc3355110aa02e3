"""Manifests of one gateway that come at once: the newest one's rules are those that hold."""

import asyncio

import pytest

from central.database_queue import Urgency
from central.ingest import manifests
from central.ingest.request import Sent
from protocols.clock import ClockState
from tests.central.builders import HIGH, LOW, SECOND, Gateway, HandClock, PointSpec
from tests.central.stored import with_readings


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(manifests, "PORTION", 1)


async def rules(collector):
    return await collector.db.read(
        lambda conn: conn.execute("SELECT id FROM rule WHERE active ORDER BY id").fetchall()
    )


async def test_an_older_opening_under_way_leaves_nothing_behind(collector, clock):
    await collector.registry.add_gateway("other")
    first = Gateway(clock, "other", (PointSpec("a"),))
    await first.register(collector, first.open())
    older = Gateway(clock, "other", tuple(PointSpec(f"p{n}", limits=HIGH) for n in range(8)))
    newer = Gateway(clock, "other", (PointSpec("p0", limits=LOW),))
    older.streams, newer.streams = 1, 2
    await asyncio.gather(
        older.register(collector, older.open()), newer.register(collector, newer.open())
    )
    assert await rules(collector) == [("site/other/tank/p0:low",)]


YEARS = 10 * 365 * 86_400


async def test_a_stream_opened_ten_years_ahead_is_not_the_newest_for_ten_years(collector, clock):
    await collector.registry.add_gateway("other")
    ahead = HandClock(clock.now() + YEARS * SECOND)
    wrong = Gateway(ahead, "other", (PointSpec("a"),))
    await wrong.register(collector, wrong.open())
    clock.move(60)
    replaced = Gateway(clock, "other", (PointSpec("b"),))  # a new buffer: numbers begin again
    await replaced.register(collector, replaced.open())
    assert [point.id for point in collector.registry.points()] == ["site/other/tank/b"]
    wrong.streams = 0
    await wrong.register(collector, wrong.open())  # a late opening of what was there before
    assert [point.id for point in collector.registry.points()] == ["site/other/tank/b"]


class Booted:
    """The clock of a machine that was started now."""

    def __init__(self, clock):
        self._clock = clock
        self._began = clock.now()
        self.state = ClockState.UNSYNCHRONISED

    def now(self):
        return self._clock.now()

    def mono(self):
        return self._clock.now() - self._began


async def opens(collector, gateway, stream=None):
    """Open a stream as a gateway does, with its clocks; return the points that hold then."""
    sent = Sent(clock=gateway.clock_field())
    await gateway.register(collector, gateway.open() if stream is None else stream, sent)
    return {point.id.rsplit("/", 1)[1] for point in collector.registry.points()}


@pytest.mark.parametrize("told", ["never", "while it waited"])
async def test_a_new_buffer_in_1970_is_newer_than_what_was_there(collector, clock, told):
    await collector.registry.add_gateway("other")
    before = Gateway(clock, "other", (PointSpec("a"),))
    before.streams = 40
    assert await opens(collector, before) == {"a"}
    clock.move(3600)
    in_1970 = 5 * SECOND - clock.now()
    booted = Booted(clock)
    new = Gateway(booted, "other", (PointSpec("b"),), boot="b1" * 16, wall_error=in_1970)
    unsent, stream = new.open(), new.open()
    clock.move(20)
    if told == "while it waited":
        new.wall_error = 0
    assert await opens(collector, new, stream) == {"b"}
    clock.move(20)
    # What an earlier process of that boot left comes late, and is not newer for it.
    new.manifest, new.points = before.manifest, before.points
    assert await opens(collector, new, unsent) == {"b"}
    # The machine is replaced once more; its clock is right.
    clock.move(3600)
    third = Gateway(Booted(clock), "other", (PointSpec("c"),), boot="b2" * 16)
    assert await opens(collector, third) == {"c"}
    late = Gateway(clock, "other", (PointSpec("d"),), boot="b1" * 16, wall_error=YEARS * SECOND)
    waiting = late.open()
    late.boot, late.wall_error = "b2" * 16, 0
    assert await opens(collector, late, waiting) == {"c"}, "opened before the boot that sends it"


async def test_a_clock_ten_years_ahead_holds_nothing_up(collector, clock):
    await collector.registry.add_gateway("other")
    ahead = Gateway(clock, "other", (PointSpec("a"),), wall_error=YEARS * SECOND)
    assert await opens(collector, ahead) == {"a"}
    clock.move(60)
    ahead = Gateway(clock, "other", (PointSpec("b"),), wall_error=YEARS * SECOND)
    assert await opens(collector, ahead) == {"b"}, "a new buffer, the clock still wrong"
    clock.move(60)
    right = Gateway(clock, "other", (PointSpec("c"),), boot="b1" * 16)
    assert await opens(collector, right) == {"c"}


async def test_a_first_manifest_under_way_leaves_nothing_behind(collector, clock):
    await collector.registry.add_gateway("other")
    older = Gateway(clock, "other", tuple(PointSpec(f"p{n}", limits=HIGH) for n in range(8)))
    newer = Gateway(clock, "other", (PointSpec("p0", limits=LOW),))
    newer.streams = 1
    await asyncio.gather(
        older.register(collector, older.open()), newer.register(collector, newer.open())
    )
    assert await rules(collector) == [("site/other/tank/p0:low",)]


async def test_the_most_urgent_who_waits_hurries_the_change():
    changes = manifests.Changes()
    patient = changes.of("gw", Urgency.PATIENT)
    async with patient:
        assert changes.of("gw", Urgency.URGENT) is patient
        assert patient.urgency is Urgency.URGENT
        assert changes.of("other", Urgency.USUAL).urgency is Urgency.USUAL


async def numbers(collector):
    return await collector.db.read(
        lambda conn: conn.execute("SELECT numbers FROM manifest ORDER BY received").fetchall()
    )


async def test_a_manifest_of_an_older_collector_gets_its_numbers_at_the_first_use(collector, clock):
    await collector.registry.add_gateway("other")
    gateway = Gateway(clock, "other", (PointSpec("a"), PointSpec("b")))
    stream = gateway.open()
    await gateway.register(collector, stream)
    kept = await numbers(collector)
    await collector.db.write(lambda tables: tables.execute("UPDATE manifest SET numbers = NULL"))
    gateway.seal(stream, gateway.reading("b", 7.0))
    await gateway.send(collector, stream)
    assert await numbers(collector) == kept
    stored = await collector.db.read(
        lambda conn: (
            with_readings(conn)
            .execute("SELECT p.id, r.value FROM reading r JOIN point p ON p.number = r.point")
            .fetchall()
        )
    )
    assert stored == [("site/other/tank/b", 7.0)]
