"""Pasts that still arrive, as the rows of a rule that is not plain keep them: each has its own."""

import json
from collections.abc import Mapping
from typing import Any

from protocols.alarms import past
from protocols.alarms.definition import Definition
from protocols.alarms.kept import Body, body_of, machine_of
from protocols.alarms.machine import Machine
from protocols.alarms.past import Branch, Claim, Live, Telling
from protocols.alarms.streams import Streams


def body(known: Streams) -> Body:
    """Return what the rule's row says of its pasts; the live machine is kept by itself."""
    return {
        "cleared": known.cleared,
        "first": known.first,
        "after": known.after,
        "live": known.live,
        "branches": [number for number, _ in known.branches],
    }


def read(
    definition: Definition,
    machine: Machine,
    at: tuple[int, int],
    kept: Body,
    rows: Mapping[int, str],
) -> Streams:
    """Return what `body` and, by stream, `branch_body` gave.

    `at` is the live stream, and since when it is that. Rows of before m040 hold all in one.
    """
    bodies = [
        tuple(each) if isinstance(each, list) else (each, json.loads(rows[each]))
        for each in kept["branches"]
    ]
    branches = tuple((number, _read_branch(definition, one)) for number, one in bodies)
    cleared, live = tuple(kept["cleared"]), Live(*kept["live"])
    first = kept.get("first"), kept.get("after")
    return Streams(machine, *at, cleared, *first, live, branches)


def branch_body(branch: Branch) -> dict[str, Any]:
    """Return what the row of one past says."""
    return {
        "machine": body_of(branch.machine, plain=False),
        "until": branch.until,
        "cleared": branch.cleared,
        "path": branch.path,
        "claim": branch.claim,
        "first": branch.first,
        "after": branch.after,
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
        kept.get("after"),
    )
