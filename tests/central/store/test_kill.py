"""kill -9 while the store seals and merges: what was answered for is there, once, nothing else."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.central.builders import HandClock
from tests.central.store.plant import close_store, open_store
from tests.central.store.store_suite import NOW

ROOT = Path(__file__).resolve().parents[3]
MOMENTS = int(os.environ.get("FENGSUI_MOMENTS", "10"))
"""Of each phase; `make soak` asks for more."""
PHASES = {
    "sealing": ("central.sealing", "central.sealed", "central.clearing"),
    "merging": ("central.merging",),
}


def moments(phases):
    """Return so many moments: phases in turn, later and later ones of each."""
    return [(phases[n % len(phases)], 1 + n // len(phases)) for n in range(MOMENTS)]


@pytest.mark.parametrize("name", PHASES)
async def test_killed_while(name, tmp_path):
    asked = moments(PHASES[name])
    victim = subprocess.run(
        [sys.executable, "-m", "tests.central.store.victim", str(tmp_path)],
        input="".join(f"{phase} {nth}\n" for phase, nth in asked),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert victim.stdout.split() == ["killed"] * MOMENTS, victim.stderr
    acknowledged = Counter((tmp_path / "acknowledged").read_text().splitlines())
    assert set(acknowledged.values()) == {1}
    stored = await everything(tmp_path)
    assert set(stored.values()) == {1}
    assert not acknowledged - stored
    # A scan may have been committed and its answer not written: no more than one a life.
    more = stored - acknowledged
    assert len(more) <= MOMENTS * 121, len(more)


async def everything(folder):
    db, store = await open_store(folder, HandClock())

    def work(view):
        found = Counter()
        for number in range(1, 50):
            held = view.read(number, 0, 2 * NOW)
            cells = zip(held.times.tolist(), held.seqs.tolist(), held.values, strict=True)
            found.update(f"{number} {time} {seq} {value}" for time, seq, value in cells)
        return found

    found = await store.ask(work)
    await close_store(db, store)
    return found
