"""The real gateway, killed, its folder damaged, started again: it samples, salvages, owns up."""

import asyncio
import json
from pathlib import Path

import pytest

from protocols.modbus.simulator import Simulator
from tests.edge.test_gateway_process import (
    Gateway,
    Start,
    collector,
    command,
    missing,
    plant,
    start,
)
from tests.edge.waiting import eventually
from tests.fakes import FakeCollector

__all__ = ["collector", "plant", "start"]


def spoil(folder: Path) -> None:
    """Empty the alarm file, but not its journal; spoil a stretch of the data's journal."""
    (folder / "alarm.db").write_bytes(b"")
    journal = folder / "data-00000001.db-wal"
    with journal.open("r+b") as file:
        file.seek(journal.stat().st_size * 2 // 3)
        file.write(b"\x55" * 1500)


@pytest.mark.slow
async def test_a_damaged_folder_costs_only_what_is_gone(
    tmp_path: Path, start: Start, plant: Simulator, collector: FakeCollector
) -> None:
    collector.fault = lambda lane: "cut"
    first = start()
    await eventually(lambda: len(first.reported) > 2)
    plant.silent("tk-101", True)
    await eventually(lambda: len({said["stream"] for said in first.reported}) == 2)
    plant.silent("tk-101", False)
    await eventually(lambda: len(first.reported) > 9)
    first.end(kill=True)
    spoil(tmp_path / "buffer")
    collector.fault = lambda lane: None
    second = start()
    await eventually(lambda: accounted(first, collector))
    codes = {"BUFFER_QUARANTINED", "BUFFER_SALVAGED"}
    await eventually(lambda: codes <= {event.code for event in collector.events()})
    assert "Traceback" not in second.end()
    for held in collector.streams.values():
        numbers = [seq for seq, _ in held.items]
        assert len(numbers) == len(set(numbers))
    skips = [skip for held in collector.streams.values() for skip in held.skipped]
    skipped = sum(skip.header.n for skip in skips)
    assert skipped < sum(said["n"] for said in first.reported) / 4
    looked = await asyncio.to_thread(command, "buffer", tmp_path, "--json")
    kept = json.loads(looked.stdout)["kept"]
    assert {each["file"] for each in kept} == {"alarm.db.1", "data-00000001.db.1"}
    assert all(each["found"] is not None for each in kept)
    assert "已抢救" in (await asyncio.to_thread(command, "buffer", tmp_path)).stdout


def accounted(gateway: Gateway, collector: FakeCollector) -> bool:
    """Whether everything accepted was delivered or is skipped."""
    return all(
        any(skip.header.seq0 <= seq <= skip.header.last for skip in collector.streams[name].skipped)
        for name, seq in missing([gateway], collector)
        if name in collector.streams
    ) and {said["stream"] for said in gateway.reported} <= set(collector.streams)
