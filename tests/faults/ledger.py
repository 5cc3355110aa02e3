"""Power cuts over the statements of the collector's database: a committed answer is never lost.

As `crash_vfs`, with the real collector instead of the buffer: several gateways send at once (group
commit), each answer is a promise, and after a cut the real collector opens what is left.
`python -m tests.faults.ledger CRASHES [SEED [SABOTAGE]]`.
"""

import asyncio
import os
import random
import shutil
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlite_utils import Database as Tables

from central.collector import Collector
from central.database_file import open_file
from protocols.clock import SystemClock, real_monotonic
from tests.central.builders import Gateway, HandClock, config_in
from tests.faults.crash_vfs import MEMORY, SYNCHRONOUS, Toll, legs, quiet
from tests.faults.medium import Medium, Step, lay_out
from tests.faults.recording import Recorder, recording
from tests.faults.replay import replay

GATEWAYS: Final = 4
REQUESTS: Final = 30


@dataclass(frozen=True, slots=True)
class Answered:
    """The collector said that it has `stream` up to `committed`."""

    stream: str
    committed: int


def ledger_leg(folder: Path, seed: int, crashes: int, sabotage: str = "") -> Toll:
    """Return what `crashes` power cuts cost the collector; as `power_leg`."""
    toll = Toll(seed)
    place = MEMORY if os.access(MEMORY, os.W_OK) else folder
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ledger-", dir=place) as name, quiet():
        work = Path(name)
        (work / "centre").mkdir()
        recorder = Recorder(work / "centre")
        with recording(recorder):
            asyncio.run(_collect(work / "centre", recorder, seed))
        steps = replay(recorder.acts, work / "replayed", SYNCHRONOUS[sabotage])
        _cut(steps, work / "found", toll, crashes)
    return toll


async def _collect(folder: Path, recorder: Recorder, seed: int) -> None:
    clock, dice = HandClock(), random.Random(seed)
    collector = await Collector.open(config_in(folder), clock)
    try:
        gateways = [Gateway(clock, f"gw-{n}") for n in range(GATEWAYS)]
        for gateway in gateways:
            await collector.registry.add_gateway(gateway.name)
        async with asyncio.TaskGroup() as group:
            for gateway in gateways:
                group.create_task(_send(collector, gateway, recorder, dice))
    finally:
        await collector.close()


async def _send(collector: Any, gateway: Gateway, recorder: Recorder, dice: random.Random) -> None:
    stream = gateway.open()
    await gateway.register(collector, stream)
    for _ in range(REQUESTS):
        values = [gateway.reading("level", dice.random()) for _ in range(dice.randint(1, 30))]
        answer = await gateway.deliver(collector, stream, *values)
        recorder.mark(Answered(stream.id, answer.committed))
        if dice.random() < 0.1:
            stream = gateway.open()
            await gateway.register(collector, stream)


def _cut(steps: list[Step], place: Path, toll: Toll, crashes: int) -> None:
    dice = random.Random(toll.seed)
    medium, owed, done = Medium(), dict[str, int](), 0
    for moment in sorted(dice.randrange(1, len(steps)) for _ in range(crashes)):
        for step in steps[done:moment]:
            medium.take(step)
            if isinstance(step.data, Answered):
                owed[step.data.stream] = step.data.committed
        done = moment
        found = medium.after_power_cut(dice)
        lay_out(found, place)
        toll.crashes += 1
        toll.accepted += sum(owed.values())
        _check(place, owed, toll, f"cut at step {moment} of {len(steps)}")
        shutil.rmtree(place)


def _check(place: Path, owed: dict[str, int], toll: Toll, where: str) -> None:
    try:
        tables, _ = open_file(place / "collector.db", 0)
        with closing(tables.conn):
            _judge(tables, owed, toll, where)
    except Exception as exc:  # noqa: BLE001  # whatever it is: a collector must start again
        toll.refused += 1
        toll.lost += sum(owed.values())
        toll.because(f"{where}: {exc!r}")


def _judge(tables: Tables, owed: dict[str, int], toll: Toll, where: str) -> None:
    """Every answered number is under the cursor, and under the cursor everything is there."""
    if tables.conn.execute("PRAGMA quick_check").fetchone()[0] != "ok":
        toll.damaged += 1
        toll.because(f"{where}: damaged")
    cursors = dict(tables.conn.execute("SELECT id, cursor FROM stream"))
    held = dict(
        tables.conn.execute(
            "SELECT s.id, sum(e.n) FROM evidence e JOIN stream s ON s.number=e.stream GROUP BY 1"
        )
    )
    for stream, committed in owed.items():
        there = min(cursors.get(stream, 0), held.get(stream, 0))
        if there < committed:
            toll.lost += committed - there
            toll.because(f"{where}: {stream[:8]} answered {committed}, there are {there}")
    for stream, cursor in cursors.items():
        if held.get(stream, 0) != cursor:
            toll.invented += 1
            toll.because(f"{where}: {stream[:8]} cursor {cursor}, stored {held.get(stream, 0)}")


def main() -> int:
    crashes = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else SystemClock().now() % 1_000_000
    sabotage = sys.argv[3] if len(sys.argv) > 3 else ""
    bad, started = 0, real_monotonic()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        for at, count in legs(crashes, seed):
            toll = ledger_leg(Path(folder), at, count, sabotage)
            bad += not toll.clean
            for reason in toll.reasons:
                print(f"  {reason}")
            print(f"crash vfs, collector: {toll}, {real_monotonic() - started:.1f} s", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
