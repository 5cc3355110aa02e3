"""Whose configuration describes another site than the enrolment code's is told, and goes on."""

import pytest

from central.collector import Collector
from central.enrolment.acts import Wanted
from central.enrolment.codes import WorkOrder
from central.enrolment.office import After, Office
from central.tls.keeping import Nothing
from central.tls.trust import TrustDesk
from protocols.clock import HOUR
from protocols.texts import text
from tests.central.builders import Gateway, HandClock, config_in, manifest
from tests.central.enrolment.site import OnSite
from tests.central.template import fresh


@pytest.fixture
async def collector(tmp_path):
    config = config_in(tmp_path)
    fresh(config.database)
    async with await Collector.open(config, HandClock()) as made:
        yield made


@pytest.fixture
def enrol(collector):
    """Enrol a gateway by a work order for a site; its key is active at once."""
    clock = collector.clock
    trust = TrustDesk("0123456789abcdef", Nothing(), clock, collector.signer)
    after = After(changed=lambda: None, created=collector.registry.put, tell=lambda effects: None)
    office = Office(collector.db, clock, collector.signer, trust, after)

    async def make(site, gateway="gw"):
        order = WorkOrder(number="WO-7", installer="li")
        now = clock.now()
        wanted = Wanted(
            gateway=gateway, by="duty", site=site, order=order, opens=now, expires=now + HOUR
        )
        proved = await OnSite(office, (await office.acts.code(wanted)).code).enrol()
        assert proved.state == "active"

    return make


async def open_as(collector, site):
    """The gateway's configuration describes `site`."""
    gateway = Gateway(collector.clock)
    gateway.manifest = manifest("gw", gateway.points, site)
    await gateway.register(collector, gateway.open())
    return gateway


async def told(collector):
    page = await collector.events(kind="security", code="GATEWAY_SITE_DIFFERS")
    return [(event.subject, dict(event.params)) for event in page.items]


DIFFERS = {"gateway": "gw", "site": "oil", "told": "water", "work_order": "WO-7"}


async def test_another_site_than_the_work_orders_is_told_at_the_first_description(collector, enrol):
    await enrol("oil")
    assert await told(collector) == []
    gateway = await open_as(collector, "water")
    assert await told(collector) == [("gw", DIFFERS)]
    assert [site.name for site in collector.registry.sites()] == ["water"], "its data go on"
    for language, words in (("zh", "工单 WO-7"), ("en", "work order WO-7")):
        sentence = text("GATEWAY_SITE_DIFFERS", DIFFERS, language)
        assert words in sentence
        assert "{" not in sentence
    await gateway.register(collector, gateway.open())
    assert len(await told(collector)) == 1, "once for each description"


async def test_the_site_of_the_work_order_is_nothing_to_tell(collector, enrol):
    await enrol("oil")
    await open_as(collector, "oil")
    assert await told(collector) == []


async def test_a_key_that_comes_to_a_gateway_that_was_described_already(collector, enrol):
    await collector.registry.add_gateway("gw")
    await open_as(collector, "water")
    assert await told(collector) == []
    await enrol("oil")
    assert await told(collector) == [("gw", DIFFERS)]
