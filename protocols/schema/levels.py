"""Ladders of thresholds (分级阈值): each level by itself, then all levels of a point together."""

from collections.abc import Sequence
from itertools import combinations
from typing import Annotated, Any, Final

from pydantic import Field, ValidationError, WithJsonSchema, WrapValidator

from protocols.alarms.rule import OPERATORS, STATUSES, Colour, Level
from protocols.schema.fields import Choice, Day, Line, Seconds, Strict, duplicates
from protocols.schema.report import Report
from protocols.schema.yaml_source import Path

COLOURS: Final = tuple(colour.name.lower() for colour in Colour)
_STATE: Final = ("=", "!=")

USUAL: Final[dict[str, tuple[str, str]]] = {
    "LL": ("red", "<="),
    "L": ("yellow", "<="),
    "H": ("yellow", ">="),
    "HH": ("red", ">="),
}
"""Colour and operator that the four classic names have unless the file says otherwise."""

_RANK: Final = {"L": 0, "H": 0, "LL": 1, "HH": 1}


def _number_or_state(value: Any, handler: Any) -> Any:
    return value if isinstance(value, bool) else handler(value)


class LevelModel(Strict):
    """One step of a ladder."""

    name: Annotated[str, Field(min_length=1, max_length=40)]
    name_en: Annotated[Line, Field(max_length=80)] = ""
    colour: Annotated[str, Choice(COLOURS)] | None = None
    op: Annotated[str, Choice(OPERATORS)] | None = None
    limit: Annotated[
        float, WrapValidator(_number_or_state), WithJsonSchema({"type": ["number", "boolean"]})
    ]
    deadband: Annotated[float, Field(ge=0)] = 0.0
    on_delay: Seconds = 0.0
    off_delay: Seconds = 0.0
    source: Line | None = None
    clause: Line | None = None
    status: Annotated[str, Choice(STATUSES)]
    valid_from: Day | None = None
    valid_to: Day | None = None

    @property
    def tint(self) -> str:
        """Return the colour, from the name where the file leaves it out."""
        return str(self.colour or USUAL.get(self.name, ("", ""))[0])

    @property
    def operator(self) -> str:
        """Return the operator, from the name where the file leaves it out."""
        return str(self.op or USUAL.get(self.name, ("", ""))[1])

    @property
    def rank(self) -> tuple[int, int]:
        """Return how severe the level is."""
        return Colour[self.tint.upper()], _RANK.get(self.name, 0)

    def level(self) -> Level:
        """Return the frozen struct."""
        return Level(
            name=self.name,
            name_en=self.name_en,
            colour=Colour[self.tint.upper()],
            op=self.operator,
            limit=float(self.limit),
            deadband=self.deadband,
            on_delay=self.on_delay,
            off_delay=self.off_delay,
            source=self.source or "",
            clause=self.clause,
            status=self.status,
            valid_from=self.valid_from,
            valid_to=self.valid_to,
        )


def ladder(levels: Sequence[LevelModel]) -> tuple[Level, ...]:
    """Return the levels as frozen structs, from least to most severe."""
    return tuple(model.level() for model in sorted(levels, key=lambda model: model.rank))


def check_ladder(
    report: Report, path: Path, data: Any, span: tuple[float | None, float | None]
) -> None:
    """Check the `limits` at `path`: alone and against each other; `span` is the measuring range."""
    found = [(i, model) for i, item in enumerate(_items(data)) if (model := _try(item)) is not None]
    for i, name, first in duplicates((i, model.name) for i, model in found):
        line = report.source.line((*path, first, "name"))
        report.at((*path, i, "name"), "NAME_TWICE", value=name, first=line)
    usable = [(i, model) for i, model in found if _check_level(report, (*path, i), model, span)]
    for (i, one), (j, other) in combinations(usable, 2):
        if _meet(one, other):
            _check_pair(report, path, (i, one), (j, other))


def check_states(report: Report, path: Path, data: Any, states: Sequence[int]) -> None:
    """Check the `limits` of a digital or enumerated point: equal or not equal to a known state."""
    shown = [str(state) for state in states]
    for i, item in enumerate(_items(data)):
        model = _try(item)
        if model is None:
            continue
        _check_alone(report, (*path, i), model)
        if model.operator not in _STATE:
            report.at((*path, i, "op"), "LEVEL_STATE_OP", _STATE, value=model.operator)
        if model.limit not in states:
            report.at((*path, i, "limit"), "LEVEL_STATE", shown)


def _items(data: Any) -> list[Any]:
    return data if isinstance(data, list) else []


def _try(item: Any) -> LevelModel | None:
    try:
        return LevelModel.model_validate(item)
    except ValidationError:
        return None  # named when the whole file was validated


def _check_alone(report: Report, path: Path, model: LevelModel) -> bool:
    """Check what every level needs; return whether colour and operator are known."""
    if not model.tint:
        report.at((*path, "colour"), "LEVEL_COLOUR", COLOURS)
    if not model.operator:
        report.at((*path, "op"), "LEVEL_OP", OPERATORS)
    if model.status in ("V", "K", "D", "E") and not model.source:
        report.at((*path, "source"), "LEVEL_SOURCE", status=model.status)
    if model.status == "V" and not model.clause:
        report.at((*path, "clause"), "LEVEL_CLAUSE")
    if (model.valid_from is None) != (model.valid_to is None):
        report.at(path, "LEVEL_VALIDITY")
    return bool(model.tint and model.operator)


def _check_level(
    report: Report, path: Path, model: LevelModel, span: tuple[float | None, float | None]
) -> bool:
    """Check one numeric level; return whether it can be compared with its neighbours."""
    known = _check_alone(report, path, model)
    if isinstance(model.limit, bool):
        report.at((*path, "limit"), "TYPE_NUMBER")
        return False
    if not known:
        return False
    usual = USUAL.get(model.name)
    if usual is not None and usual[1][0] != model.operator[0]:
        report.at((*path, "op"), "LEVEL_SIDE", (usual[1], usual[1][0]), name=model.name)
        return False
    low, high = span
    if (low is not None and model.limit < low) or (high is not None and model.limit > high):
        report.at((*path, "limit"), "LEVEL_RANGE", (f"{_n(low)} … {_n(high)}",), name=model.name)
        return False
    return True


def _check_pair(
    report: Report, path: Path, one: tuple[int, LevelModel], other: tuple[int, LevelModel]
) -> None:
    (_, mild), (j, severe) = sorted((one, other), key=lambda item: item[1].rank)
    sides = _side(mild), _side(severe)
    if 0 in sides:
        return
    if sides[0] != sides[1]:
        _check_crossing(report, path, one, other)
        return
    if mild.rank == severe.rank:
        return
    distance = (severe.limit - mild.limit) * sides[0]
    if distance <= 0:
        code = "LIMIT_NOT_ABOVE" if sides[0] > 0 else "LIMIT_NOT_BELOW"
        report.at(
            (*path, j, "limit"), code, name=severe.name, other=mild.name, limit=_n(mild.limit)
        )
    elif severe.deadband >= distance:
        report.at(
            (*path, j, "deadband"),
            "DEADBAND_TOO_WIDE",
            (f"< {_n(distance)}",),
            name=severe.name,
            other=mild.name,
        )


def _check_crossing(
    report: Report, path: Path, one: tuple[int, LevelModel], other: tuple[int, LevelModel]
) -> None:
    """A low level must lie below a high one, even after both deadbands."""
    (_, low), (j, high) = (one, other) if _side(one[1]) < 0 else (other, one)
    if low.limit >= high.limit:
        report.at(
            (*path, j, "limit"),
            "LIMIT_NOT_ABOVE",
            name=high.name,
            other=low.name,
            limit=_n(low.limit),
        )
    elif low.limit + low.deadband >= high.limit - high.deadband:
        report.at(
            (*path, j, "deadband"),
            "DEADBAND_TOO_WIDE",
            (f"< {_n(high.limit - low.limit - low.deadband)}",),
            name=high.name,
            other=low.name,
        )


def _side(model: LevelModel) -> int:
    """Return 1 for a high level, -1 for a low one, 0 for one that compares states."""
    return {">": 1, "<": -1}.get(model.operator[0], 0)


def _meet(one: LevelModel, other: LevelModel) -> bool:
    """Return whether both can be in force on one day; yearly spans may run over the new year."""
    spans = [(model.valid_from, model.valid_to) for model in (one, other)]
    if any(start is None or end is None for start, end in spans):
        return True
    (a, b), (c, d) = [(str(start), str(end)) for start, end in spans]
    if len(a) != len(c) or len(a) != len(b) or len(c) != len(d):
        return True
    return any(_within(x, c, d) for x in (a, b)) or _within(c, a, b)


def _within(day: str, start: str, end: str) -> bool:
    return start <= day <= end if start <= end else day >= start or day <= end


def _n(number: float | None) -> str:
    return "" if number is None else f"{number:.10g}"
