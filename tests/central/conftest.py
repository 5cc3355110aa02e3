import pytest

from central import database_group
from tests.central.builders import Gateway, HandClock, open_collector


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
async def collector(tmp_path, clock):
    made = await open_collector(tmp_path, clock)
    await made.registry.add_gateway("gw")
    yield made
    await made.close()


@pytest.fixture
def gateway(clock):
    return Gateway(clock)


@pytest.fixture
async def stream(collector, gateway):
    opened = gateway.open()
    await gateway.register(collector, opened)
    return opened


@pytest.fixture
def impatient(monkeypatch):
    """Let the database wait a millisecond for another program that writes, not seconds."""
    monkeypatch.setattr(database_group, "BUSY_MS", 1)
