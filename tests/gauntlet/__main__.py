"""`make gauntlet N= KILLS= SEED=`: accept N readings through K kills on both sides, then judge."""

import argparse
import random
import shutil
import sys
import tempfile
import threading
from pathlib import Path

from protocols.clock import SystemClock, real_monotonic
from tests.gauntlet.processes import Killed
from tests.gauntlet.site import PERIOD, Site
from tests.gauntlet.stored import read_stored
from tests.gauntlet.verdict import Verdict, judge_batches, judge_point

DRAIN_SECONDS = 120.0
RATE = 3000
"""Readings a second this site makes; only used to spread the kills over the run."""


def run(readings: int, kills: int, seed: int, folder: Path) -> tuple[Verdict, list[Killed]]:
    """Run the whole gauntlet in `folder` and return its verdict."""
    dice = random.Random(seed)
    site = Site(folder)
    site.start()
    done: list[Killed] = []
    pause = threading.Event()
    try:
        seconds = max(20.0, readings / RATE)
        moments = sorted(dice.uniform(0.05, 0.9) * readings for _ in range(kills))
        limit = real_monotonic() + 6 * seconds + 120
        while (accepted := site.commits.accepted) < readings or moments:
            if real_monotonic() > limit:
                raise SystemExit(f"gauntlet: only {accepted} accepted in time\n{site.logs()}")
            if moments and accepted >= moments[0]:
                moments.pop(0)
                pause.wait(dice.uniform(0, 0.5))
                done.append(site.kill(dice.choice(("edge", "central"))))
            pause.wait(0.02)
        site.freeze()
        site.wait_drained(DRAIN_SECONDS)
    finally:
        site.stop()
    return judge(site, done), done


def judge(site: Site, kills: list[Killed]) -> Verdict:
    """Hold the collector's store against what was accepted and against the truth."""
    verdict = Verdict()
    stored = read_stored(site.database)
    judge_batches(verdict, site.accepted, stored.batches)
    edge_kills = [kill for kill in kills if kill.who == "edge"]
    for point, samples in stored.samples.items():
        judge_point(verdict, point, samples, edge_kills, PERIOD)
    if stored.rows != sum(stored.batches.values()):
        verdict.duplicated += max(0, stored.rows - sum(stored.batches.values()))
        verdict.lost += max(0, sum(stored.batches.values()) - stored.rows)
        verdict.because(f"{stored.rows} rows for {sum(stored.batches.values())} in batches")
    return verdict


def main() -> int:
    parser = argparse.ArgumentParser(prog="make gauntlet")
    parser.add_argument("--readings", type=int, default=200_000)
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--keep", type=Path, help="folder to leave behind for a look")
    chosen = parser.parse_args()
    seed = chosen.seed if chosen.seed is not None else SystemClock().now() % 1_000_000
    folder = chosen.keep or Path(tempfile.mkdtemp(prefix="gauntlet-"))
    started = real_monotonic()
    try:
        verdict, kills = run(chosen.readings, chosen.kills, seed, folder)
    finally:
        if chosen.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    for reason in verdict.reasons:
        print(f"  {reason}")
    edge = sum(kill.who == "edge" for kill in kills)
    restart = max((kill.back - kill.at for kill in kills), default=0) / 1e6
    print(
        f"readings {verdict.readings}, lost {verdict.lost}, duplicated {verdict.duplicated}, "
        f"wrong {verdict.wrong}, kills {len(kills)} (edge {edge}, central {len(kills) - edge}), "
        f"longest restart {restart:.1f} s, seed {seed}, {real_monotonic() - started:.0f} s"
    )
    return 0 if verdict.clean else 1


if __name__ == "__main__":
    sys.exit(main())
