"""A real collector on a real small disk that somebody else fills: who waits, who does not, and that
everything is there once in the end.

Needs root, for a tmpfs of its own; skipped by name otherwise.
"""

import asyncio
import os
import subprocess
import sys
import urllib.request

import pytest

from protocols.clock import SECOND, SystemClock, real_monotonic
from protocols.words import Reading
from tests.bench.central.sizes import held
from tests.bench.collector import CollectorProcess
from tests.bench.sender import BenchGateway, Link, Template, manifest, packed
from tests.small_disk import small_disk

MIB = 1 << 20
DISK = 64 * MIB
POINTS = 50
PATIENCE = 60
ALARMS = 60
"""Requests with which alarms go on after the last byte of the disk is gone."""


@pytest.fixture
def disk(tmp_path):
    with small_disk(tmp_path / "disk", DISK) as place:
        yield place


class Others:
    """What somebody else puts on the disk."""

    def __init__(self, disk):
        self._disk = disk
        self._file = disk / "theirs"

    def leave(self, size):
        found = os.statvfs(self._disk)
        free = found.f_bavail * found.f_frsize
        with self._file.open("ab") as file:
            end = file.seek(0, 2)
            if free > size:
                os.posix_fallocate(file.fileno(), end, free - size)
            else:
                file.truncate(max(0, end - (size - free)))

    def go(self):
        self._file.unlink()


class Plant:
    """A gateway with a stream for each lane; what is refused is sent again later."""

    def __init__(self, port, token):
        self._gateway = BenchGateway("gw", token, manifest("gw", "site", POINTS))
        self._link = Link(port, self._gateway)
        self._streams = {}
        self._waiting = {}
        self._turn = 0
        self.sent = 0

    async def open(self):
        for lane in ("alarm", "live", "backfill"):
            stream = self._gateway.open()
            assert (await self._link.put_stream(self._gateway, stream, lane)).status == 200
            self._streams[lane] = stream

    async def send(self, lane, value=50.0):
        """Seal and send; return the status and the code of the refusal."""
        self._turn += 1
        stream, clock = self._streams[lane], SystemClock()
        values = [
            Reading(p, value + (p * 7 + self._turn * 3) % 10 / 10, 0, p) for p in range(POINTS)
        ]
        raw = stream.seal(
            Template(values, [2] * POINTS), clock.now() - SECOND, clock.mono() - SECOND
        )
        self.sent += POINTS
        self._waiting.setdefault(lane, []).append(raw)
        return await self.again(lane)

    async def again(self, lane):
        """Send all that waits."""
        request = packed(self._waiting[lane])
        reply = await self._link.post(self._gateway, self._streams[lane], request, lane)
        if reply.status == 200:
            self._waiting[lane].clear()
        return reply.status, reply.json.get("code")

    def close(self):
        self._link.close()


def acknowledge(collector, alarm):
    """Acknowledge as the page does."""
    asked = urllib.request.Request(
        f"{collector.url}/api/v1/alarms/{alarm}/acknowledge",
        data=b'{"comment": "seen"}',
        headers={
            "Cookie": collector.door._cookie,
            "Content-Type": "application/json",
            "Idempotency-Key": "one-and-only",
            "X-Requested-With": "fengsui",
        },
    )
    with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
        return answer.status


async def until(collector, state):
    """Wait until the overview says what there is room for."""
    end = real_monotonic() + PATIENCE
    while True:
        told = await asyncio.to_thread(collector.door.ask, "GET", "/api/v1/overview")
        if told["platform"]["disk"] == state:
            return
        assert real_monotonic() < end, told["platform"]
        await asyncio.sleep(0.2)


@pytest.mark.slow
async def test_alarms_go_on_to_the_end_and_nothing_is_lost(disk):
    folder = disk / "collector"
    folder.mkdir()
    others, full = Others(disk), (503, "STORE_FULL")
    with CollectorProcess(folder, more="disk: {reserve: 16MiB}\n") as collector:
        plant = Plant(collector.port, collector.add_gateway("gw", "site"))
        await plant.open()
        for lane in ("backfill", "live", "alarm"):
            assert await plant.send(lane) == (200, None)
        await until(collector, "all")

        others.leave(10 * MIB)
        await until(collector, "no_backfill")
        assert await plant.send("backfill") == full
        assert await plant.send("live") == (200, None)

        others.leave(4 * MIB)
        await until(collector, "alarms")
        assert await plant.again("backfill") == full
        assert await plant.send("live") == full
        assert await plant.send("alarm", value=95.0) == (200, None)

        others.leave(0)
        for turn in range(ALARMS):
            assert await plant.send("alarm", value=80.0 + turn % 19) == (200, None)
        alarms = await asyncio.to_thread(
            collector.door.ask, "GET", "/api/v1/alarms?state=unacknowledged"
        )
        first = alarms["items"][0]["id"]
        assert await asyncio.to_thread(acknowledge, collector, first) == 200

        others.go()
        await until(collector, "all")
        for lane in ("backfill", "live"):
            assert await plant.again(lane) == (200, None)
        events = await asyncio.to_thread(collector.door.ask, "GET", "/api/v1/events?kind=fault")
        codes = [event["code"] for event in events["items"] if event["code"].startswith("DISK_")]
        assert codes == ["DISK_RECOVERED", "DISK_ALARMS_ONLY", "DISK_LOW"]
        plant.close()
    assert held(collector.database) == plant.sent
    config = str(folder / "central.yaml")
    checked = subprocess.run(
        [sys.executable, "-m", "central", "store", "check", config, "--language", "en"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stderr) == (0, ""), checked.stdout
