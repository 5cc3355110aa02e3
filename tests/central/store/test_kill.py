"""kill -9 while the store seals, merges and lets go: what was answered for is there, once."""

import os
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from central.store.families import numbers_of
from central.store.tiers import tiers
from protocols.clock import HOUR, MINUTE
from tests.central.builders import HandClock
from tests.central.store.plant import close_store, open_store
from tests.central.store.store_suite import NOW
from tests.central.store.victim import DAY, RETENTION

ROOT = Path(__file__).resolve().parents[3]
MOMENTS = int(os.environ.get("FENGSUI_MOMENTS", "10"))
"""Of each phase; `make soak` asks for more."""
LATEST = 10
"""How often one life surely comes by a phase."""
PHASES = {
    "sealing": ("central.sealing", "central.sealed", "central.clearing"),
    "merging": ("central.merging",),
}


def moments(phases):
    """Return so many moments: phases in turn, later and later ones of each, and from the first."""
    return [(phases[n % len(phases)], 1 + n // len(phases) % LATEST) for n in range(MOMENTS)]


@pytest.mark.parametrize("way", ["", "apart"])
@pytest.mark.parametrize("name", PHASES)
async def test_killed_while(name, way, tmp_path):
    acknowledged = lives(tmp_path, moments(PHASES[name]), way)
    stored = await everything(tmp_path)
    assert set(stored.values()) == {1}
    assert not acknowledged - stored
    # A scan may have been committed and its answer not written: no more than one a life.
    more = stored - acknowledged
    assert len(more) <= MOMENTS * 121, len(more)


async def test_killed_while_letting_go(tmp_path):
    acknowledged = lives(tmp_path, moments([RETENTION]))
    stored = await everything(tmp_path)
    ((hours, minutes, ledger),) = await asked(tmp_path, left)
    assert set(stored.values()) == {1}
    assert not stored - acknowledged
    gone = [line.split() for line in acknowledged - stored]
    times = [(int(point), int(time)) for point, time, *_ in gone]
    assert gone
    assert hours == Counter((point, time // HOUR) for point, time in times)
    # A stray of a month ago is older than minutes are kept.
    young = [(point, time) for point, time in times if time > NOW - 20 * DAY]
    assert minutes == Counter((point, time // MINUTE) for point, time in young)
    assert ledger == Counter(time // DAY for _, time in times)
    assert len(ledger) > 1


def lives(folder, asked, way=""):
    """Return what was answered for in so many lives, each of which was ended where it was asked."""
    victim = subprocess.run(
        [sys.executable, "-m", "tests.central.store.victim", str(folder)],
        input="".join(f"{phase} {nth} {way}\n" for phase, nth in asked),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert victim.stdout.split() == ["killed"] * len(asked), victim.stderr
    acknowledged = Counter((folder / "acknowledged").read_text().splitlines())
    assert set(acknowledged.values()) == {1}
    return acknowledged


async def asked(folder, *works):
    db, store = await open_store(folder, HandClock())
    found = [await store.ask(work) for work in works]
    await close_store(db, store)
    return found


async def everything(folder):
    """Return what is stored, a question a point: fifty lives are more than one may take."""
    works = [partial(of_point, number) for number in range(1, 50)]
    return sum(await asked(folder, *works), Counter())


def of_point(number, view):
    held = view.read(number, 0, 2 * NOW)
    cells = zip(held.times.tolist(), held.seqs.tolist(), held.values, strict=True)
    return Counter(f"{number} {time} {seq} {value}" for time, seq, value in cells)


def left(view):
    """Return what rollups and the ledger count: by point and hour, by point and minute, by day."""
    by_span = {HOUR: Counter(), MINUTE: Counter()}
    for family, span, body in view.conn.execute("SELECT family, span, body FROM rollup"):
        numbers = numbers_of(view.conn, family)
        for member, rollup in tiers.unpacked(body).items():
            for row in rollup.rows:
                by_span[span][numbers[member], int(row["t0"]) // span] += int(row["n"])
    lines = view.conn.execute("SELECT day, sum(readings) FROM removed GROUP BY day")
    return by_span[HOUR], by_span[MINUTE], Counter(dict(lines.fetchall()))
