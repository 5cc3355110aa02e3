"""The demonstration's cables, against the real control of the simulators."""

import pytest

from central.api.app import create_app
from central.api.cables import Cables
from protocols.simulators.cable import Cable
from tests.central.api.conftest import furnish


@pytest.fixture
async def cable():
    made = Cable("gw-qingyun", "127.0.0.1", 9)
    await made.open(0)
    yield made
    await made.close()


@pytest.fixture
def app(collector, clock, dist, cable):
    controls = {
        "gw-qingyun": f"http://127.0.0.1:{cable._servers[1].sockets[0].getsockname()[1]}/",
        "gw-silent": "http://127.0.0.1:9/",
    }
    return create_app(furnish(collector, clock, cables=controls), with_demo=True, dist=dist)


async def test_a_cable_is_pulled_and_plugged_in(client, people, cable):
    headers = await people.session("operator")
    url = "/api/v1/demo/cables/gw-qingyun"
    pulled = await client.post(url, json={"connected": False}, headers=headers)
    assert pulled.json() == {"gateway": "gw-qingyun", "connected": False}
    assert cable.connected is False
    plugged = await client.post(url, json={"connected": True}, headers=headers)
    assert plugged.json()["connected"] is True
    assert cable.connected is True


async def test_a_silent_control_is_told_as_such(client, people):
    headers = await people.session("operator")
    said = (await client.get("/api/v1/demo", headers=headers)).json()
    assert said == {
        "story": False,
        "cables": [
            {"gateway": "gw-qingyun", "connected": True},
            {"gateway": "gw-silent", "connected": None},
        ],
    }
    url = "/api/v1/demo/cables/gw-silent"
    answer = await client.post(url, json={"connected": False}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (502, "CABLE_SILENT")


def test_a_collector_without_cables_has_none():
    assert Cables({}).gateways == frozenset()
