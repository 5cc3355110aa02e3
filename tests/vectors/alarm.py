"""`alarm.json`: samples, acts and the clock over one rule, by `protocols.alarms`.

The run is what the file's `semantics` says; which journal comes of it is the product's alone.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Final

from protocols.alarms import acting, steps
from protocols.alarms.acting import Asked
from protocols.alarms.definition import Clocks, Definition, Watch
from protocols.alarms.machine import Entry, Machine, Sample, begin, due
from protocols.alarms.overlay import Act
from protocols.alarms.rule import Colour, Level, Rule
from protocols.alarms.state import Word
from protocols.clock import SECOND
from protocols.errors import FengsuiError, IllegalTransition
from tests.vectors import alarm_groups, alarm_streams
from tests.vectors.alarm_kinds import OPERATORS, kind_of

Events = list[list[Any]]
WITH_LEVEL: Final = (Word.RAISE, Word.LEVEL)
SHARED: Final = ("deadband", "on_delay", "off_delay")
GROUPS: Final = {"gateway_rollup": alarm_groups.roll_up, "flood": alarm_groups.flood}


def run(case: dict[str, Any]) -> str | None:
    """Return None if the product's journal is what the case expects, else what it is instead."""
    try:
        expected = case["expected_events"]
        events, state = journal_of(case)
    except (FengsuiError, ArithmeticError, LookupError, TypeError, ValueError) as exc:
        return f"{type(exc).__name__}: {exc}"
    if events != expected:
        return f"{events!r}, expected {expected!r}"
    wanted = case.get("final_state")
    return f"ends {state}, expected {wanted}" if wanted and state != wanted else None


def journal_of(case: dict[str, Any]) -> tuple[Events, str]:
    """Return what happened over the case's line of time, and the state at its end."""
    group = GROUPS.get(case["rule"]["kind"])
    if group is not None:
        return group(case), ""
    definition = definition_of(case["rule"])
    if alarm_streams.of_streams(case):
        if case.get("actions"):
            raise ValueError("actions do not go with samples that name their stream")
        return alarm_streams.journal_of(definition, case, _told)
    line = _Line(definition, case.get("unit_scale", 1))
    down = min((_us(act[0]) for act in case.get("actions", []) if act[1] == "restart"), default=0)
    for at, what in _inputs(case):
        # While the process is down nothing is fired: that is made good when it is back.
        line.clock(at, strictly=True, down=at < down)
        line.take(at, what)
    line.clock(_us(case["end_t"]), strictly=False)
    return [_told(entry, line.definition) for entry in line.entries], line.machine.alarm.state


def _inputs(case: dict[str, Any]) -> Iterator[tuple[int, Any]]:
    """Yield samples, then acts, by when they come; those of one moment as they are listed."""
    came = [(_us(each[3] if len(each) > 3 else each[0]), 0, each) for each in case["samples"]]
    came += [(_us(each[0]), 1, each) for each in case.get("actions", [])]
    for at, _, what in sorted(came, key=lambda each: each[:2]):
        yield at, what


class _Line:
    """A machine on its way along a line of time."""

    def __init__(self, definition: Definition, scale: float) -> None:
        self.definition = definition
        self.machine: Machine = begin(definition)
        self.entries: list[Entry] = []
        self._scale = scale

    def clock(self, now: int, *, strictly: bool, down: bool = False) -> None:
        """Fire each timer at its time, as a clock does."""
        while not down and (at := due(self.definition, self.machine)) is not None:
            if at > now or (strictly and at == now):
                return
            self._after(steps.advance(self.definition, self.machine, at))

    def take(self, at: int, what: list[Any]) -> None:
        """Take a sample or an act."""
        if isinstance(what[1], str):
            if what[1] not in VERBS:
                raise ValueError(f"action {what[1]!r}: one of {', '.join(VERBS)}")
            VERBS[what[1]](self, at, what[2] if len(what) > 2 else {})
            return
        value, good = what[1], what[2] == "good"
        inputs = value.items() if isinstance(value, dict) else [("", value)]
        for name, one in inputs:
            # What was not measured has no value, and no quality that could be good.
            known = 0.0 if one is None and not good else one * self._scale
            sample = Sample(_us(what[0]), known, at, good, name)
            self._after(steps.feed(self.definition, self.machine, sample))

    def ack(self, at: int, said: dict[str, Any]) -> None:
        by = said.get("by", "")
        self._after(acting.acknowledge(self.definition, self.machine, at, by))

    def reset(self, at: int, said: dict[str, Any]) -> None:
        self._after(acting.reset(self.definition, self.machine, at, said.get("by", "")))

    def shelve(self, at: int, said: dict[str, Any]) -> None:
        asked = Asked(Act.SHELVE, seconds=said["for"], one_shot=bool(said.get("oneshot")))
        self._lay(acting.shelve, at, asked)

    def put(self, act: Act, at: int) -> None:
        self._lay(acting.put, at, Asked(act))

    def _lay(self, what: Callable[..., steps.Outcome], at: int, asked: Asked) -> None:
        """What cannot lie over it now is refused to whoever asked; the journal hears nothing."""
        with contextlib.suppress(IllegalTransition):
            self._after(what(self.definition, self.machine, at, asked))

    def set_limit(self, at: int, said: dict[str, Any]) -> None:
        new = set_limit(self.definition, said)
        self._after(steps.change(self.definition, self.machine, new, at))
        self.definition = new

    def restart(self, at: int, said: dict[str, Any]) -> None:
        self._after(steps.advance(self.definition, self.machine, at))

    def _after(self, outcome: steps.Outcome) -> None:
        self.machine, entries = outcome
        self.entries += entries


def _put(act: Act) -> Any:
    return lambda line, at, said: line.put(act, at)


VERBS: Final[dict[str, Any]] = {
    "ack": _Line.ack,
    "reset": _Line.reset,
    "shelve": _Line.shelve,
    "set_limit": _Line.set_limit,
    "restart": _Line.restart,
    **{act.value: _put(act) for act in Act if act is not Act.SHELVE},
}


def definition_of(spec: dict[str, Any]) -> Definition:
    """Return a case's rule as the product has it."""
    low, high = spec.get("range", (None, None))
    chatter = spec.get("chatter")
    return Definition(
        rule=Rule(
            id="rule",
            subject="subject",
            levels=_levels(spec),
            kind=spec["kind"],
            latching=bool(spec.get("latch")),
        ),
        kind=kind_of(spec),
        watch=Watch(
            stale_after=spec.get("stale_after"),
            bad_after=spec.get("bad_after"),
            frozen_after=spec.get("frozen_after"),
            low=low,
            high=high,
        ),
        clocks=Clocks(
            realarm_after=spec.get("realarm_after"),
            realarm_repeats=spec.get("realarm_repeats"),
            escalate=tuple(spec.get("escalate", ())),
            chatter=None if chatter is None else (chatter[0], chatter[1]),
            longest_shelf=spec.get("max_shelve"),
        ),
    )


def _levels(spec: dict[str, Any]) -> tuple[Level, ...]:
    shared = {key: spec[key] for key in SHARED if key in spec}
    given = spec.get("levels") or [{"name": "", "limit": spec["limit"]}]
    made = []
    for item in given:
        fields = shared | item
        op = fields.pop("op", spec["op"])
        made.append(Level(**fields, op=OPERATORS.get(op, op), colour=Colour.YELLOW, status="V"))
    return tuple(made)


def set_limit(definition: Definition, said: dict[str, Any]) -> Definition:
    """Return the rule with another limit, of one level or of all."""
    levels = tuple(_replaced(level, said) for level in definition.rule.levels)
    return _with_levels(definition, levels)


def _replaced(level: Level, said: dict[str, Any]) -> Level:
    name = said.get("level", said.get("name"))
    if name is not None and name != level.name:
        return level
    fields = {each: getattr(level, each) for each in level.__slots__}
    return Level(**fields | {"limit": said["limit"]})


def _with_levels(definition: Definition, levels: tuple[Level, ...]) -> Definition:
    rule = definition.rule
    changed = Rule(
        id=rule.id,
        subject=rule.subject,
        levels=levels,
        kind=rule.kind,
        latching=rule.latching,
        version=rule.version + 1,
    )
    return Definition(
        rule=changed, kind=definition.kind, watch=definition.watch, clocks=definition.clocks
    )


def _told(entry: Entry, definition: Definition) -> list[Any]:
    word = str(entry.word)
    if entry.word is Word.ESCALATE:
        word = f"{word}:{entry.nth}"
    elif entry.level and entry.word in WITH_LEVEL:
        name = definition.rule.levels[entry.level - 1].name
        word = f"{word}:{name}" if name else word
    return [alarm_groups.seconds(entry.time), word]


def _us(seconds: float) -> int:
    return round(seconds * SECOND)
