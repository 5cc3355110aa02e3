"""What a gateway says of itself (docs/wire.md section 9): read with bounds, never trusted further.

A key that is missing or of another form counts as not told; keys of newer gateways are ignored.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import inf
from typing import Final

from central.clock_told import YELLOW, ClockTold, read_clock, read_report
from central.registry_records import Backlog, BufferState
from protocols.wire.bounds import NUMBER
from protocols.wire.canonical import JsonValue, load_any
from protocols.wire.fields import HEX256
from protocols.wire.headers import ClockReport

HEALTH_BYTES: Final = 1 << 20
LATEST: Final = 253_402_214_400_000_000
"""The last moment (µs UTC) that can be written as a date in any offset."""
LONGEST: Final = 1e6
"""Hours left; more says as much."""
REASONS: Final = 32
"""Kinds of loss one gateway may name: each is a label of the metrics."""
_STATES: Final = ("online", "offline", "unknown")
_MEDIA: Final = ("ok", "memory", "failing")
_REASON: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesTold:
    """By which rules a gateway judges: `version` names the collector's document, None: its manifest
    alone, or not told. `judged` rules, and `left` to the collector, the first of them why.
    """

    version: str | None = None
    judged: int | None = None
    left: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """`devices` by `site/device`: state and since when (µs UTC); `buses` by name.

    `report`: the gateway's clocks when it was written.
    """

    version: str = ""
    clock: ClockTold = ClockTold()  # noqa: RUF009  # frozen
    report: ClockReport | None = None
    backlog: Backlog = Backlog()  # noqa: RUF009  # frozen
    buffer: BufferState = BufferState()  # noqa: RUF009  # frozen
    buses: Mapping[str, str] = field(default_factory=dict)
    devices: Mapping[str, tuple[str, int | None]] = field(default_factory=dict)
    rules: RulesTold = RulesTold()  # frozen

    def met(self, arrived: int) -> "Health":
        """Return it as of when it was here (µs UTC): with its clock's offset, its times in ours."""
        clock = self.clock.met(self.report, arrived)
        off = clock.offset or 0
        if abs(off) < YELLOW:
            return replace(self, clock=clock)
        backlog = replace(self.backlog, oldest=_moved(self.backlog.oldest, off))
        devices = {path: (state, _moved(at, off)) for path, (state, at) in self.devices.items()}
        return replace(self, clock=clock, backlog=backlog, devices=devices)


def read_health(body: bytes) -> Health:
    """Return what can be read. Raises WireError: not JSON, or larger than 1 MiB."""
    data = _object(load_any(body, "health", HEALTH_BYTES))
    backlog = _object(data.get("backlog"))
    buses: dict[str, str] = {}
    devices: dict[str, tuple[str, int | None]] = {}
    for bus in map(_object, _list(data.get("buses"))):
        buses[_text(bus.get("name"))] = _state(bus.get("state"))
        for device in map(_object, _list(bus.get("devices"))):
            path = f"{_text(device.get('site'))}/{_text(device.get('name'))}"
            devices[path] = (_state(device.get("state")), _time(device.get("since")))
    return Health(
        version=_text(data.get("version")),
        clock=read_clock(data, _object(data.get("clock"))),
        report=read_report(data),
        backlog=Backlog(
            readings=_number(backlog.get("readings")) or 0,
            oldest=_time(backlog.get("oldest")),
            alarm_readings=_number(backlog.get("alarm_readings")) or 0,
        ),
        buffer=_buffer(_object(data.get("buffer")), _object(data.get("drops"))),
        buses=buses,
        devices=devices,
        rules=_rules(_object(data.get("rules"))),
    )


def _rules(said: Mapping[str, JsonValue]) -> RulesTold:
    version, reason = said.get("version"), said.get("reason")
    return RulesTold(
        version=version if isinstance(version, str) and HEX256.fullmatch(version) else None,
        judged=_number(said.get("judged")),
        left=_number(said.get("left")),
        reason=reason if isinstance(reason, str) and _CODE.fullmatch(reason) else None,
    )


def _buffer(said: Mapping[str, JsonValue], drops: Mapping[str, JsonValue]) -> BufferState:
    counted = {
        reason: count
        for reason, value in drops.items()
        if _REASON.fullmatch(reason) and (count := _number(value)) is not None
    }
    medium, failing = said.get("medium"), said.get("failing")
    return BufferState(
        bytes=_number(said.get("bytes")),
        quota_bytes=_number(said.get("quota_bytes")),
        hours_left=_hours(said.get("hours_left")),
        medium=medium if isinstance(medium, str) and medium in _MEDIA else None,
        failing=failing if isinstance(failing, str) and _CODE.fullmatch(failing) else None,
        reserve_only=said.get("reserve_only") is True,
        drops=dict(sorted(counted.items())[:REASONS]),
    )


def _hours(value: JsonValue) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < inf:
        return None
    return float(min(value, LONGEST))


def _object(value: JsonValue) -> Mapping[str, JsonValue]:
    return value if isinstance(value, dict) else {}


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []


def _text(value: JsonValue) -> str:
    return value[:200] if isinstance(value, str) else ""


def _moved(time: int | None, off: int) -> int | None:
    return None if time is None else max(0, min(time - off, LATEST))


def _number(value: JsonValue, most: int = NUMBER) -> int | None:
    return value if type(value) is int and 0 <= value <= most else None


def _time(value: JsonValue) -> int | None:
    return _number(value, LATEST)


def _state(value: JsonValue) -> str:
    return value if isinstance(value, str) and value in _STATES else "unknown"
