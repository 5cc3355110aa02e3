import pytest

from central.collector import Collector
from central.config import BackupTarget, CentralConfig
from protocols.clock import HOUR
from tests.central.template import fresh


@pytest.fixture
def form():
    return "full"


@pytest.fixture
def target(tmp_path, form):
    return BackupTarget(folder=tmp_path / "backups", every=24 * HOUR, keep=2, form=form)


@pytest.fixture
def config(tmp_path, target):
    return CentralConfig(
        file=tmp_path / "central.yaml", database=tmp_path / "data" / "collector.db", backup=target
    )


@pytest.fixture
async def collector(config, clock):
    fresh(config.database)
    made = await Collector.open(config, clock)
    await made.registry.add_gateway("gw")
    yield made
    await made.close()
