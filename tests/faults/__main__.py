"""`make faults`: the long forms, a line of figures each; SKIPPED and why where it cannot be."""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from protocols.clock import SystemClock, real_monotonic
from tests.faults import block_medium, failing, fiu, starved
from tests.faults.crash_vfs import Toll, legs, power_leg
from tests.faults.ledger import ledger_leg
from tests.faults.power_cut import cut_collector, cut_gateway

Kind = tuple[str, str, Callable[[Path], Any]]
"""Its name, why it is impossible here (empty: it is not), and what carries it out in a folder."""


def kinds(crashes: int, cuts: int, seed: int) -> list[Kind]:
    """Return all kinds; each returns something with `clean` and its figures as text."""
    no_disk, no_calls = block_medium.impossible(), fiu.impossible()
    vfs: list[Kind] = [
        ("crash vfs, buffer", "", lambda folder: many(power_leg, folder, crashes, seed)),
        ("crash vfs, collector", "", lambda folder: many(ledger_leg, folder, crashes, seed)),
    ]
    disk: list[Kind] = [
        ("power cuts, gateway", no_disk, lambda folder: cut_gateway(folder, cuts, seed)),
        ("power cuts, collector", no_disk, lambda folder: cut_collector(folder, cuts, seed)),
    ]
    calls: list[Kind] = [
        (f"{case}, {who}", no_calls, partial(course, cases=[case]))
        for case in failing.CASES
        for who, course in (
            ("gateway", failing.gateway_course),
            ("collector", failing.collector_course),
        )
    ]
    hunger: list[Kind] = [
        (f"{name}, gateway", "", course)
        for name, course in (
            ("no descriptors", starved.descriptors_course),
            ("many callers", starved.callers_course),
            ("no memory", starved.memory_course),
            ("suspended", starved.suspended_course),
        )
    ]
    return vfs + disk + calls + hunger


def many(leg: Callable[[Path, int, int], Toll], folder: Path, crashes: int, seed: int) -> Toll:
    """Return the sum of legs with a workload each."""
    whole = Toll(seed)
    for at, count in legs(crashes, seed):
        whole.add(leg(folder, at, count))
    return whole


def carry_out(chosen: Sequence[Kind]) -> bool:
    """Return whether all that could be done came out clean."""
    clean = True
    for name, impossible, course in chosen:
        if impossible:
            print(f"{name}: SKIPPED / 跳过: {impossible}", flush=True)
            continue
        started = real_monotonic()
        with tempfile.TemporaryDirectory(prefix="faults-") as folder:
            found = course(Path(folder) / "work")
        clean = clean and found.clean
        verdict = "ok" if found.clean else "FAILED / 失败"
        print(f"{name}: {verdict}: {found}, {real_monotonic() - started:.0f} s", flush=True)
        for reason in getattr(found, "reasons", []):
            print(f"    {reason}", flush=True)
    return clean


def main() -> int:
    parser = argparse.ArgumentParser(prog="make faults")
    parser.add_argument("--crashes", type=int, default=2000, help="cuts in the crash VFS")
    parser.add_argument("--cuts", type=int, default=20, help="cuts of a real disk")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--only", default="", help="kinds whose name holds this")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else SystemClock().now() % 1_000_000
    chosen = [k for k in kinds(given.crashes, given.cuts, seed) if given.only in k[0]]
    if not chosen:
        parser.error(f"no kind named {given.only}")
    return 0 if carry_out(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
