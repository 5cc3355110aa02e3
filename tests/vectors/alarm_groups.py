"""Cases of `alarm.json` that are about many points at once: a gateway's silence, a flood."""

from typing import Any

from protocols.alarms import flood as floods
from protocols.alarms import roll_up as gateways
from protocols.clock import SECOND

Events = list[list[Any]]


def roll_up(case: dict[str, Any]) -> Events:
    """Return what becomes of a gateway and its points."""
    spec = case["rule"]
    rule = gateways.Silence(
        heartbeat_timeout=spec["heartbeat_timeout"], stale_after=spec["stale_after"]
    )
    state, told = gateways.begin(spec["points"], 0), []
    for sample in sorted(case["samples"], key=lambda each: each[3] if len(each) > 3 else each[0]):
        at = _us(sample[3] if len(sample) > 3 else sample[0])
        state, said = gateways.hear(rule, state, at, sample[1])
        told += said
    state, said = gateways.advance(rule, state, _us(case["end_t"]))
    told += said
    return [[seconds(at), f"{word}:{point}" if point else str(word)] for at, word, point in told]


def flood(case: dict[str, Any]) -> Events:
    """Return when it floods."""
    spec = case["rule"]
    bounds = floods.Bounds(
        window=spec["window"], on_above=spec["on_above"], off_below=spec["off_below"]
    )
    state, told = floods.Flood(), []
    for time, _, verb in case["samples"]:
        if verb == "raise":
            state, said = floods.announced(bounds, state, _us(time))
            told += said
    state, said = floods.advance(bounds, state, _us(case["end_t"]))
    return [[seconds(at), str(word)] for at, word in told + said]


def seconds(time: int) -> float:
    """Return seconds, whole ones as an integer: as the file writes them."""
    return time // SECOND if time % SECOND == 0 else time / SECOND


def _us(given: float) -> int:
    return round(given * SECOND)
