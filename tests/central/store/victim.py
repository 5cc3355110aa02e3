"""A store that is killed again and again: each life begins where the last one was ended.

python -m tests.central.store.victim FOLDER, then a line `PHASE NTH` for each life: the store takes
readings, seals, merges and forgets until it has come to that phase for the nth time; with `PHASE
NTH apart` a process of its own packs, however little that is. The program
answers each line with `killed`, or `lived` where the phase did not come. What was answered for
stands in FOLDER/acknowledged, a line a reading, written after its commit. Readings are let go of
only in lives that end at a step of that: then nothing is under way that was not answered for.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from central.store.interface import Row
from central.store.tiers.keeping import StoreKeeping
from central.store.tiers.retention import StoreRetention
from protocols.crash_points import VARIABLE, CrashPoints
from tests.central.builders import HandClock
from tests.central.store.plant import append, close_store, open_store
from tests.central.store.store_suite import NOW, SECOND

POINTS = range(4, 44)
"""Two families of one device."""
ROUNDS = 40
DAY = 86_400 * SECOND
KEEPING = StoreKeeping({"keep": DAY, "minutes": 20 * DAY, "hours": None})
"""Of a scan of two days ago minutes and hours are left, of a stray of a month ago hours."""
RETENTION = "central.retention"


async def live(folder, phase, nth, *, apart):
    db, store = await open_store(folder, HandClock())
    if apart:
        store.unseen.little = store.merging.little = 1
    db.crash = CrashPoints({VARIABLE: f"{phase}:{nth}"})
    retention = StoreRetention(db, HandClock(), KEEPING, store.families, lambda site: "lifelines")
    kept = folder / "acknowledged"
    seq = len(kept.read_text().splitlines()) if kept.exists() else 0
    for each in range(ROUNDS):
        for _ in range(3):
            rows = scan(seq, each % 3)
            await append(db, store, rows, 1, NOW + seq * 1_000)
            with kept.open("a") as out:
                out.writelines(f"{row.point} {row.time} {row.seq} {row.value}\n" for row in rows)
            seq += len(rows)
        await store.seal()
        await store.merging.run_once()
        if phase == RETENTION:
            await retention.round()
    await retention.close()
    await close_store(db, store)


def scan(seq, back):
    """Return three scans of all points, and a stray of days ago."""
    at = NOW - back * DAY + seq * 100_000
    rows = [
        Row(point, at + nth * SECOND, seq + nth * len(POINTS) + place + 1, seq / 100 + place, 0, 0)
        for nth in range(3)
        for place, point in enumerate(POINTS)
    ]
    return [*rows, Row(1, at - 30 * DAY, seq + len(rows) + 1, float(seq), 0, 0)]


def ended_by_kill(life):
    """Live in a process of its own; return whether it was killed."""
    child = os.fork()
    if child == 0:
        try:
            asyncio.run(life())
        except BaseException:  # noqa: BLE001  # told on the way out
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL, status
        return True
    assert os.WEXITSTATUS(status) == 0, status
    return False


def main():
    folder = Path(sys.argv[1])
    for line in sys.stdin:
        phase, nth, *way = line.split()
        killed = ended_by_kill(lambda p=phase, n=int(nth), a=bool(way): live(folder, p, n, apart=a))
        print("killed" if killed else "lived", flush=True)


if __name__ == "__main__":
    main()
