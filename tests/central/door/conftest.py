import pytest

from tests.central.builders import HandClock, open_collector
from tests.central.door.plant import Enterprise


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
async def collector(tmp_path, clock):
    made = await open_collector(tmp_path, clock)
    yield made
    await made.close()


@pytest.fixture
async def enterprise(collector):
    return await Enterprise(collector).begin()
