import pytest

from central.calendar import exemptions
from central.calendar.exemptions import (
    Exemption,
    ExemptionNotBegun,
    ExemptionOver,
    ExemptionUnknown,
    Kind,
    Wanted,
)
from tests.central.builders import START

HOUR = 3_600_000_000
LEVEL = "site/gw/tank/level"


def new(start, until, kind=Kind.FILING, site="site", points=()):
    return Exemption(
        kind=kind,
        category="maintenance",
        site=site,
        points=points,
        start=START + start * HOUR,
        until=None if until is None else START + until * HOUR,
        reason="检修",
        created=START,
        created_by="工程师",
    )


@pytest.fixture
def keep(collector, stream):
    def silent(tables, number):
        return None

    async def add(*given, **more):
        wanted = new(*given, **more)
        return await collector.db.write(lambda t: exemptions.add(t, wanted, silent))

    return add


async def exempt(collector, site, number, kinds=tuple(Kind)):
    span = (START, START + 100 * HOUR)
    found = await collector.db.read(lambda conn: exemptions.exempt(conn, kinds, *span))
    return [
        ((start - START) // HOUR, (end - START) // HOUR)
        for start, end in found.of(site, number).pairs()
    ]


async def test_overlapping_ones_are_united_and_each_counts_where_it_is_filed(collector, keep):
    level = collector.registry.number(LEVEL)
    await keep(1, 5)
    await keep(4, 8, points=(LEVEL,))
    await keep(20, 30, kind=Kind.PLATFORM_FAULT, site=None)
    await keep(40, 50, site="elsewhere")
    assert await exempt(collector, "site", level) == [(1, 8), (20, 30)]
    assert await exempt(collector, "site", level + 1) == [(1, 5), (20, 30)]
    assert await exempt(collector, "elsewhere", 99) == [(20, 30), (40, 50)]
    assert await exempt(collector, "site", level, [Kind.PLATFORM_FAULT]) == [(20, 30)]


async def test_what_still_goes_on_counts_until_it_is_ended(collector, keep):
    open_ended = await keep(10, None)
    assert await exempt(collector, "site", 1) == [(10, 100)]
    ended = await collector.db.write(
        lambda t: exemptions.end(t, open_ended, START + 12 * HOUR, "她", START + 99)
    )
    assert (ended.until, ended.ended_by) == (START + 12 * HOUR, "她")
    assert await exempt(collector, "site", 1) == [(10, 12)]
    with pytest.raises(ExemptionOver):
        await collector.db.write(lambda t: exemptions.end(t, ended, START, "他", START))


async def test_what_is_withdrawn_never_counted_and_is_still_listed(collector, keep):
    made = await keep(10, 20, points=(LEVEL,))
    await collector.db.write(lambda t: exemptions.withdraw(t, made, "她", START + 1))
    assert await exempt(collector, "site", collector.registry.number(LEVEL)) == []
    wanted = Wanted(kind=Kind.FILING, sites={"site"}, start=START, end=START + 100 * HOUR)
    (shown,) = await collector.db.read(lambda conn: exemptions.listed(conn, wanted))
    assert (shown.points, shown.withdrawn_by) == ((LEVEL,), "她")
    with pytest.raises(ExemptionOver):
        await collector.db.write(lambda t: exemptions.withdraw(t, made, "他", START))


async def test_what_makes_no_sense_is_refused_and_leaves_nothing(collector, keep):
    with pytest.raises(ExemptionUnknown):
        await keep(1, 2, points=(LEVEL, "site/gw/tank/nothing"))
    made = await keep(5, None)
    with pytest.raises(ExemptionNotBegun):
        await collector.db.write(lambda t: exemptions.end(t, made, START, "她", START))
    fault = await keep(1, 2, kind=Kind.PLATFORM_FAULT, site=None)
    with pytest.raises(ExemptionUnknown):
        await collector.db.read(lambda conn: exemptions.find(conn, Kind.FILING, fault.id))
    wanted = Wanted(kind=Kind.FILING, sites=None, start=START, end=START + 100 * HOUR, limit=5)
    assert len(await collector.db.read(lambda conn: exemptions.listed(conn, wanted))) == 1
