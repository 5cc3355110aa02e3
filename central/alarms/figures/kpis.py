"""How good the alarms are: the figures of ISA-18.2 and EEMUA 191 from the journal (pure).

What was announced (RAISE, RERAISE, REALARM) is counted when it happened; what was told of the past
is counted too, its number stands beside (`late`), and it never waited to be acknowledged. Test and
drill are not given in. Each figure has its numerator and denominator, and the benchmarks of the
reference with their source and status: [K] is from memory, the standard was not read again.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final, NamedTuple

from central.alarms.figures.benchmarks import BENCHMARKS, Benchmark
from protocols.alarms.condition import DAY
from protocols.alarms.flood import Bounds
from protocols.alarms.rule import Colour
from protocols.alarms.word import Word
from protocols.clock import HOUR, MINUTE, SECOND

CALLED: Final = (Word.RAISE, Word.RERAISE, Word.REALARM)
"""Somebody was called."""
BEGUN: Final = (Word.RAISE, Word.RERAISE)
OVER: Final = (Word.RTN, Word.SHADOW_RTN, Word.RESET, Word.SUPPRESS, Word.OOS_ON)
READ: Final = (*CALLED, *OVER, Word.ACK)
"""Words the figures are made of."""
SLOT: Final = 10 * MINUTE
BUSY: Final = 30
"""Alarms in an hour above which it is a busy one."""
CHATTER: Final = (3, MINUTE)
FLEETING: Final = MINUTE
"""Returned so soon that nobody could act: ours, the standard leaves it to the designer."""
TOP: Final = 10


class Line(NamedTuple):
    """A line of the journal (µs UTC); `colour` of the level it names, `late` of its episode."""

    episode: int
    rule: str
    point: int
    time: int
    recorded: int
    word: str
    colour: int
    late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """[start, end) µs UTC, for so many operators."""

    start: int
    end: int
    operators: int = 1
    flood: Bounds = Bounds()  # noqa: RUF009  # frozen
    """Of one operator."""

    @property
    def length(self) -> int:
        """Microseconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """`value` = numerator / denominator where both count; None: there is nothing to divide by.

    `late`: how many of the numerator were told of the past.
    """

    name: str
    value: float | None
    unit: str
    numerator: float
    denominator: float
    late: int = 0
    benchmarks: tuple[Benchmark, ...] = ()


@dataclass(frozen=True, slots=True)
class Kpis:
    """The figures; the points and the rules that made the most of the load."""

    figures: tuple[Figure, ...]
    top: tuple[tuple[int, int], ...]
    chattering: tuple[tuple[str, int], ...]


def kpis(lines: Sequence[Line], verdicts: Mapping[str, int], period: Period) -> Kpis:
    """Return the figures of a period.

    `lines` of every episode that was announced or stood in it, whole, in the journal's order;
    `verdicts`: how many of the episodes announced in it are of each result ("" unverified).
    """
    within = [line for line in lines if line.word in CALLED and _in(line.time, period)]
    within.sort(key=lambda line: line.time)
    count = len(within)
    points = Counter(line.point for line in within).most_common(TOP)
    chattering = _chattering(within)
    figures = [
        *_load(within, period),
        _share("top_10", sum(n for _, n in points), count, _late(within, dict(points))),
        _share("chattering", sum(chattering.values()), count),
        _share("fleeting", _fleeting(lines, period), _begun(within)),
        _rate("stale", _stale(lines, period), period.length / DAY, "1/d"),
        *_priorities(within),
        *_answered(lines, period),
        *_verified(verdicts),
    ]
    ranked = sorted(chattering.items(), key=lambda item: (-item[1], item[0]))
    return Kpis(tuple(figures), tuple(points), tuple(ranked))


def _load(within: Sequence[Line], period: Period) -> list[Figure]:
    """What an operator gets: by hour, day and ten minutes, at most, and how long too much."""
    count, late, people = len(within), sum(line.late for line in within), period.operators
    slots = Counter((line.time - period.start) // SLOT for line in within)
    hours = Counter((line.time - period.start) // HOUR for line in within)
    busy = sum(n > BUSY * people for n in hours.values())
    days = Counter[int]()
    for slot, n in slots.items():
        day = slot * SLOT // DAY
        days[day] = max(days[day], n)
    flood = flooded([line.time for line in within if not line.late], period)
    return [
        _rate("per_hour", count, people * period.length / HOUR, "1/h", late),
        _rate("per_day", count, people * period.length / DAY, "1/d", late),
        _rate("per_10_min", count, people * period.length / SLOT, "1/10min", late),
        _rate("peak_10_min", max(slots.values(), default=0), people, "1/10min"),
        _rate("mean_daily_peak", sum(days.values()), people * ceil(period.length / DAY), "1/10min"),
        _share("flood_time", flood / SECOND, period.length / SECOND),
        _share("busy_hours", busy, ceil(period.length / HOUR)),
    ]


def flooded(times: Sequence[int], period: Period) -> int:
    """Return for how many µs of the period it flooded; `times` in order.

    As `protocols.alarms.flood` tells it for one operator, in one pass.
    """
    rule, people = period.flood, period.operators
    window = round(rule.window * SECOND)
    left = max(0, rule.off_below * people - 1)
    total, began, first = 0, None, 0
    for at, time in enumerate(times):
        if began is not None and (end := times[at - 1 - left] + window) <= time:
            total, began = total + end - began, None
        while times[first] <= time - window:
            first += 1
        if began is None and at + 1 - first > rule.on_above * people:
            began = time
    if began is not None:
        total += min(period.end, times[-1 - left] + window) - began
    return total


def _chattering(within: Sequence[Line]) -> dict[str, int]:
    """Return the beginnings that were part of a chatter, by rule."""
    most, length = CHATTER
    rules: dict[str, list[int]] = {}
    for line in within:
        if line.word in BEGUN:
            rules.setdefault(line.rule, []).append(line.time)
    found: dict[str, int] = {}
    for rule, times in rules.items():
        part = set[int]()
        for at in range(len(times) - most + 1):
            if times[at + most - 1] - times[at] < length:
                part.update(range(at, at + most))
        if part:
            found[rule] = len(part)
    return found


def _begun(within: Iterable[Line]) -> int:
    return sum(line.word in BEGUN for line in within)


def _fleeting(lines: Iterable[Line], period: Period) -> int:
    return sum(
        end is not None and end - begin <= FLEETING
        for begin, end in _standings(lines)
        if _in(begin, period)
    )


def _stale(lines: Iterable[Line], period: Period) -> int:
    """Count what stood longer than a day at some time of the period."""
    return sum(
        min(period.end if end is None else end, period.end) - begin > DAY
        and (end is None or end > period.start)
        for begin, end in _standings(lines)
    )


def _standings(lines: Iterable[Line]) -> list[tuple[int, int | None]]:
    """Return from when to when (None: still) each alarm stood."""
    found: list[tuple[int, int | None]] = []
    standing: dict[int, int] = {}
    for line in lines:
        if line.word in BEGUN:
            standing.setdefault(line.episode, line.time)
        elif line.word in OVER and line.episode in standing:
            found.append((standing.pop(line.episode), line.time))
    return found + [(begin, None) for begin in standing.values()]


def _priorities(within: Sequence[Line]) -> list[Figure]:
    counted = Counter(_PRIORITY[Colour(line.colour)] for line in within)
    return [
        _share(f"priority_{name}", counted[name], len(within)) for name in ("low", "high", "top")
    ]


_PRIORITY: Final = {
    Colour.BLUE: "low",
    Colour.YELLOW: "low",
    Colour.ORANGE: "high",
    Colour.RED: "top",
}


def _answered(lines: Iterable[Line], period: Period) -> list[Figure]:
    """How long what was announced waited to be acknowledged, by the clock of who was called."""
    waits: list[int] = []
    called: dict[int, int] = {}
    announced = 0
    for line in lines:
        if line.word in CALLED and not line.late:
            if _in(line.time, period):
                announced += 1
                called[line.episode] = line.recorded
            else:
                called.pop(line.episode, None)
        elif line.word == Word.ACK and line.episode in called:
            waits.append(line.recorded - called.pop(line.episode))
    waits.sort()
    return [
        Figure(
            name=name,
            value=waits[ceil(part * len(waits)) - 1] / SECOND if waits else None,
            unit="s",
            numerator=len(waits),
            denominator=announced,
            benchmarks=BENCHMARKS.get(name, ()),
        )
        for name, part in (("acknowledge_median", 0.5), ("acknowledge_p90", 0.9))
    ]


def _verified(verdicts: Mapping[str, int]) -> list[Figure]:
    known = {result: n for result, n in verdicts.items() if result}
    verified = sum(known.values())
    real, false = known.get("real", 0), known.get("false", 0)
    return [
        _share("false_alarms", false, real + false),
        *(_share(f"verified_{name}", known.get(name, 0), verified) for name in _RESULTS),
        _share("unverified", verdicts.get("", 0), sum(verdicts.values())),
    ]


_RESULTS: Final = ("real", "false", "instrument", "filed", "test")


def _in(time: int, period: Period) -> bool:
    return period.start <= time < period.end


def _late(within: Iterable[Line], points: Mapping[int, int]) -> int:
    return sum(line.late for line in within if line.point in points)


def _share(name: str, numerator: float, denominator: float, late: int = 0) -> Figure:
    return _rate(name, numerator, denominator, "%", late)


def _rate(name: str, numerator: float, denominator: float, unit: str, late: int = 0) -> Figure:
    scale = 100 if unit == "%" else 1
    return Figure(
        name=name,
        value=scale * numerator / denominator if denominator else None,
        unit=unit,
        numerator=numerator,
        denominator=denominator,
        late=late,
        benchmarks=BENCHMARKS.get(name, ()),
    )
