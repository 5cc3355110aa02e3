"""One gauntlet: the site is opened, everything goes wrong as planned, then it is judged."""

import threading
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, Final

from protocols.clock import real_monotonic
from tests.faults.crash_vfs import Toll, power_leg
from tests.gauntlet.court import judge
from tests.gauntlet.full_disk import FullDisk, keep_small, make_small, take_away
from tests.gauntlet.hands import Hand
from tests.gauntlet.keepers import CentralKeeper, EdgeKeeper, Keeper
from tests.gauntlet.layout import RATE
from tests.gauntlet.partitions import Partitions, drop_rules
from tests.gauntlet.plan import Options, Plan, make_plan
from tests.gauntlet.processes import Life, Stuck
from tests.gauntlet.restores import Restores
from tests.gauntlet.site import Site
from tests.gauntlet.stored import Evidence
from tests.gauntlet.verdict import Verdict

TELL_EVERY: Final = 120.0
WHATS: Final = ("kill edge", "kill central", "partition", "restore")
DRAIN_QUIET: Final = 75.0
"""Longer than any pause of the uplink."""
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
    power: Toll
    accepted: int
    seconds: dict[str, float] = field(default_factory=dict)


def run(options: Options, folder: Path) -> Result:
    """Run the whole gauntlet in `folder`. Raises Stuck when the site does not get on."""
    site = Site(
        folder,
        options.gateways,
        options.sabotage,
        backup=options.restores > 0,
        secure=options.secure,
    )
    seconds: dict[str, float] = {}
    began = real_monotonic()
    try:
        if options.full_disk:
            make_small(site.gateways[-1])
        site.open()
        opened = real_monotonic()
        _go_wrong(site, options)
        seconds["accepting"] = real_monotonic() - opened
        site.freeze()
        seconds["draining"] = site.wait_drained(DRAIN_QUIET)
        site.end_gateways()
        ended = real_monotonic()
        verdict, evidence = judge(site, options)
        seconds["judging"] = real_monotonic() - ended
        toll = cut_power(verdict, options, folder)
        seconds["cutting power"] = real_monotonic() - ended - seconds["judging"]
    finally:
        try:
            drop_rules()
        finally:
            site.close()
        if options.full_disk:
            keep_small(site.gateways[-1], folder)
            take_away(site.gateways[-1])
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
        power=toll,
        accepted=sum(n for _, _, n in site.owed),
        seconds=seconds,
    )


def cut_power(verdict: Verdict, options: Options, folder: Path) -> Toll:
    """Cut the power under the same buffer, many times: a `kill -9` leaves the machine's cache."""
    if not options.power_cuts:
        return Toll(options.seed)
    sabotage = options.sabotage if options.sabotage == "nofsync" else ""
    toll = power_leg(folder / "power", options.seed, options.power_cuts, sabotage)
    verdict.losses["power"] += toll.lost
    verdict.wrong += toll.invented
    if not toll.clean:
        verdict.unexplained += 1
        verdict.because(f"power cuts: {'; '.join(toll.reasons[:3])}")
    return toll


def _go_wrong(site: Site, options: Options) -> None:
    over = threading.Event()
    workers = _workers(site, make_plan(options), over)
    for worker in workers:
        worker.start()
    undisturbed = options.readings / (RATE * options.gateways)
    faults = options.kills + options.partitions + 10 * options.restores
    told = real_monotonic()
    limit = told + PATIENCE * undisturbed + 30.0 * faults + 120.0
    try:
        while site.accepted < options.readings or not all(w.done.is_set() for w in workers):
            for worker in workers:
                if worker.failed is not None:
                    raise worker.failed
            if real_monotonic() > limit:
                raise Stuck(f"only {site.accepted} accepted in time\n{site.logs()}")
            if real_monotonic() > told + TELL_EVERY:
                told = real_monotonic()
                print(f"  {progress(site)}", flush=True)
            over.wait(0.05)
    finally:
        over.set()
        for worker in workers:
            worker.join(60)


def progress(site: Site) -> str:
    """Return how far a long run is."""
    done = [f"{what} {sum(site.diary.of(what).values())}" for what in WHATS]
    return f"{site.accepted} accepted, {', '.join(done)}"


def _workers(site: Site, plan: Plan, over: threading.Event) -> list[Keeper | Hand[Any]]:
    workers: list[Keeper | Hand[Any]] = [
        EdgeKeeper(site, gateway, kills, over)
        for gateway, kills in zip(site.gateways, plan.edge, strict=True)
    ]
    workers.append(CentralKeeper(site, plan.central, over))
    partitions = Partitions(site)
    # Two lines may fail at once, and those of one hand follow each other.
    for number in range(2):
        todo = plan.partitions[number::2]
        workers.append(Hand(f"partitions {number}", site, todo, partitions.act, over))
    full = FullDisk(site, site.gateways[-1]).act
    workers.append(Hand("full disk", site, plan.full_disk, full, over))
    workers.append(Hand("restores", site, plan.restores, Restores(site).act, over))
    return workers


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
