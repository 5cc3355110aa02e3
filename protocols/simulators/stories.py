"""The four stories of the demo on one story clock: a rain night, 22:00 to 22:25, every 40 minutes.

All names carry (示例), all figures are fictitious. 22:02 the crane's moment rises three steps, and
again at 22:13 and 22:25; 22:06 the tank reaches 高高报 while 高报 stands since 21:34, 22:08 the
reservoir passes its flood limit by 0.40 m, 22:10 to 22:14 its gateway is cut off, 22:10 gas at the
tank, 22:16 fire in the mall; then all returns to normal.
Before 22:00 lies the past from 19:00 on: it rains, the reservoir rises, the ship unloads.
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


TIP: Final = 0.5
"""Millimetres of rain a tipping bucket counts."""
RAIN: Final = polyline(
    [
        *((clock("19:00"), 0.0), (clock("19:10"), 2.0), (clock("19:40"), 19.0)),
        *((clock("20:10"), 34.0), (clock("20:40"), 63.0), (clock("21:10"), 83.0)),
        *((clock("21:40"), 111.0), (clock("22:00"), 117.0)),
    ]
)
"""Millimetres since 19:00: 32 in the hour to 20:10, 111 in the three hours to 21:40."""
DRIZZLE: Final = polyline(
    [(clock("22:00"), 0.0), (clock("22:20"), 2.0), (clock("22:30"), 3.0), (clock("22:40"), 10.0)]
)
"""And in each period from then on."""


def _fallen(t: float) -> float:
    periods, within = divmod(t, PERIOD)
    return RAIN(t) if t < 0 else RAIN(0) + periods * DRIZZLE(PERIOD) + DRIZZLE(within)


def _rain(catch: float) -> Signal:
    """A gauge's counter; `catch`: its part of the rain."""
    return lambda t: _fallen(t) * catch // TIP * TIP


def _hour_of(total: Signal) -> Signal:
    """The last hour's rain, as the station reports it itself."""
    return lambda t: float(total(t) or 0) - float(total(t - 3600) or 0)


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
    signals: dict[str, Signal] = {
        "rsv-wl": level,
        "gate-1": gate,
        "gate-2": lambda _: 0.0,
        "seepage": _with(
            _line([("19:00", 1.8), ("22:00", 2.4)], [("22:00", 2.4)]), "seepage", 0.05
        ),
        "disp-gnss": around("disp", 0.4, 0.15),
    }
    for gauge, catch in ((1, 1.0), (2, 0.97), (3, 0.93)):
        total = _rain(catch)
        signals[f"rain-total-{gauge}"] = total
        signals[f"rain-{gauge}"] = _hour_of(total)
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


LIFTS: Final = ("22:02", "22:13", "22:25")
"""When the crane lifts too much too far out, within each period: three times in an hour."""


def _crane() -> dict[str, Signal]:
    def shape(idle: float, *peaks: tuple[int, float]) -> Signal:
        past = polyline([(clock("19:00"), idle)])
        knots = [(clock("22:00"), idle)]
        for lift in LIFTS:
            at = clock(lift)
            knots += [(at - 20, idle), *((at + after, value) for after, value in peaks)]
            knots += [(at + 100, idle)]
        return repeating(PERIOD, past, polyline(knots))

    moment = shape(46.0, (-15, 82.0), (0, 93.2), (13, 100.4), (18, 105.6), (30, 104.8), (50, 88.0))
    radius = shape(18.0, (-15, 32.0), (0, 36.0), (13, 39.0), (18, 41.0), (50, 34.0))
    load = shape(0.0, (-15, 2.1), (90, 2.1))
    cuts = [(clock(lift) + 18, clock(lift) + 40) for lift in LIFTS]
    return {
        "moment": _with(moment, "moment", 0.3),
        "radius": radius,
        "load": load,
        "wind": around("wind-crane", 7.8, 1.9),
        "tilt": around("tilt", 0.12, 0.05),
        "height": around("height", 21.0, 4.0),
        "cut-off": repeating(PERIOD, lambda _: False, during(*cuts)),
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
