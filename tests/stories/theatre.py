"""Plays a story of the demo through the pure core: signals in, a control room's log out.

The rules are the demo's own: each point's confirmed limits, and `config/demo/rules.yaml`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from string import Template
from typing import Any, Final

import yaml

from central.rules.acts import Who
from central.rules.exchange import plan
from central.rules.library import Library, LibraryRule, Version
from central.rules.meant import Place
from central.rules.resolving import Resolver, domain_number
from edge.alarms.rules import local_rules
from edge.check import load_config
from edge.config import EdgeConfig
from protocols.alarms import steps
from protocols.alarms.attachment import Target
from protocols.alarms.condition import DAY, SITE_OFFSET, day_text
from protocols.alarms.definition import Definition
from protocols.alarms.kinds.kind import Kind
from protocols.alarms.kinds.limit import Limit
from protocols.alarms.kinds.rate import Rate
from protocols.alarms.kinds.schedule import Schedule
from protocols.alarms.kinds.several import Interlock, Levels
from protocols.alarms.kinds.vote import Vote
from protocols.alarms.kinds.window import Aggregate, Window
from protocols.alarms.ladder import directions
from protocols.alarms.machine import Entry, Machine, Sample, begin, due
from protocols.alarms.measured import measured
from protocols.alarms.rule import Level
from protocols.alarms.word import Word
from protocols.alarms.wording import TOLD, Peak, Told, tell
from protocols.clock import HOUR, MINUTE, SECOND
from protocols.simulators.plant import EVENING
from protocols.simulators.shapes import Signal, clock
from protocols.words import Label

ROOT: Final = Path(__file__).resolve().parents[2]
NAME: Final = "演示人员"
DEMO: Final = ROOT / "config" / "demo"
PORTS: Final = (
    "collector_port",
    "health_port",
    *(f"{of}_port" for of in ("dam", "depot", "broker", "panel")),
)
Act = Callable[[Definition, Machine, int], steps.Outcome]


@dataclass(frozen=True)
class Point:
    """A point as the configuration has it."""

    label: Label
    place: Label
    unit: str
    decimals: int | None


@dataclass
class Standing:
    """A rule on its way; `inputs` are names by point, `counts` the rules it counts."""

    definition: Definition
    inputs: Mapping[str, str]
    counts: tuple[str, ...] = ()
    machine: Machine = field(init=False)
    raised: int = 0
    called: int | None = None
    before: Level | None = None
    due: int | None = None
    values: list[Peak] = field(default_factory=list)
    """Of a limit, what was measured since the raise."""

    def __post_init__(self) -> None:
        self.machine = begin(self.definition)


class Theatre:
    """The rules and points of the whole demo, and the log of what was played."""

    def __init__(self, folder: Path) -> None:
        self.points: dict[str, Point] = {}
        self.places: dict[str, tuple[Label, Label]] = {}
        self.domains: dict[str, str] = {}
        self.rules: dict[str, Standing] = {}
        self.log: list[str] = []
        self._hearing: dict[str, list[Standing]] = {}
        """Rules by the points they hear."""
        self._everywhere: list[Place] = []
        for file in ("gw-qingyun.yaml", "gw-honghaiwan.yaml"):
            self._known(_config(file, folder))
        for definition, inputs, counts in _library(self._everywhere):
            self.rules[definition.rule.id] = Standing(definition, inputs, counts)

    def play(
        self,
        story: Mapping[str, Signal],
        prefix: str,
        times: Iterator[int],
        acts: Mapping[str, tuple[str, Act]] | None = None,
        cut: tuple[float, float] = (0.0, 0.0),
    ) -> list[str]:
        """Sample `story` at `times` (seconds from 22:00); acts by HH:MM:SS. Return the log.

        What was measured during `cut` arrives at its end, in its order and with its own times.
        """
        waiting = sorted(
            ((clock(at), rule, act) for at, (rule, act) in (acts or {}).items()),
            key=lambda each: each[0],
        )
        signals = self._listen(f"{prefix}/", story)
        held: list[tuple[str, int, float]] = []
        for second in times:
            while waiting and waiting[0][0] <= second:
                at, rule, act = waiting.pop(0)
                self._act(EVENING + round(at * SECOND), rule, act)
            now = EVENING + second * SECOND
            held += _measured(signals, second)
            if cut[0] <= second < cut[1]:
                continue
            self._clock(min(now, held[0][1]) if held else now)
            for point, time, value in held:
                self._heard(point, time, value, now)
            held.clear()
        return self.log

    def _listen(self, prefix: str, story: Mapping[str, Signal]) -> dict[str, Signal]:
        """Return the signals some rule hears, by their points."""
        for standing in self.rules.values():
            for point in standing.inputs:
                self._hearing.setdefault(point, []).append(standing)
        signals = {prefix + name: signal for name, signal in story.items()}
        return {point: signal for point, signal in signals.items() if point in self._hearing}

    def _heard(self, point: str, time: int, value: float, now: int) -> None:
        decimals = self.points[point].decimals
        rounded = value if decimals is None else round(value, decimals)
        for standing in self._hearing[point]:
            input_ = standing.inputs.get(point)
            if input_ is not None:
                sample = Sample(time, rounded, now, input=input_)
                standing.values.append(Peak(rounded, time))
                self._after(standing, steps.feed(standing.definition, standing.machine, sample))

    def _clock(self, now: int) -> None:
        for standing in self.rules.values():
            while (at := standing.due) is not None and at < now:
                self._after(standing, steps.advance(standing.definition, standing.machine, at))

    def _act(self, now: int, rule: str, act: Act) -> None:
        self._clock(now)
        standing = self.rules[rule]
        self._after(standing, act(standing.definition, standing.machine, now))

    def _after(self, standing: Standing, outcome: steps.Outcome) -> None:
        standing.machine, entries = outcome
        standing.due = due(standing.definition, standing.machine)
        level = standing.machine.condition.level
        for nth, entry in enumerate(entries):
            self._write(standing, entry, entries[:nth])
        if entries:
            self._count(
                standing.definition.rule.id, entries[-1].time, self._colour(standing, level)
            )

    def _count(self, rule: str, now: int, colour: float) -> None:
        """Tell every rule that counts this one where it stands."""
        for standing in self.rules.values():
            if rule in standing.counts:
                sample = Sample(now, colour, now, input=rule)
                self._after(standing, steps.feed(standing.definition, standing.machine, sample))

    @staticmethod
    def _colour(standing: Standing, level: int) -> float:
        return float(standing.definition.rule.levels[level - 1].colour) if level else 0.0

    def _write(self, standing: Standing, entry: Entry, before: Sequence[Entry]) -> None:
        local = entry.time + SITE_OFFSET
        at = f"{local // HOUR % 24:02d}:{local // MINUTE % 60:02d}:{local // SECOND % 60:02d}"
        if local // DAY != (EVENING + SITE_OFFSET) // DAY:
            at = f"{day_text(local // DAY)[5:]} {at}"
        risen = entry.word is Word.REALARM and any(each.word is Word.LEVEL for each in before)
        unseen = standing.machine.overlay.shelf is not None
        if entry.word not in TOLD or risen or unseen:
            what = f"{entry.by} {entry.reason}".strip()
            self.log.append(
                f"{at} {entry.word.value:<14} {standing.definition.rule.id} {what}".rstrip()
            )
            return
        if entry.word in (Word.RAISE, Word.RERAISE):
            standing.raised, standing.before = entry.time, None
        if entry.word in (Word.RAISE, Word.RERAISE, Word.REALARM):
            standing.called = entry.time
        shelf = any(each.word is Word.UNSHELVE_AUTO for each in before)
        told = replace(self._told(standing, entry), shelf=shelf)
        standing.before = told.level
        self.log.append(f"{at} {entry.word.value:<14} {tell(told, entry.time)}")

    def _told(self, standing: Standing, entry: Entry) -> Told:
        levels = standing.definition.rule.levels
        level = levels[entry.level - 1] if entry.level else standing.before or levels[0]
        place, label, unit, decimals = self._where(standing)
        value: Any = standing.machine.values[max(0, entry.level - 1)]
        fact = isinstance(standing.definition.kind, Interlock | Vote | Levels | Schedule)
        if measured(standing.definition.kind, unit, decimals).silent:
            value, unit = "", ""
        elif level.op in ("=", "!=") and value is not None:
            value = bool(value)
        return Told(
            word=entry.word,
            time=entry.time,
            place=place,
            domain=self.domains[standing.definition.rule.subject.partition("/")[0]],
            point=label,
            value=value,
            unit=unit,
            decimals=decimals,
            level=level,
            before=standing.before,
            since=standing.raised,
            called=standing.called,
            peak=_peak(standing, level),
            nth=entry.nth or standing.machine.alarm.occurrence,
            seen=standing.machine.alarm.level == 0,
            latched=standing.definition.rule.latching,
            fact=fact,
            count=measured(standing.definition.kind, "", None).count.replace("TIMES", ""),
            advice=standing.definition.request_of(level.name),
            **_made(standing.definition.kind, level),
        )

    def _where(self, standing: Standing) -> tuple[Label, Label, str, int | None]:
        kind, subject = standing.definition.kind, standing.definition.rule.subject
        counted = isinstance(kind, Vote | Levels)
        counted |= isinstance(kind, Window) and kind.aggregate is Aggregate.COUNT
        if subject in self.points:
            point = self.points[subject]
            return (
                point.place,
                point.label,
                "次" if counted else point.unit,
                0 if counted else point.decimals,
            )
        place, label = self.places[subject]
        if counted or isinstance(kind, Interlock):
            return place, label, "次" if isinstance(kind, Window) else "", 0
        point = self.points[next(iter(standing.inputs))]
        return place, label, point.unit, point.decimals

    def _known(self, config: EdgeConfig) -> None:
        sites = {site.name: site.label for site in config.sites}
        self.domains |= {site.name: site.domain for site in config.sites}
        fields = {site.name: domain_number(site.domain) for site in config.sites}
        for each in config.objects:
            self.places[f"{each.site}/{each.name}"] = (sites[each.site], each.label)
        for bus in config.buses:
            for device in bus.devices:
                for point in device.points:
                    sheet = point.sheet
                    own = frozenset(side for side, _ in directions(point.limits))
                    target = Target(
                        point=str(point.id),
                        site=point.id.site,
                        domain=fields[point.id.site],
                        quantity=sheet.quantity,
                        object=f"{point.id.site}/{point.object}" if point.object else None,
                    )
                    number = len(self._everywhere) + 1
                    place = Place(
                        target=target, number=number, gateway="", unit=sheet.unit, own=own
                    )
                    self._everywhere.append(place)
                    self.points[str(point.id)] = Point(
                        point.label, sites[point.id.site], sheet.unit, sheet.decimals
                    )
        for rule in local_rules(config.buses):
            self.rules[rule.id] = Standing(rule.definition, {str(rule.point): ""})


def _measured(signals: Mapping[str, Signal], second: int) -> Iterator[tuple[str, int, float]]:
    for point, signal in signals.items():
        value = signal(float(second))
        if isinstance(value, int | float):
            yield point, EVENING + second * SECOND, float(value)


def _made(kind: Kind, level: Level) -> dict[str, Any]:
    """Return what a rule makes of its point's values."""
    if isinstance(kind, Window):
        return {"measure": kind.aggregate.name, "span": level.window or kind.seconds}
    if isinstance(kind, Rate):
        return {"measure": "RATE", "span": kind.per}
    return {}


def _peak(standing: Standing, level: Level) -> Peak | None:
    """Return the worst value since the raise, as the collector looks it up."""
    if not isinstance(standing.definition.kind, Limit) or level.op[0] not in "<>":
        return None
    since = [each for each in standing.values if each.time >= standing.raised]
    worst = max if level.op[0] == ">" else min
    return worst(since, key=lambda each: each.value, default=None)


def _library(
    everywhere: list[Place],
) -> Iterator[tuple[Definition, dict[str, str], tuple[str, ...]]]:
    """Yield the demo's own rules as the library resolves them; all confirmed, as the demo does."""
    document = yaml.safe_load((DEMO / "rules.yaml").read_text(encoding="utf-8"))
    asked = plan(document, Library(), everywhere, Who(NAME, 0, ""), ())
    assert not asked.problems
    rules = {}
    for body in asked.create:
        levels = tuple(each.confirmed(NAME, "2026-06-01", None) for each in body.levels)
        version = Version(
            number=1,
            body=replace(body, levels=levels),
            retired=False,
            made=0,
            made_by=NAME,
            reason="",
        )
        rules[body.id] = LibraryRule(
            id=body.id, origin=None, domain=None, created=0, created_by=NAME, version=version
        )
    resolver = Resolver(Library(rules=rules, attached=tuple(asked.attach)))
    names = {place.number: place.target.point for place in everywhere}
    for place in everywhere:
        for holding in resolver.holdings(place):
            definition = holding.definition(place.target.point)
            if definition is not None:
                yield definition, {place.target.point: ""}, ()
    for wanted in resolver.of_objects(everywhere).values():
        inputs = {names[number]: name for number, name in wanted.inputs if number}
        counts = tuple(name for number, name in wanted.inputs if not number)
        yield wanted.definition, inputs, counts


def _config(file: str, folder: Path) -> EdgeConfig:
    text = Template((DEMO / file).read_text(encoding="utf-8")).substitute(dict.fromkeys(PORTS, 1))
    path = folder / file
    path.write_text(text, encoding="utf-8")
    return load_config(path)
