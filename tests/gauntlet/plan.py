"""What is to go wrong and when, dealt out from one seed (pure).

Moments are counts of accepted readings, so that a slow machine meets the same run. A gateway or
collector is killed from outside at its moment; each such kill may be followed by a second one that
the process does itself, at a named phase, soon after it is back.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Final

from protocols.crash_points import CENTRAL, EDGE
from tests.gauntlet.links import GARBLED, KINDS

SPAN: Final = (0.02, 0.92)
"""The share of a run within which things go wrong; what is left shows that it recovers."""
MOST_NTH: Final = {
    "edge.opening": 1,
    "edge.persisting": 1,
    "edge.rotating": 1,
    "central.opening": 1,
}
"""How often a phase is passed before the process dies there, at most; NTH where it is frequent."""
NTH: Final = 24
NFT_KINDS: Final = ("nft-lost-answers", "nft-both-ways")
SHORT, LONG = (0.5, 4.0), (6.0, 10.0)
"""Seconds a line is out: most often less than a request's patience, sometimes enough to rotate."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What is asked for; `kills` counts both sides together."""

    readings: int = 200_000
    kills: int = 6
    partitions: int = 0
    gateways: int = 1
    restores: int = 0
    seed: int = 0
    sabotage: str = ""
    full_disk: bool = False
    secure: bool = False
    """Over TLS, and gateways are enrolled and sign; otherwise plain HTTP, and they have tokens."""
    power_cuts: int = 40
    root: bool = False
    """Rules in the kernel and a small disk may be used."""


@dataclass(frozen=True, kw_only=True)
class Kill:
    """One kill from outside at `at`, or (with a phase) one by the process itself after the last."""

    at: int
    phase: str = ""
    nth: int = 1
    rest: float = 0.0
    """Seconds the process stays dead."""


@dataclass(frozen=True, kw_only=True)
class Partition:
    """A line that fails at `at` for `seconds`; `gateway` None: all of them."""

    at: int
    kind: str
    seconds: float
    gateway: int | None


@dataclass(frozen=True, kw_only=True)
class Restore:
    """At `at` the collector is saved; later that is put back: `backup` or `snapshot`."""

    at: int
    kind: str
    gateway: int
    """The gateway that is restarted in between, twice."""


@dataclass(frozen=True, kw_only=True)
class FullDiskAt:
    """At `at` the last gateway's small disk is filled by others."""

    at: int


@dataclass(kw_only=True)
class Plan:
    """Everything that goes wrong, per victim, in order."""

    edge: list[list[Kill]] = field(default_factory=list)
    central: list[Kill] = field(default_factory=list)
    partitions: list[Partition] = field(default_factory=list)
    restores: list[Restore] = field(default_factory=list)
    full_disk: list[FullDiskAt] = field(default_factory=list)


def make_plan(options: Options) -> Plan:
    """Deal out what `options` ask for; the same seed gives the same plan."""
    dice = random.Random(options.seed)
    plan = Plan()
    edge_kills = options.kills // 2
    pairs = -(-edge_kills // 2)
    shares = [2 * len(range(g, pairs, options.gateways)) for g in range(options.gateways)]
    shares[(pairs - 1) % options.gateways] -= edge_kills % 2
    phases = _from_anywhere(dice, EDGE)
    plan.edge = [list(_kills(dice, options.readings, share, phases)) for share in shares]
    phases = _from_anywhere(dice, CENTRAL)
    plan.central = list(_kills(dice, options.readings, options.kills - edge_kills, phases))
    plan.partitions = list(_partitions(dice, options))
    plan.restores = [
        Restore(at=at, kind=("backup", "snapshot")[i % 2], gateway=dice.randrange(options.gateways))
        for i, at in enumerate(_moments(dice, options.readings, options.restores, (0.1, 0.6)))
    ]
    if options.full_disk:
        plan.full_disk = [FullDiskAt(at=int(0.3 * options.readings))]
    return plan


def _from_anywhere(dice: random.Random, phases: Sequence[str]) -> Iterator[str]:
    start = dice.randrange(len(phases))
    return cycle([*phases[start:], *phases[:start]])


def _moments(
    dice: random.Random, readings: int, count: int, span: tuple[float, float] = SPAN
) -> list[int]:
    """Return `count` moments, one at random in each of as many equal shares of the span."""
    low, high = span[0] * readings, span[1] * readings
    share = (high - low) / max(1, count)
    return [int(low + share * (i + dice.random())) for i in range(count)]


def _kills(dice: random.Random, readings: int, count: int, phases: Iterator[str]) -> Iterator[Kill]:
    """Yield kills in turn from outside and at a phase; an odd one out comes from outside."""
    for at in _moments(dice, readings, -(-count // 2)):
        yield Kill(at=at, rest=dice.uniform(0.0, 0.5))
        if count > 1:
            phase = next(phases)
            nth = dice.randint(1, MOST_NTH.get(phase, NTH))
            yield Kill(at=at, phase=phase, nth=nth, rest=dice.uniform(0.0, 0.5))
        count -= 2


def _partitions(dice: random.Random, options: Options) -> Iterator[Partition]:
    kinds: tuple[str, ...] = KINDS
    kinds += (GARBLED,) if options.secure else ()
    kinds += NFT_KINDS if options.root else ()
    start = dice.randrange(len(kinds))
    turn = islice(cycle([*kinds[start:], *kinds[:start]]), options.partitions)
    for kind, at in zip(turn, _moments(dice, options.readings, options.partitions), strict=True):
        everyone = kind in NFT_KINDS
        seconds = dice.uniform(*(LONG if dice.random() < 0.3 else SHORT))
        gateway = None if everyone else dice.randrange(options.gateways)
        yield Partition(at=at, kind=kind, seconds=seconds, gateway=gateway)
