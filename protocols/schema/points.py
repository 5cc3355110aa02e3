"""The points of a profile: what holds for every protocol."""

from typing import Annotated, Any, Final

from pydantic import Field

from protocols.catalogue import quantities, units
from protocols.modbus.values import two_point
from protocols.profile import Address, ProfilePoint, Scale
from protocols.schema.fields import Choice, LabelModel, Name, Seconds, Strict
from protocols.schema.levels import LevelModel, check_ladder, check_states, ladder
from protocols.schema.report import Report, nearest
from protocols.schema.yaml_source import Path

TYPES: Final = ("float", "int", "bool", "enum", "text")
LANES: Final = ("data", "alarm")

_ONLY_NUMBERS: Final = ("unit", "range", "decimals", "scale", "deadband")
"""Keys that mean nothing for a state or a text."""

Span = Annotated[list[float], Field(min_length=2, max_length=2)]


class ScaleModel(Strict):
    """`{factor, offset}`, or two points: `{raw: [4, 20], value: [0, 16]}`."""

    factor: float | None = None
    offset: float | None = None
    raw: Span | None = None
    value: Span | None = None

    def scale(self) -> Scale:
        """Return the frozen struct. Raises ValueError where two points do not make a line."""
        if self.raw is not None and self.value is not None:
            return two_point((self.raw[0], self.raw[1]), (self.value[0], self.value[1]))
        return Scale(factor=1.0 if self.factor is None else self.factor, offset=self.offset or 0.0)


class PointModel(Strict):
    """One measured variable of a device type; `address` comes with the protocol's own model."""

    name: Name
    label: LabelModel
    quantity: Annotated[str, Field(json_schema_extra={"enum": list(quantities())})]
    type: Annotated[str, Choice(TYPES)] = "float"
    unit: Annotated[str, Field(json_schema_extra={"enum": ["", *units()]})] = ""
    range: Span | None = None
    decimals: Annotated[int, Field(ge=0, le=9)] | None = None
    scale: ScaleModel | None = None
    deadband: Annotated[float, Field(ge=0)] = 0.0
    heartbeat: Annotated[Seconds, Field(gt=0)] = 60.0
    stale: Annotated[Seconds, Field(gt=0)] = 180.0
    lane: Annotated[str, Choice(LANES)] = "data"
    enumeration: Annotated[dict[str, LabelModel], Field(max_length=256, default_factory=dict)]
    limits: Annotated[list[LevelModel], Field(max_length=16, default_factory=list)]

    def sheet(self, address: Address) -> ProfilePoint:
        """Return the frozen struct."""
        low, high = self.range or (None, None)
        return ProfilePoint(
            name=self.name,
            label=self.label.label(),
            quantity=self.quantity,
            address=address,
            unit=self.unit,
            type=self.type,
            decimals=self.decimals,
            low=low,
            high=high,
            deadband=self.deadband,
            heartbeat=self.heartbeat,
            stale=self.stale,
            lane=self.lane,
            scale=self.scale.scale() if self.scale else None,
            enumeration=tuple(
                (int(code), label.label())
                for code, label in sorted(self.enumeration.items(), key=lambda item: int(item[0]))
            ),
            limits=ladder(self.limits),
        )


def check_point(report: Report, path: Path, data: dict[str, Any]) -> None:
    """Check `data`, a point as written, for what its fields alone cannot tell.

    Works on what can be understood of it: a wrong label does not hide a wrong ladder.
    """
    kind = data.get("type", "float")
    _check_quantity(report, path, data)
    if kind in ("float", "int"):
        span = _check_range(report, path, data)
        _check_scale(report, path, data)
        _check_spans(report, path, data, span)
        check_ladder(report, (*path, "limits"), data.get("limits"), span)
        if "enumeration" in data:
            report.at((*path, "enumeration"), "KEY_NOT_FOR_TYPE", ("enum",), type=kind)
    elif kind in TYPES:
        _check_state(report, path, data, kind)
    _check_rhythm(report, path, data)


def _check_quantity(report: Report, path: Path, data: dict[str, Any]) -> None:
    name, unit = data.get("quantity"), data.get("unit", "")
    if not isinstance(name, str):
        return
    quantity = quantities().get(name)
    if quantity is None:
        near = nearest(name, quantities(), 3)
        report.at((*path, "quantity"), "QUANTITY_NEAR" if near else "QUANTITY_UNKNOWN", near)
        return
    if not isinstance(unit, str):
        return
    if unit not in (quantity.units or ("",)) and data.get("type") not in ("bool", "enum", "text"):
        if not quantity.units:
            report.at((*path, "unit"), "UNIT_UNUSED", quantity=quantity.label.zh)
        elif not unit:
            report.at((*path, "unit"), "UNIT_MISSING", quantity.units, quantity=name)
        else:
            report.at((*path, "unit"), "UNIT_UNKNOWN", quantity.units, quantity=name)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _check_range(
    report: Report, path: Path, data: dict[str, Any]
) -> tuple[float | None, float | None]:
    span = data.get("range")
    if not isinstance(span, list) or len(span) != 2:
        return None, None
    low, high = _number(span[0]), _number(span[1])
    if low is None or high is None:
        return None, None
    if low >= high:
        report.at((*path, "range"), "RANGE_ORDER", value=f"{low:g}, {high:g}")
        return None, None
    return low, high


def _check_scale(report: Report, path: Path, data: dict[str, Any]) -> None:
    scale = data.get("scale")
    if not isinstance(scale, dict):
        return
    here = (*path, "scale")
    by_points, by_factor = {"raw", "value"} & set(scale), {"factor", "offset"} & set(scale)
    if len(by_points) == 1 or (by_points and by_factor) or not (by_points or by_factor):
        report.at(here, "SCALE_FORM")
    elif scale.get("factor") == 0:
        report.at((*here, "factor"), "SCALE_FLAT")
    elif by_points:
        for key in ("raw", "value"):
            ends = scale[key]
            if isinstance(ends, list) and len(ends) == 2 and ends[0] == ends[1]:
                report.at((*here, key), "SCALE_FLAT", value=ends[0] if _number(ends[0]) else "0")


def _check_spans(
    report: Report,
    path: Path,
    data: dict[str, Any],
    span: tuple[float | None, float | None],
) -> None:
    deadband = _number(data.get("deadband"))
    low, high = span
    if deadband is not None and low is not None and high is not None and deadband >= high - low:
        report.at((*path, "deadband"), "DEADBAND_RANGE", (f"< {high - low:g}",))


def _check_state(report: Report, path: Path, data: dict[str, Any], kind: str) -> None:
    for key in _ONLY_NUMBERS:
        if key in data:
            report.at((*path, key), "KEY_NOT_FOR_TYPE", ("float", "int"), type=kind)
    if kind == "text":
        for key in ("limits", "enumeration"):
            if key in data:
                report.at((*path, key), "KEY_NOT_FOR_TYPE", ("float", "int", "enum"), type=kind)
        return
    codes = _check_enumeration(report, path, data, kind)
    check_states(report, (*path, "limits"), data.get("limits"), codes)


def _check_enumeration(report: Report, path: Path, data: dict[str, Any], kind: str) -> list[int]:
    """Return the states that the point can have."""
    enumeration = data.get("enumeration")
    if kind == "enum" and not enumeration:
        report.at((*path, "enumeration"), "ENUMERATION_MISSING")
    codes: list[int] = []
    for code in enumeration if isinstance(enumeration, dict) else {}:
        if code.lstrip("-").isdecimal() and len(code) < 19:
            codes.append(int(code))
        else:
            report.at((*path, "enumeration", code), "ENUMERATION_CODE", value=code)
    if kind == "bool":
        if any(code not in (0, 1) for code in codes):
            report.at((*path, "enumeration"), "ENUMERATION_BOOL")
        return [0, 1]
    return codes


def _check_rhythm(report: Report, path: Path, data: dict[str, Any]) -> None:
    """A point is stale only after it could have been heard from."""
    heartbeat = _number(data.get("heartbeat", PointModel.model_fields["heartbeat"].default))
    stale = _number(data.get("stale", PointModel.model_fields["stale"].default))
    if heartbeat is not None and stale is not None and stale <= heartbeat:
        report.at((*path, "stale"), "STALE_SHORT", (f"> {heartbeat:g}",), value=f"{stale:g}")
