"""A gauntlet's figures, one line per group; the last line is the verdict."""

from typing import Final

from tests.gauntlet.plan import Options
from tests.gauntlet.run import Result, middle_and_worst

SIDES: Final = ("edge", "central")


def summary(result: Result) -> str:
    """Return the lines to print."""
    options, verdict, seconds = result.options, result.verdict, result.seconds
    lines = [f"  {reason}" for reason in verdict.reasons]
    for side in SIDES:
        kinds = result.faults.get(f"kill {side}", {})
        lines.append(f"kills {side:8} {sum(kinds.values())} ({counts(kinds)})")
    lines += [f"back {side:9} {middle_and_worst(result.restarts[side])}" for side in SIDES]
    kinds = result.faults.get("partition", {})
    how = "" if options.root else ", relays only: rules in the kernel need root and nft"
    lines.append(f"partitions     {sum(kinds.values())} ({counts(kinds)}){how}")
    lines.append(f"restores       {counts(result.faults.get('restore', {}))}")
    full = result.faults.get("full disk", {})
    what = f"{verdict.permitted} accepted readings given up, all in the loss ledger"
    lines.append(f"full disk      {what if full else full_disk_skipped(options)}")
    lines.append(f"power          {result.power}")
    lines.append(
        f"unsealed       the oldest reading a kill took along: {verdict.unsealed / 1e6:.2f} s"
    )
    rate = result.accepted / max(1e-6, seconds["accepting"])
    lines.append(f"throughput     {rate:.0f} accepted a second by {options.gateways} gateways")
    took = ", ".join(f"{what} {value:.0f} s" for what, value in seconds.items())
    lines.append(f"durations      {took}")
    lines.append(
        f"readings {verdict.readings}, lost {verdict.lost}, duplicated {verdict.duplicated}, "
        f"wrong {verdict.wrong}, unexplained {verdict.unexplained}, seed {options.seed}"
        f"{'' if verdict.clean else ', FAILED'}"
    )
    return "\n".join(lines)


def full_disk_skipped(options: Options) -> str:
    """Return why no disk was filled."""
    return "none asked for" if options.root else "skipped: a small disk needs root"


def counts(kinds: dict[str, int]) -> str:
    """Return how often each kind was done."""
    return ", ".join(f"{kind} {count}" for kind, count in kinds.items()) or "none"
