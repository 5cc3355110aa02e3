"""What /metrics says of enrolment: every state has a number, and what the desk refused."""

import re

import pytest

from protocols.clock import HOUR
from protocols.enrolment import read_code
from tests.central.api.test_enrolment import OnSite, made

SAMPLE = re.compile(r'^(fengsui_(?:enrolment|gateway_keys|held)\w*)\{\w+="(\w+)"\} (\d+)\.0$', re.M)


@pytest.fixture
async def admin(people):
    return await people.session("administrator")


async def figures(client, admin):
    """Every sample that is not 0."""
    text = (await client.get("/metrics", headers=admin)).text
    found = {(name, label): int(count) for name, label, count in SAMPLE.findall(text)}
    assert len(found) == 5 + 6 + 3 + 6
    return {key: count for key, count in found.items() if count}


async def test_codes_keys_and_refusals_are_counted(client, admin, people, db, clock):
    assert await figures(client, admin) == {}
    code = read_code((await made(client, admin))["code"])
    await made(client, admin, gateway="gw-other")
    assert await figures(client, admin) == {("fengsui_enrolment_codes", "open"): 2}
    site = OnSite(client)
    assert (await site.hello(read_code("0000-0000-00"))).status_code == 403
    welcome = (await site.hello(code)).json()
    assert (await site.prove(welcome)).status_code == 200
    assert await figures(client, admin) == {
        ("fengsui_enrolment_codes", "open"): 1,
        ("fengsui_enrolment_codes", "used"): 1,
        ("fengsui_gateway_keys", "pending"): 1,
        ("fengsui_enrolment_refused_total", "ENROLMENT_CODE_REFUSED"): 1,
    }
    path = "/api/v1/enrolment/gateways/gw-qingyun/refuse"
    assert (await client.post(path, json={}, headers=admin)).status_code == 200
    await db.write(
        lambda tables: tables.execute(
            "INSERT INTO held_boot(gateway, boot, keyid, since, state) "
            "VALUES ('gw-other', 'b', 'k', 0, 'held')"
        )
    )
    clock.time += 25 * HOUR
    known = await figures(client, await people.session("administrator"))
    assert known[("fengsui_enrolment_codes", "expired")] == 1
    assert known[("fengsui_gateway_keys", "refused")] == 1
    assert known[("fengsui_held_starts", "held")] == 1
