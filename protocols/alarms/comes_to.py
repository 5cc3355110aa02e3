"""What people are told that a rule's input is: its reading, or what a rule makes of it (pure)."""

from protocols.alarms.definition import Definition
from protocols.alarms.kinds.limit import Limit
from protocols.alarms.machine import Machine


def comes_to(
    definition: Definition, machine: Machine, level: int, raw: float | None = None
) -> float:
    """Return the figure that is held against `level` (from 1): of rates, sums, votes what it is.

    `raw`: the reading that a limit goes by; else the machine's newest.
    """
    raw = newest_raw(machine, 0.0) if raw is None else raw
    if type(definition.kind) is Limit or not machine.values:
        return raw
    found = machine.values[max(level, 1) - 1]
    return raw if found is None else found


def newest_raw(machine: Machine, otherwise: float) -> float:
    """Return the newest reading itself."""
    return machine.recent[-1][2] if machine.recent else otherwise
