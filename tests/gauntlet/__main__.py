"""`make gauntlet N= KILLS= SEED=`: accept N readings through K kills on both sides, then judge."""

import argparse
import os
import random
import shutil
import sys
import tempfile
import threading
from pathlib import Path

from protocols.clock import SystemClock, real_monotonic
from tests.gauntlet.processes import Killed
from tests.gauntlet.site import DEVICES, FAULTS, GATEWAY, PER_DEVICE, PERIOD, SITE, Site
from tests.gauntlet.stored import read_stored
from tests.gauntlet.verdict import Verdict, judge_batches, judge_point

DRAIN_SECONDS = 120.0
RATE = 3000
"""Readings a second this site makes; only used to spread the kills over the run."""


def run(
    readings: int, kills: int, seed: int, folder: Path, sabotage: str = ""
) -> tuple[Verdict, list[Killed]]:
    """Run the whole gauntlet in `folder` and return its verdict."""
    dice = random.Random(seed)
    site = Site(folder, sabotage)
    site.start()
    done: list[Killed] = []
    pause = threading.Event()
    try:
        moments = sorted(dice.uniform(0.05, 0.9) * readings for _ in range(kills))
        limit = real_monotonic() + 6 * max(20.0, readings / RATE) + 30 * kills + 60
        while (accepted := site.commits.accepted) < readings or moments:
            if real_monotonic() > limit:
                raise SystemExit(f"gauntlet: only {accepted} accepted in time\n{site.logs()}")
            if moments and accepted >= moments[0]:
                moments.pop(0)
                pause.wait(dice.uniform(0, 0.5))
                done.append(site.kill("edge" if len(moments) % 2 else "central"))
            pause.wait(0.02)
        site.freeze()
        site.wait_drained(DRAIN_SECONDS)
        site.stop_gateway()
        return judge(site, done), done
    finally:
        site.stop()


def judge(site: Site, kills: list[Killed]) -> Verdict:
    """Hold what the collector serves against what was accepted and against the truth."""
    verdict = Verdict()
    points = {
        device * PER_DEVICE + number: f"{SITE}/{GATEWAY}/d{device}/p{number}"
        for device in range(DEVICES)
        for number in range(PER_DEVICE)
    }
    stored = read_stored(site.door, site.database, points, site.span())
    judge_batches(verdict, site.accepted, stored.batches)
    if stored.rows != stored.proved:
        verdict.lost += max(0, stored.proved - stored.rows)
        verdict.duplicated += max(0, stored.rows - stored.proved)
        verdict.because(f"{stored.rows} readings stored, {stored.proved} in the evidence")
    edge_kills = [kill for kill in kills if kill.who == "edge"]
    for point, samples in stored.samples.items():
        judge_point(verdict, point, samples, edge_kills, PERIOD)
    return verdict


def main() -> int:
    parser = argparse.ArgumentParser(prog="make gauntlet")
    parser.add_argument("--readings", type=int, default=200_000)
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--sabotage", choices=FAULTS, default=os.environ.get("SABOTAGE") or "")
    parser.add_argument("--keep", type=Path, help="folder to leave behind for a look")
    chosen = parser.parse_args()
    seed = chosen.seed if chosen.seed is not None else SystemClock().now() % 1_000_000
    folder = chosen.keep or Path(tempfile.mkdtemp(prefix="gauntlet-"))
    started = real_monotonic()
    try:
        verdict, kills = run(chosen.readings, chosen.kills, seed, folder, chosen.sabotage)
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
