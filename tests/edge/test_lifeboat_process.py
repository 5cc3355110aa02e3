"""The real `fengsui-edge` on a card that fails while it runs: with the uplink up, and down."""

import asyncio
import resource
from pathlib import Path
from typing import Any

import pytest

from edge.check import load_config
from protocols.modbus.simulator import Simulator
from protocols.words import Event, Reading
from tests.edge.test_gateway_process import (  # noqa: F401  # fixtures
    Gateway,
    Start,
    collector,
    fetch,
    missing,
    plant,
    start,
)
from tests.edge.waiting import eventually
from tests.fakes import FakeCollector

pytestmark = pytest.mark.slow


class Card:
    """The medium of a running gateway: no file of that process may grow while it fails."""

    def __init__(self, gateway: Gateway) -> None:
        self._pid = gateway.process.pid
        self._before = resource.prlimit(self._pid, resource.RLIMIT_FSIZE)

    def fail(self) -> None:
        resource.prlimit(self._pid, resource.RLIMIT_FSIZE, (0, self._before[1]))

    def mend(self) -> None:
        resource.prlimit(self._pid, resource.RLIMIT_FSIZE, self._before)


def codes(collector: FakeCollector) -> list[str]:  # noqa: F811
    with collector.lock:
        items = [item for held in collector.streams.values() for _, item in held.items]
    return [item.code for item in items if isinstance(item, Event)]


async def buffer_of(port: int) -> dict[str, Any]:
    page = await asyncio.to_thread(fetch, port, "/health")
    return dict(page["buffer"])


def exactly_once(collector: FakeCollector) -> None:  # noqa: F811
    for held in collector.streams.values():
        assert [seq for seq, _ in held.items] == list(range(1, held.cursor + 1))
        assert not held.skipped
    items = [item for held in collector.streams.values() for _, item in held.items]
    told = [(item.point, item.time) for item in items if isinstance(item, Reading)]
    assert len(told) == len(set(told)), "one reading under two numbers"


async def test_a_card_fails_while_the_collector_is_there(
    tmp_path: Path,
    start: Start,  # noqa: F811
    plant: Simulator,  # noqa: F811
    collector: FakeCollector,  # noqa: F811
) -> None:
    gateway = start()
    port = (await asyncio.to_thread(load_config, tmp_path / "edge.yaml")).health_port
    await eventually(lambda: len(gateway.reported) > 2)
    card = Card(gateway)
    card.fail()
    await eventually(lambda: "BUFFER_FAILING" in codes(collector))
    plant.silent("tk-101", True)
    await eventually(lambda: "DEVICE_UNREACHABLE" in codes(collector))
    buffer = await buffer_of(port)
    assert (buffer["failing"], buffer["medium"]) == ("BUFFER_IO", "memory")
    plant.silent("tk-101", False)
    await eventually(lambda: "DEVICE_RETURNED" in codes(collector))
    card.mend()
    await eventually(lambda: "BUFFER_WORKS_AGAIN" in codes(collector))
    assert (await buffer_of(port))["medium"] == "ok"
    reported = len(gateway.reported)
    await eventually(lambda: len(gateway.reported) > reported + 2)
    await eventually(lambda: not missing([gateway], collector))
    assert "Traceback" not in gateway.end()
    exactly_once(collector)


async def test_a_card_fails_while_nobody_listens_and_all_is_delivered_later(
    tmp_path: Path,
    start: Start,  # noqa: F811
    plant: Simulator,  # noqa: F811
    collector: FakeCollector,  # noqa: F811
) -> None:
    gateway = start()
    port = (await asyncio.to_thread(load_config, tmp_path / "edge.yaml")).health_port
    await eventually(lambda: len(gateway.reported) > 2)
    collector.fault = lambda lane: "cut"
    card = Card(gateway)
    card.fail()

    async def holds() -> bool:
        buffer = await buffer_of(port)
        return buffer["medium"] == "memory" and buffer["unsealed"] > 50

    await eventually(holds)
    reported = len(gateway.reported)
    card.mend()
    await eventually(lambda: len(gateway.reported) > reported)

    async def works() -> bool:
        return bool((await buffer_of(port))["medium"] == "ok")

    await eventually(works)
    gateway.end(kill=True)  # what is on the medium is all that counts now
    collector.fault = lambda lane: None
    after = start()
    await eventually(lambda: not missing([gateway], collector))
    assert "BUFFER_FAILING" in codes(collector)
    assert "Traceback" not in after.end()
    exactly_once(collector)


async def test_a_start_without_a_usable_folder_samples_and_sends(
    tmp_path: Path,
    start: Start,  # noqa: F811
    plant: Simulator,  # noqa: F811
    collector: FakeCollector,  # noqa: F811
) -> None:
    (tmp_path / "buffer").write_text("in the way")
    gateway = start()
    await eventually(lambda: bool(collector.values()) and "BUFFER_FAILING" in codes(collector))
    (tmp_path / "buffer").unlink()
    await eventually(lambda: "BUFFER_WORKS_AGAIN" in codes(collector))
    await eventually(lambda: (tmp_path / "buffer" / "gateway.sock").exists())
    assert "Traceback" not in gateway.end()
    exactly_once(collector)
