"""The stories as users tell them, with their own times and figures: what the demo plays shortened.

Second 0 is 22:00 of 12 June; hours above 24 are those of the next day. Every figure is fictitious.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Final, NamedTuple

from protocols.alarms import acting
from protocols.simulators.shapes import Signal, around, clock, during, polyline
from protocols.simulators.stories import STORIES
from tests.stories.people import CRANE, DAM, DEPOT, PANEL, ack, reset
from tests.stories.theatre import Act

COUNTY: Final = "县局值班员"


class Night(NamedTuple):
    """What is measured where, looked at when; who did what; and when the cable was out."""

    prefix: str
    signals: Mapping[str, Signal]
    times: Sequence[int]
    acts: Mapping[str, tuple[str, Act]]
    cut: tuple[float, float] = (0.0, 0.0)


def _line(*knots: tuple[str, float]) -> Signal:
    return polyline([(clock(at), value) for at, value in knots])


def _on(*spans: tuple[str, str]) -> Signal:
    return during(*((clock(start), clock(end)) for start, end in spans))


def _every(seconds: int, *spans: tuple[str, str]) -> list[int]:
    return list(
        chain.from_iterable(
            range(round(clock(start)), round(clock(end)) + 1, seconds) for start, end in spans
        )
    )


def _by_county(rule: str) -> tuple[str, Act]:
    return rule, partial(acting.acknowledge, by=COUNTY)


def _reservoir() -> Night:
    level = _line(
        *(("19:00", 56.12), ("20:20", 56.36), ("20:55", 56.50), ("21:20", 56.70)),
        *(("22:05", 56.90), ("22:50", 57.10), ("25:10", 56.84), ("31:39", 56.452)),
        *(("31:40", 56.44), ("31:50", 56.43)),
    )
    seepage = _line(("22:40", 1.8), ("23:30", 4.1), ("25:00", 4.1), ("28:00", 2.0))
    gate = _line(("22:25", 0.0), ("22:27", 1.2), ("30:00", 1.2), ("30:02", 0.0))
    told = {**STORIES["reservoir"], "rsv-wl": level, "seepage": seepage, "gate-1": gate}
    acts = {
        "20:57:00": ack(f"{DAM}/rsv-wl:high"),
        "21:33:00": ack("qingyun/reservoir:demo.rain-3h-vote"),
        "22:09:20": ack(f"{DAM}/rsv-wl:high"),
        "23:40:00": ack(f"{DAM}/seepage:high"),
        "31:55:00": ack(f"{DAM}/rsv-wl:demo.rise"),
    }
    cut = clock("22:10"), clock("22:12")
    return Night(DAM, told, _every(60, ("19:00", "31:50")), acts, cut)


def _tank_farm() -> Night:
    level = _line(
        *(("14:00", 12.55), ("14:18", 13.00), ("14:50", 13.80), ("15:04", 14.15)),
        *(("15:21", 14.15), ("15:40", 13.60), ("16:06", 12.90)),
    )
    quiet = {f"gds-{n}": around(f"gds-{n}", 3.0, 0.8) for n in (101, 102)}
    told: dict[str, Signal] = {
        **quiet,
        "lt-101": level,
        "gds-103": _line(("14:52", 3.0), ("14:55", 27.0), ("15:12", 30.0), ("15:21", 19.9)),
        "gds-104": _line(("14:55", 3.0), ("14:58", 26.0), ("15:10", 28.0), ("15:20", 19.9)),
        "xv-101": lambda t: t < clock("15:03"),
        "pump": lambda t: t < clock("15:04"),
    }
    acts = {
        "14:19:00": ack(f"{DEPOT}/lt-101:high"),
        "14:34:10": _by_county("honghaiwan/tk-101:demo.unhandled"),
        "14:50:40": ack(f"{DEPOT}/lt-101:high"),
        "14:59:00": _by_county("honghaiwan/bund-1:demo.bund"),
        "14:59:30": ack("honghaiwan/bund-1:demo.gas"),
    }
    return Night(DEPOT, told, _every(5, ("14:00", "16:10")), acts)


LIFTS: Final = ("10:21:18", "10:40:18", "11:02:18")


def _crane() -> Night:
    def shape(idle: float, *peaks: tuple[int, float]) -> Signal:
        knots = [(clock("10:00"), idle)]
        for lift in LIFTS:
            at = clock(lift)
            knots += [(at - 40, idle), *((at + after, value) for after, value in peaks)]
            knots += [(at + 100, idle)]
        return polyline(knots)

    moment = shape(46.0, (-18, 82.0), (0, 93.0), (13, 100.4), (18, 105.6), (30, 104.8), (50, 88.0))
    day, night = shape(0.0, (-30, 2.1), (90, 2.1)), _on(("22:04", "22:06"))
    cuts = [(clock(lift) + 18, clock(lift) + 40) for lift in LIFTS]
    told: dict[str, Signal] = {
        "moment": moment,
        "load": lambda t: 1.2 if night(t) else day(t),
        "cut-off": during(*cuts),
        "driver-verified": lambda t: not clock("10:39") <= t < clock("10:44"),
    }
    acts = {
        "10:22:00": ack(f"{CRANE}/moment:high"),
        "10:42:00": ack(f"{CRANE}/driver-verified:state"),
        "11:03:30": ack(f"{CRANE}/moment:demo.repeated"),
    }
    times = [
        *_every(1, ("10:20", "11:06")),
        *_every(60, ("11:07", "22:02")),
        *_every(1, ("22:03", "22:08")),
    ]
    return Night(CRANE, told, times, acts)


def _fire_panel() -> Night:
    over = "26:46:00"
    told = {
        **STORIES["firepanel"],
        "smoke-02-037": _on(("26:14:06", over)),
        "smoke-02-038": _on(("26:14:41", over)),
        "manual-03-002": _on(("26:15:02", over)),
        "fan-feedback": _on(("26:15:05", over)),
        "pump-feedback": _on(("26:16:10", over)),
    }
    acts = {
        "26:14:30": ack(f"{PANEL}/smoke-02-037:state"),
        "26:15:00": ack("haifeng/control-room:demo.fire"),
        "26:15:20": ack(f"{PANEL}/manual-03-002:state"),
        "26:30:00": reset("haifeng/control-room:demo.fire"),
        "26:47:00": reset("haifeng/control-room:demo.fire"),
    }
    return Night(PANEL, told, _every(1, ("26:14", "26:48")), acts)


def _kitchen() -> Night:
    """The counter-story: one head in a kitchen, no fire, the third time within seven days."""
    days = ("-109:10", "-60:02", "11:52")
    spans = [(at, f"{at}:50") for at in days]
    told = dict.fromkeys(STORIES["firepanel"], _on()) | {
        "smoke-02-037": _on(*spans),
        **{each: STORIES["firepanel"][each] for each in ("end-pressure", "shielded", "points")},
    }
    looked = [_around(at) for at in days]
    acts = {"11:53:30": ack(f"{PANEL}/smoke-02-037:state")}
    return Night(PANEL, told, list(chain.from_iterable(looked)), acts)


def _around(at: str) -> Iterator[int]:
    second = round(clock(at))
    return iter(range(second - 5, second + 120))


NIGHTS: Final[Mapping[str, Night]] = {
    "reservoir-night": _reservoir(),
    "tankfarm-unloading": _tank_farm(),
    "crane-day": _crane(),
    "firepanel-night": _fire_panel(),
    "firepanel-kitchen": _kitchen(),
}
