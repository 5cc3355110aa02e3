"""Reads everything back and judges it; three read at once, while others are judged."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

import numpy as np

from protocols.simulators.collector_door import CollectorDoor
from tests.gauntlet.gateway import Gateway
from tests.gauntlet.layout import PER_GATEWAY, point_id
from tests.gauntlet.plan import Options
from tests.gauntlet.plant import READ
from tests.gauntlet.processes import Life
from tests.gauntlet.site import Site
from tests.gauntlet.stored import Evidence, Samples, read_evidence, read_point
from tests.gauntlet.verdict import Verdict, judge_batches, judge_point

READERS: Final = 3
HEAP: Final = 50
"""Points read over one connection, judged while the next are read."""
PER_SESSION: Final = 2 * PER_GATEWAY
"""Points; more in one session would be asked to wait."""
FORBIDDEN: Final = (
    "STREAM_DIVERGES",
    "CHAIN_BROKEN",
    "BUFFER_SET_BACK",
    "SIGNATURE_REFUSED",
    "REPLAY_REFUSED",
    "SIGNER_REFUSED",
    "BOOT_HELD",
)
TOLD: Final = {
    "backup": ("COLLECTOR_RESTORED",),
    "snapshot": ("COLLECTOR_WENT_BACK", "COLLECTOR_BEHIND"),
}
"""What must be told when a collector was put back in this way, and may be told only then."""


def judge(site: Site, options: Options) -> tuple[Verdict, Evidence]:
    """Hold what the collector serves against what was accepted and against the truth."""
    verdict = Verdict()
    found = read_evidence(site.database)
    permitted = permitted_reasons(options)
    judge_batches(verdict, site.owed, found.batches, found.skips, permitted)
    rows, door = 0, site.door
    with ThreadPoolExecutor(READERS) as pool:
        for gateway in site.gateways:
            served = np.fromfile(gateway.log, dtype=READ)
            verdict.served += int(served["count"].sum())
            verdict.unplaced = found.unplaced.get(gateway.name, 0) if options.full_disk else 0
            first = gateway.number * PER_GATEWAY
            if first and first % PER_SESSION == 0:
                door = site.enter(f"reader-{gateway.number}")
            starts = range(first, first + PER_GATEWAY, HEAP)
            heaps = [range(start, start + HEAP) for start in starts]
            for read in pool.map(partial(_read, door, site.span()), heaps):
                for point, samples in read.items():
                    rows += samples.rows
                    _judge(verdict, gateway, found, point, samples, served)
    if rows + found.quarantined != found.proved:
        verdict.losses["rows"] += max(0, found.proved - rows)
        verdict.duplicated += max(0, rows - found.proved)
        verdict.because(f"{rows} readings stored, {found.proved} in the evidence")
    judge_events(verdict, found, options, site.diary.of("restore"))
    return verdict, found


def _read(door: CollectorDoor, span: tuple[int, int], points: Iterable[int]) -> dict[int, Samples]:
    with door.kept() as kept:
        return {point: read_point(kept, point_id(point), span) for point in points}


def _judge(
    verdict: Verdict, gateway: Gateway, found: Evidence, point: int, samples: Samples, served: Any
) -> None:
    mine = served[(served["point"] <= point) & (point < served["point"] + served["count"])]
    lives: Sequence[Life] = gateway.process.lives
    loss = found.loss.get(point_id(point), ())
    judge_point(verdict, point, samples, mine["time"], lives, loss)


def permitted_reasons(options: Options) -> frozenset[str]:
    """Return what readings may be given up for: a full disk takes first what the collector has and
    no backup covers, and a restore then misses that.
    """
    if not options.full_disk:
        return frozenset()
    return frozenset({"quota", "gone_at_collector"} if options.restores else {"quota"})


def judge_events(
    verdict: Verdict, found: Evidence, options: Options, restored: Mapping[str, int]
) -> None:
    """Security events, and losses that no full disk explains, must not have happened."""
    told = found.security | found.events
    back = {code for kind, n in restored.items() if n for code in TOLD[kind]}
    never = set(FORBIDDEN) | {code for codes in TOLD.values() for code in codes} - back
    for code in sorted(told):
        if code in never or (code in found.security and code not in back):
            verdict.unexplained += told[code]
            verdict.because(f"event {code}, {told[code]} times")
    for code in sorted(back - set(told)):
        verdict.unexplained += 1
        verdict.because(f"the collector was put back, and no event says {code}")
    for reason, count in found.lost.items():
        if reason not in permitted_reasons(options):
            verdict.losses["ledger"] += count
            verdict.because(f"lost: {count} readings in the loss ledger ({reason})")
    if verdict.permitted and "DATA_LOST" not in told:
        verdict.unexplained += 1
        verdict.because("readings were given up, and no event says so")
    if found.quarantined:
        verdict.wrong += found.quarantined
        verdict.because(f"{found.quarantined} readings were put aside")
