"""The four stories of the demo on one story clock: a rain night, 22:00 to 22:25, every 40 minutes.

All names carry (示例), all figures are fictitious. 22:02 the crane's moment rises three steps,
22:06 the tank reaches 高高报 while 高报 stands since 21:34, 22:08 the reservoir passes its flood
limit by 0.40 m, 22:10 to 22:14 the reservoir's gateway is cut off, 22:16 fire in the mall; then
all returns to normal.
Before 22:00 lies the past from 19:00 on: the reservoir rises, the ship unloads.
"""

from collections.abc import Mapping
from typing import Final

from protocols.simulators.shapes import (
    Signal,
    around,
    clock,
    during,
    polyline,
    repeating,
    wobble,
)

PERIOD: Final = 40 * 60.0
"""Seconds after which the incidents repeat."""

CUT: Final = (clock("22:10"), clock("22:14"))
"""When the cable of the reservoir's gateway is out, within each period."""


def _line(past: list[tuple[str, float]], cycle: list[tuple[str, float]]) -> Signal:
    before = polyline([(clock(at), value) for at, value in past])
    within = polyline([(clock(at), value) for at, value in cycle])
    return repeating(PERIOD, before, within)


def _with(signal: Signal, name: str, amplitude: float) -> Signal:
    move = wobble(name, amplitude)

    def at(t: float) -> float:
        value = signal(t)
        return float(value or 0.0) + move(t)

    return at


def _switch(*spans: tuple[str, str]) -> Signal:
    return repeating(
        PERIOD, lambda _: False, during(*((clock(start), clock(end)) for start, end in spans))
    )


def _reservoir() -> dict[str, Signal]:
    level = _line(
        [("19:00", 56.12), ("20:55", 56.502), ("21:20", 56.62), ("22:00", 56.82)],
        [
            ("22:00", 56.82),
            ("22:08", 56.9005),
            ("22:12", 56.936),
            ("22:15", 56.95),
            ("22:18", 56.94),
            ("22:30", 56.80),
            ("22:36", 56.79),
            ("22:40", 56.82),
        ],
    )
    gate = _line([("19:00", 0.0)], [("22:15", 0.0), ("22:17", 1.2), ("22:29", 1.2), ("22:31", 0.0)])
    rain = _line(
        [("19:00", 2.0), ("20:10", 32.0), ("21:00", 38.0), ("21:40", 41.0), ("22:00", 28.0)],
        [("22:00", 28.0), ("22:20", 14.0), ("22:39", 27.0)],
    )
    signals: dict[str, Signal] = {
        "rsv-wl": level,
        "gate-1": gate,
        "gate-2": lambda _: 0.0,
        "seepage": _with(
            _line([("19:00", 1.8), ("22:00", 2.4)], [("22:00", 2.4)]), "seepage", 0.05
        ),
        "disp-gnss": around("disp", 0.4, 0.15),
    }
    for gauge in (1, 2, 3):
        signals[f"rain-{gauge}"] = _with(rain, f"rain-{gauge}", 1.2)
    for place in range(1, 7):
        signals[f"p{place}"] = around(f"p{place}", 182.0 - 21.5 * place, 0.6)
    return signals


def _tank_farm() -> dict[str, Signal]:
    level = _line(
        [("19:00", 11.40), ("20:30", 11.40), ("22:00", 13.653)],
        [
            ("22:00", 13.653),
            ("22:05:52", 13.7997),
            ("22:14", 13.97),
            ("22:18", 13.97),
            ("22:32", 13.45),
            ("22:34", 13.50),
            ("22:40", 13.653),
        ],
    )
    gas = [around(f"gds-{n}", 3.0, 0.8) for n in (101, 102, 103, 104)]
    leak = polyline(
        [
            (clock("22:09"), 0.0),
            (clock("22:10:30"), 24.5),
            (clock("22:18"), 25.0),
            (clock("22:21"), 0),
        ]
    )
    later = polyline(
        [
            (clock("22:12"), 0.0),
            (clock("22:13:20"), 23.5),
            (clock("22:17"), 24.0),
            (clock("22:20"), 0),
        ]
    )
    unloading = repeating(
        PERIOD,
        lambda t: t >= clock("20:30"),
        during((0.0, clock("22:14")), (clock("22:34"), PERIOD)),
    )
    return {
        "lt-101": level,
        "tt-101": around("tt-101", 28.4, 0.4),
        "pt-201": around("pt-201", 0.86, 0.02),
        "gds-101": gas[0],
        "gds-102": gas[1],
        "gds-103": repeating(PERIOD, gas[2], lambda t: float(gas[2](t) or 0) + leak(t)),
        "gds-104": repeating(PERIOD, gas[3], lambda t: float(gas[3](t) or 0) + later(t)),
        "xv-101": repeating(PERIOD, lambda _: True, lambda t: t < clock("22:14:30") or t > 2000),
        "pump": unloading,
        "wind": around("wind-depot", 2.1, 0.7),
        "flow": lambda t: 520.0 if unloading(t) else 0.0,
        "total": lambda t: float(int(1_180_000 + max(0.0, t + 5400) * 520 / 3600)),
    }


def _crane() -> dict[str, Signal]:
    def shape(idle: float, *peaks: tuple[str, float]) -> Signal:
        cycle = [("22:00", idle), ("22:01:40", idle), *peaks, ("22:03:40", idle), ("22:39", idle)]
        return _line([("19:00", idle)], cycle)

    moment = shape(
        46.0,
        ("22:01:45", 82.0),
        ("22:02", 93.2),
        ("22:02:13", 100.4),
        ("22:02:18", 105.6),
        ("22:02:30", 104.8),
        ("22:02:50", 88.0),
    )
    radius = shape(
        18.0,
        ("22:01:45", 32.0),
        ("22:02", 36.0),
        ("22:02:13", 39.0),
        ("22:02:18", 41.0),
        ("22:02:50", 34.0),
    )
    return {
        "moment": _with(moment, "moment", 0.3),
        "radius": radius,
        "load": _line([("19:00", 0.0)], [("22:01", 0.0), ("22:01:30", 2.1), ("22:03:40", 0.0)]),
        "wind": around("wind-crane", 7.8, 1.9),
        "tilt": around("tilt", 0.12, 0.05),
        "height": around("height", 21.0, 4.0),
        "cut-off": _switch(("22:02:18", "22:02:40")),
        "driver-verified": lambda _: True,
    }


def _fire_panel() -> dict[str, Signal]:
    return {
        "smoke-02-037": _switch(("22:16", "22:24")),
        "smoke-02-038": _switch(("22:16:35", "22:24")),
        "manual-03-002": _switch(("22:16:56", "22:24")),
        "fan-feedback": _switch(("22:16:59", "22:24")),
        "pump-feedback": _switch(("22:17:40", "22:24")),
        "main-power-fault": lambda _: False,
        "supervision": lambda _: False,
        "end-pressure": around("end-pressure", 0.42, 0.01),
        "shielded": lambda _: 6,
        "points": lambda _: 398,
    }


STORIES: Final[Mapping[str, Mapping[str, Signal]]] = {
    "reservoir": _reservoir(),
    "tankfarm": _tank_farm(),
    "crane": _crane(),
    "firepanel": _fire_panel(),
}
"""Story name to point name to signal."""
