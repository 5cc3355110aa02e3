"""Power cuts under a running gateway or collector on a real file system (root, nbdkit).

`python -m tests.faults.power_cut CUTS [SEED [off|normal]]`.
"""

import asyncio
import http.client
import os
import random
import sqlite3
import sys
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edge.buffer import Buffer
from edge.config import BufferSettings
from protocols.clock import SystemClock, real_monotonic
from tests.edge.buffer_suite import ORIGIN
from tests.faults.block_medium import BlockMedium, impossible
from tests.faults.centre import Centre, Client
from tests.faults.crash_vfs import quiet
from tests.faults.outfit import Outfit
from tests.faults.workload import drain


@dataclass
class Cost:
    """What cuts cost, in readings."""

    seed: int
    cuts: int = 0
    accepted: int = 0
    lost: int = 0
    duplicated: int = 0

    @property
    def clean(self) -> bool:
        return not self.lost and not self.duplicated and self.accepted > 0

    def __str__(self) -> str:
        return (
            f"cuts {self.cuts}, accepted {self.accepted}, lost {self.lost}, "
            f"duplicated {self.duplicated}, seed {self.seed}"
        )


def cut_gateway(work: Path, cuts: int, seed: int, level: str = "") -> Cost:
    """Cut the power `cuts` times, then deliver: what was accepted and did not arrive is lost.

    The collector is away until the end, so that nothing escapes the medium before its cut.
    """
    dice, pause, cost = random.Random(seed), threading.Event(), Cost(seed)
    how = {"module": ("tests.faults.careless", level, "edge")} if level else {}
    with BlockMedium(work / "medium") as medium, Outfit(work, medium.folder / "buffer") as outfit:
        outfit.unreachable()
        for _ in range(cuts):
            gateway = outfit.start(**how)
            outfit.accepts(5)
            pause.wait(dice.uniform(0, 1.5))
            medium.cut()
            gateway.end(kill=True)
            cost.cuts += 1
            medium.repair()
            medium.power_on()
        owed = outfit.claims.names()
        cost.accepted = len(owed)
        if level:  # what is gone never arrives: look instead of waiting for it
            cost.lost = len(owed - asyncio.run(_held(outfit.buffer)))
            return cost
        outfit.reachable()
        outfit.start()
        cost.lost = outfit.drained(owed)
        cost.duplicated = outfit.twice()
        for gateway in outfit.gateways:
            gateway.end(kill=True)
    return cost


async def _held(folder: Path) -> set[tuple[str, int]]:
    with quiet():
        buffer = await Buffer.open(BufferSettings(folder=folder), ORIGIN, SystemClock())
        drained = await drain(buffer)
        await buffer.close()
    return set(drained.values)


def cut_collector(work: Path, cuts: int, seed: int, level: str = "") -> Cost:
    """Cut the power of the collector's disk; what it had answered as committed must be there."""
    dice, cost = random.Random(seed), Cost(seed)
    module = ("tests.faults.careless", level, "central") if level else ("central",)
    with (
        BlockMedium(work / "medium") as medium,
        Centre(work, medium.folder / "collector.db") as centre,
    ):
        token = centre.register()
        client = Client(centre.port, token)
        centre.kill()
        os.sync()  # the registration itself is not in question
        for _ in range(cuts):
            centre.start(module)
            client.forget()
            for _ in range(dice.randint(5, 60)):
                assert client.send() == 200
            killer = threading.Timer(dice.uniform(0, 0.2), medium.cut)
            killer.start()
            with suppress(OSError, http.client.HTTPException):
                while killer.is_alive() and client.send() == 200:
                    continue
            killer.join()
            centre.kill()
            cost.cuts += 1
            medium.repair()
            medium.power_on()
        _count(centre, client, cost)
        cost.accepted = sum(client.promised.values())
    return cost


def _count(centre: Centre, client: Client, cost: Cost) -> None:
    try:
        cursors, stored = centre.cursors(), centre.stored()
    except sqlite3.Error:  # damaged beyond reading
        cursors, stored = {}, {}
    for stream, committed in client.promised.items():
        there = min(cursors.get(stream, 0), stored.get(stream, 0))
        cost.lost += max(0, committed - there)
        cost.duplicated += max(0, stored.get(stream, 0) - cursors.get(stream, 0))


def main() -> int:
    if why := impossible():
        print(f"power cuts: SKIPPED / 跳过: {why}")
        return 0
    cuts = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else SystemClock().now() % 1_000_000
    level = sys.argv[3] if len(sys.argv) > 3 else ""
    started = real_monotonic()
    with tempfile.TemporaryDirectory(prefix="power-cut-") as work:
        cost = cut_gateway(Path(work) / "edge", cuts, seed, level)
        print(f"power cuts, gateway: {cost}, {real_monotonic() - started:.0f} s", flush=True)
        other = cut_collector(Path(work) / "central", cuts, seed, level)
    print(f"power cuts, collector: {other}, {real_monotonic() - started:.0f} s")
    return 0 if cost.clean and other.clean else 1


if __name__ == "__main__":
    sys.exit(main())
