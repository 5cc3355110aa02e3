"""A machine as the tables keep it: what is as usual is left out, and comes back the same.

Of a `plain` rule the newest sample is not written: it is the newest good reading of its point.
"""

from itertools import accumulate, pairwise, repeat
from typing import Any

from protocols.alarms.clocks import IDLE, Timers
from protocols.alarms.condition import Condition, Step
from protocols.alarms.definition import Definition
from protocols.alarms.machine import Machine, Seen
from protocols.alarms.overlay import NOTHING, Overlay, Shelf
from protocols.alarms.state import Alarm, State
from protocols.alarms.watching import UNHEARD, Health

Body = dict[str, Any]


def body_of(machine: Machine, *, plain: bool) -> Body:
    """Return a machine as JSON."""
    alarm, body = machine.alarm, Body(steps=steps_of(machine.condition))
    body["alarm"] = [alarm.state, alarm.level, alarm.occurrence]
    if machine.timers != IDLE:
        body["timers"] = list(machine.timers)
    if machine.overlay != NOTHING:
        # At rest nothing is judged: whether anything was before has to be said.
        body |= {"overlay": _overlay(machine.overlay), "judged": machine.judged}
    if machine.health != UNHEARD:
        body["health"] = _health(machine.health)
    if machine.memory is not None:
        body |= {"memory": machine.memory, "values": machine.values, "judged": machine.judged}
    if not plain:
        body |= {
            "newest": machine.newest,
            "seen": _seen(machine.recent),
            "values": machine.values,
            "lagging": machine.lagging,
            "judged": machine.judged,
        }
    return body


def steps_of(condition: Condition) -> list[list[object]]:
    """Return a condition as JSON."""
    return [[step.on, step.since] for step in condition.steps]


def condition_of(steps: list[tuple[bool, int | None]]) -> Condition:
    """Return the condition of `steps_of`."""
    return Condition(tuple(Step(on, since) for on, since in steps))


def machine_of(definition: Definition, body: Body) -> Machine:
    """Return the machine of `body_of`."""
    place, level, occurrence = body["alarm"]
    machine = Machine(
        condition=condition_of(body["steps"]),
        memory=_read_memory(definition, body.get("memory")),
        alarm=Alarm(State(place), level, occurrence),
        overlay=_read_overlay(body["overlay"]) if "overlay" in body else NOTHING,
        timers=_read_timers(body["timers"]) if "timers" in body else IDLE,
        health=Health(*body["health"]) if "health" in body else UNHEARD,
    )
    if "judged" in body:
        machine = machine._replace(values=tuple(body.get("values", ())), judged=body["judged"])
    if "newest" not in body:
        return machine
    return machine._replace(
        newest=tuple((name, time) for name, time in body["newest"]),
        recent=_read_seen(body["seen"]) if "seen" in body else _read_recent(body["recent"]),
        lagging=body["lagging"],
    )


def _seen(recent: tuple[Seen, ...]) -> list[object]:
    """Return the last readings in columns: times after the first as differences, which are bad."""
    if not recent:
        return []
    times, names, values, good = zip(*recent, strict=True)
    after = [time - before for before, time in pairwise(times)]
    alike = len(set(names)) == 1
    bad = [place for place, each in enumerate(good) if not each]
    return [[times[0], *after], names[0] if alike else names, values, bad]


def _read_seen(body: list[Any]) -> tuple[Seen, ...]:
    if not body:
        return ()
    after, names, values, bad = body
    times = accumulate(after)
    each = repeat(names) if isinstance(names, str) else names
    found = zip(times, each, values, strict=False)
    return tuple(
        (time, name, value, place not in bad) for place, (time, name, value) in enumerate(found)
    )


def _read_recent(body: list[Any]) -> tuple[Seen, ...]:
    """Return them of a row as it was written before."""
    return tuple((time, name, value, good) for time, name, value, good in body)


def _overlay(overlay: Overlay) -> list[object]:
    shelf = overlay.shelf
    until = None if shelf is None else [shelf.until, shelf.one_shot]
    return [until, overlay.suppressed, overlay.out_of_service, overlay.latched]


def _read_overlay(body: list[Any]) -> Overlay:
    shelf, *rest = body
    return Overlay(None if shelf is None else Shelf(*shelf), *rest)


def _health(health: Health) -> list[object]:
    return [getattr(health, name) for name in Health.__slots__]


def _read_timers(body: list[Any]) -> Timers:
    announced, told, acked, again, begun, chattering = body
    return Timers(announced, told, acked, again, tuple(begun), chattering)


def _read_memory(definition: Definition, body: Any) -> Any:
    """A memory is plain, or a flat NamedTuple of what is."""
    blank, found = definition.kind.begin(), _tuples(body)
    if found is None:
        return blank
    return type(blank)(*found) if hasattr(blank, "_fields") else found


def _tuples(body: Any) -> Any:
    return tuple(_tuples(each) for each in body) if isinstance(body, list) else body
