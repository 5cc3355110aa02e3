"""Pasts that still arrive, as the row of a rule that is not plain keeps them."""

from typing import Any

from protocols.alarms import past
from protocols.alarms.definition import Definition
from protocols.alarms.kept import Body, body_of, machine_of
from protocols.alarms.machine import Machine
from protocols.alarms.past import Branch, Claim, Live, Telling
from protocols.alarms.streams import Streams


def body(known: Streams) -> Body:
    """Return pasts as the tables keep them; the live machine is kept by itself."""
    return {
        "cleared": known.cleared,
        "first": known.first,
        "live": known.live,
        "branches": [[number, _branch(branch)] for number, branch in known.branches],
    }


def read(definition: Definition, machine: Machine, at: tuple[int, int], kept: Body) -> Streams:
    """Return what `body` gave; `at` is the live stream, and since when it is that."""
    branches = tuple((number, _read_branch(definition, one)) for number, one in kept["branches"])
    cleared, live = tuple(kept["cleared"]), Live(*kept["live"])
    return Streams(machine, *at, cleared, kept.get("first"), live, branches)


def _branch(branch: Branch) -> dict[str, Any]:
    return {
        "machine": body_of(branch.machine, plain=False),
        "until": branch.until,
        "cleared": branch.cleared,
        "path": branch.path,
        "claim": branch.claim,
        "first": branch.first,
    }


def _read_branch(definition: Definition, kept: Body) -> Branch:
    claim = kept["claim"]
    return Branch(
        machine_of(past.own_rule(definition), kept["machine"]),
        kept["until"],
        tuple(kept["cleared"]),
        tuple((time, level, value) for time, level, value in kept["path"]),
        None if claim is None else Claim(Telling(claim[0]), claim[1]),
        kept.get("first"),
    )
