"""Power cuts over the buffer's own statements: recorded once, replayed, cut at many moments.

The real buffer writes; what it did is replayed on a medium that forgets what was not synced; what
is left of the folder after a cut is opened by the real buffer again, drained and held against what
had been reported as accepted by then. `python -m tests.faults.crash_vfs CRASHES [SEED [SABOTAGE]]`.
"""

import asyncio
import logging
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from edge.buffer import Buffer
from edge.config import BufferSettings
from protocols.clock import SystemClock, real_monotonic
from protocols.words import Reading, StreamKind
from tests.edge.buffer_suite import ORIGIN
from tests.faults.medium import Medium, Step, lay_out
from tests.faults.recording import Recorder, recording
from tests.faults.replay import replay
from tests.faults.workload import QUOTA, Accepted, Drained, Excused, Name, Truth, Workload, drain

STEPS: Final = 250
MEMORY: Final = Path("/dev/shm")
"""Real syncs are of no use here: what they would do is what the replay decides."""
SYNCHRONOUS: Final = {"": "", "nofsync": "OFF", "normal": "NORMAL"}


@dataclass
class Toll:
    """What the cuts cost. `damaged`: files put into quarantine; `invented`: never accepted."""

    seed: int
    crashes: int = 0
    accepted: int = 0
    lost: int = 0
    invented: int = 0
    duplicated: int = 0
    damaged: int = 0
    refused: int = 0
    reasons: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        broken = self.lost or self.invented or self.duplicated or self.damaged or self.refused
        return not broken and self.accepted > 0

    def add(self, other: "Toll") -> None:
        """Take another's figures into this one."""
        for name in (
            "crashes", "accepted", "lost", "invented", "duplicated", "damaged", "refused"
        ):  # fmt: skip
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for reason in other.reasons:
            self.because(f"seed {other.seed}: {reason}")

    def because(self, reason: str) -> None:
        if len(self.reasons) < 20:
            self.reasons.append(reason)

    def __str__(self) -> str:
        return (
            f"cuts {self.crashes}, accepted {self.accepted}, lost {self.lost}, "
            f"duplicated {self.duplicated}, invented {self.invented}, damaged {self.damaged}, "
            f"refused to start {self.refused}, seed {self.seed}"
        )


def power_leg(folder: Path, seed: int, crashes: int, sabotage: str = "") -> Toll:
    """Return what `crashes` power cuts cost the buffer.

    Works in memory where there is a file system in it, else in `folder`; leaves nothing behind.
    `sabotage`: "nofsync" or "normal" take the syncs away; then `lost` must be above zero.
    """
    toll = Toll(seed)
    place = MEMORY if os.access(MEMORY, os.W_OK) else folder
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="power-", dir=place) as name, quiet():
        work = Path(name)
        recorder = Recorder(work / "buffer")
        workload = Workload(work / "buffer", recorder, seed)
        with recording(recorder):
            asyncio.run(workload.run(STEPS))
        steps = replay(recorder.acts, work / "replayed", SYNCHRONOUS[sabotage])
        asyncio.run(_cut(steps, workload.truth, work / "found", toll, crashes))
    return toll


async def _cut(steps: list[Step], truth: Truth, place: Path, toll: Toll, crashes: int) -> None:
    dice = random.Random(toll.seed)
    moments = sorted(dice.randrange(1, len(steps)) for _ in range(crashes))
    medium, owed = Medium(), set[Name]()
    done = 0
    for moment in moments:
        for step in steps[done:moment]:
            medium.take(step)
            promise(step, owed)
        done = moment
        lay_out(medium.after_power_cut(dice), place)
        toll.crashes += 1
        toll.accepted += len(owed)
        await _check(place, truth, owed, toll, f"cut at step {moment} of {len(steps)}")
        shutil.rmtree(place)


def promise(step: Step, owed: set[Name]) -> None:
    """Note what is owed from this step on."""
    if isinstance(step.data, Accepted):
        said = step.data
        owed.update((said.stream, seq) for seq in range(said.seq0, said.seq0 + said.n))
    elif isinstance(step.data, Excused):
        owed -= step.data.names


async def _check(place: Path, truth: Truth, owed: set[Name], toll: Toll, where: str) -> None:
    try:
        settings = BufferSettings(folder=place, quota_bytes=QUOTA)
        buffer = await Buffer.open(settings, ORIGIN, SystemClock())
        found = await drain(buffer)
        done = buffer.append(StreamKind.DATA, [Reading(1, 0.5, 0, 0)])
        await buffer.seal(StreamKind.DATA)
        await done
        after = {s.number for s in (await buffer.stats()).streams if s.live}
        await buffer.close()
    except Exception as exc:  # noqa: BLE001  # whatever it is: a buffer must always start
        toll.refused += 1
        toll.lost += len(owed)
        toll.because(f"{where}: would not start: {exc!r}")
        return
    judge(found, after, truth, owed, toll, where)
    damaged = list((place / "quarantine").glob("*.db.[0-9]*"))
    toll.damaged += len(damaged)
    if damaged:
        toll.because(f"{where}: {damaged[0].name} was damaged")


def judge(
    found: Drained, fresh: set[int], truth: Truth, owed: set[Name], toll: Toll, where: str
) -> None:
    """Hold what came out against what went in; `fresh`: the streams opened after the cut."""
    missing = owed - set(found.values)
    if missing:
        toll.lost += len(missing)
        toll.because(f"{where}: {len(missing)} lost, the first {min(missing)}")
    known = {stream for stream, _ in truth.values}
    for name, value in found.values.items():
        if name[0] in known and truth.values.get(name) != value:
            toll.invented += 1
            toll.because(f"{where}: {name} is {value}")
    toll.duplicated += found.twice
    used = {truth.numbers[stream] for stream, _ in owed if stream in truth.numbers}
    used |= {number for stream, number in found.numbers.items() if stream in known}
    if not fresh or fresh & used:
        toll.invented += 1
        toll.because(f"{where}: stream numbers {fresh & used} given twice")


class quiet:  # noqa: N801
    """The buffer rightly complains of what is done to it here."""

    def __enter__(self) -> None:
        self._before = logging.root.manager.disable
        logging.disable(logging.CRITICAL)

    def __exit__(self, *_: object) -> None:
        logging.disable(self._before)


def legs(crashes: int, seed: int, each: int = 200) -> Iterator[tuple[int, int]]:
    """Yield (seed, crashes): a workload of its own for every `each` cuts."""
    while crashes > 0:
        yield seed, min(each, crashes)
        seed, crashes = seed + 1, crashes - each


def main() -> int:
    crashes = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else SystemClock().now() % 1_000_000
    sabotage = sys.argv[3] if len(sys.argv) > 3 else ""
    bad = 0
    started = real_monotonic()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        for at, count in legs(crashes, seed):
            toll = power_leg(Path(folder), at, count, sabotage)
            bad += not toll.clean
            for reason in toll.reasons:
                print(f"  {reason}")
            print(f"crash vfs: {toll}, {real_monotonic() - started:.1f} s", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
