"""One gauntlet: the site is opened, everything goes wrong as planned, then it is judged."""

import threading
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Final

from protocols.clock import real_monotonic
from tests.gauntlet.court import judge
from tests.gauntlet.hands import Hand
from tests.gauntlet.keepers import CentralKeeper, EdgeKeeper, Keeper
from tests.gauntlet.layout import RATE
from tests.gauntlet.partitions import Partitions, drop_rules
from tests.gauntlet.plan import Options, Partition, make_plan
from tests.gauntlet.processes import Life, Stuck
from tests.gauntlet.site import Site
from tests.gauntlet.stored import Evidence
from tests.gauntlet.verdict import Verdict

DRAIN_SECONDS: Final = 300.0
PATIENCE: Final = 6.0
"""A run may take so many times what it takes undisturbed, and then some for each fault."""


@dataclass
class Result:
    """What `run` found; `seconds` says what took how long."""

    options: Options
    verdict: Verdict
    evidence: Evidence
    faults: dict[str, dict[str, int]]
    restarts: dict[str, list[float]]
    accepted: int
    seconds: dict[str, float] = field(default_factory=dict)


def run(options: Options, folder: Path) -> Result:
    """Run the whole gauntlet in `folder`. Raises Stuck when the site does not get on."""
    site = Site(folder, options.gateways, options.sabotage, backup=False)
    seconds: dict[str, float] = {}
    began = real_monotonic()
    try:
        site.open()
        opened = real_monotonic()
        _go_wrong(site, options)
        seconds["accepting"] = real_monotonic() - opened
        site.freeze()
        seconds["draining"] = site.wait_drained(DRAIN_SECONDS)
        site.end_gateways()
        ended = real_monotonic()
        verdict, evidence = judge(site, options)
        seconds["judging"] = real_monotonic() - ended
    finally:
        drop_rules()
        site.close()
    seconds["all"] = real_monotonic() - began
    return Result(
        options=options,
        verdict=verdict,
        evidence=evidence,
        faults={what: site.diary.of(what) for what, _ in site.diary.counts},
        restarts={
            "edge": [back for g in site.gateways for back in restarts(g.process.lives)],
            "central": restarts(site.central.lives),
        },
        accepted=sum(n for _, _, n in site.owed),
        seconds=seconds,
    )


def _go_wrong(site: Site, options: Options) -> None:
    plan, over = make_plan(options), threading.Event()
    workers: list[Keeper | Hand[Partition]] = [
        EdgeKeeper(site, gateway, kills, over)
        for gateway, kills in zip(site.gateways, plan.edge, strict=True)
    ]
    workers.append(CentralKeeper(site, plan.central, over))
    partitions = Partitions(site)
    # Two lines may fail at once, and those of one hand follow each other.
    for number in range(2):
        todo = plan.partitions[number::2]
        workers.append(Hand(f"partitions {number}", site, todo, partitions.act, over))
    for worker in workers:
        worker.start()
    undisturbed = options.readings / (RATE * options.gateways)
    faults = options.kills + options.partitions + 10 * options.restores
    limit = real_monotonic() + PATIENCE * undisturbed + 30.0 * faults + 120.0
    try:
        while site.accepted < options.readings or not all(
            worker.done.is_set() for worker in workers
        ):
            for worker in workers:
                if worker.failed is not None:
                    raise worker.failed
            if real_monotonic() > limit:
                raise Stuck(f"only {site.accepted} accepted in time\n{site.logs()}")
            over.wait(0.05)
    finally:
        over.set()
        for worker in workers:
            worker.join(60)


def restarts(lives: list[Life]) -> list[float]:
    """Return how long each start after a kill took until the process was at work (s); one that was
    killed before counts towards the next."""
    found: list[float] = []
    down = 0
    for before, life in pairwise(lives):
        down = down or (before.end if before.how not in ("", "stop") else 0)
        if down and life.first:
            found.append((life.first - down) / 1e6)
            down = 0
    return found


def middle_and_worst(times: list[float]) -> str:
    """Return the median and the maximum as text."""
    return f"median {median(times):.1f} s, worst {max(times):.1f} s" if times else "none"
