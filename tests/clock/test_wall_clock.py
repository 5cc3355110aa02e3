"""Gateways whose clock is wrong, set while they run, or nobody's: real processes, libfaketime."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from central.store.interface import FLAG_ESTIMATED
from tests.clock.site import SECOND, Site, faketime_library
from tests.edge.waiting import eventually

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        faketime_library() is None, reason="needs libfaketime / 需要 libfaketime (faketime)"
    ),
]
WITHIN = 2 * SECOND
BOOT_1970 = "@1970-01-01 00:00:30"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    made = Site(tmp_path)
    try:
        await made.open()
        yield made
    finally:
        await made.close()


def grade(site: Site) -> tuple[str | None, float | None]:
    (found,) = site.door.ask("GET", "/api/v1/gateways")["items"]
    return found["clock"]["grade"], found["clock"]["offset_seconds"]


async def test_booted_in_1970_set_by_ntp_an_hour_back_ten_years_ahead(site: Site) -> None:
    site.stop("collector")
    site.start_gateway(BOOT_1970)
    await site.more(10, site.buffered)
    await site.start_collector()
    await site.more(15)
    early = site.rows()
    for shown in ("+0", "-3600", "+10y"):
        site.set_clock(shown)
        await site.more(15)
    late = site.rows()
    assert max(abs(row.error) for row in late) <= WITHIN
    assert {row.flags & FLAG_ESTIMATED for row in late} == {0}
    # A stream that went on behind a younger one stands among its own rows, not at the end.
    assert [row for row in early if row not in late] == [], "no row is ever rewritten"
    assert [row.seq for row in late if row.stream == late[0].stream][:10] == list(range(1, 11))
    assert site.put_aside() == 0
    # The first to be told wrong by 56 years, the last ahead by ten: both are seen at the centre.
    await eventually(lambda: (grade(site)[1] or 0) > 9 * 365 * 86_400, 30)
    assert grade(site)[0] == "orange"


async def test_started_with_its_clock_an_hour_back_or_years_ahead(site: Site) -> None:
    for shown in ("-3600", "+10y"):
        site.start_gateway(shown)
        await site.more(8)
        site.stop("gateway")
    assert max(abs(row.error) for row in site.rows()) <= WITHIN
    assert site.put_aside() == 0


async def test_a_boot_that_nobody_met_is_marked_and_the_next_is_not(site: Site) -> None:
    site.stop("collector")
    site.start_gateway(BOOT_1970, boot="11" * 16)
    await site.more(10, site.buffered)
    site.stop("gateway", kill=True)
    site.start_gateway(BOOT_1970, boot="22" * 16)
    await site.start_collector()
    await site.more(25)
    rows = site.rows()
    unknown = [row for row in rows if row.flags & FLAG_ESTIMATED]
    assert len(unknown) >= 10, "what the first boot measured is kept"
    assert len({row.stream for row in unknown}) == 1
    assert all(abs(row.time - row.received) <= 5 * SECOND for row in unknown)
    placed = [row for row in rows if not row.flags & FLAG_ESTIMATED]
    assert placed
    assert max(abs(row.error) for row in placed) <= WITHIN
    assert {row.stream for row in placed}.isdisjoint({row.stream for row in unknown})
    assert site.events("GATEWAY_TWICE") == []
