import pytest

from tests.central.alarms.story import Story


@pytest.fixture
async def story(tmp_path, clock):
    told = await Story.begin(tmp_path, clock)
    yield told
    await told.collector.close()
