"""What a file of readings holds, column by column, whatever its format."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from central.store.columns import Integers
from central.store.values import BOOLEAN, FLOAT, INTEGER, NONE, Floats, Values
from protocols.quality import Quality, quality_class
from protocols.texts import catalogue


class Sort(StrEnum):
    """What a column's cells are."""

    TIME = "time"
    """µs UTC."""
    POINT = "point"
    LABEL = "label"
    UNIT = "unit"
    """These three say the same in all rows of a block."""
    VALUE = "value"
    """Two columns: the value and its kind."""
    NUMBER = "number"
    """NaN: there is none."""
    COUNT = "count"
    QUALITY = "quality"
    """Two columns: the StatusCode and what it means."""
    FLAG = "flag"
    TIER = "tier"
    """Place in TIERS: what a span was made of."""


@dataclass(frozen=True, slots=True)
class Column:
    """`name` is for programs and stays as it is; the headings are for people."""

    name: str
    sort: Sort
    zh: str
    en: str

    def headings(self, language: str) -> list[str]:
        """Return the headings in `language` of all it is written as."""
        place = 0 if language == "zh" else 1
        more = {Sort.VALUE: [_KIND[place]], Sort.QUALITY: [_MEANING[place]]}
        return [(self.zh, self.en)[place], *more.get(self.sort, [])]


OF_SUBJECT: Final = frozenset({Sort.POINT, Sort.LABEL, Sort.UNIT})
"""Named as the fields of `Subject`."""
_POINT: Final = (
    Column("point", Sort.POINT, "点位编号", "Point"),
    Column("label", Sort.LABEL, "名称", "Name"),
)
_UNIT: Final = Column("unit", Sort.UNIT, "单位", "Unit")
_QUALITY: Final = Column("quality", Sort.QUALITY, "质量", "Quality")
_KIND: Final = ("类型", "Kind")
_MEANING: Final = ("质量说明", "What the quality says")

LAYOUTS: Final[dict[str, tuple[Column, ...]]] = {
    "readings": (
        Column("time", Sort.TIME, "采集时间", "Measured"),
        *_POINT,
        Column("value", Sort.VALUE, "数值", "Value"),
        _UNIT,
        _QUALITY,
        Column("late", Sort.FLAG, "补传", "Late"),
        Column("estimated", Sort.FLAG, "时间为估计", "Time estimated"),
        Column("received", Sort.TIME, "接收时间", "Received"),
    ),
    "spans": (
        Column("time", Sort.TIME, "起", "From"),
        Column("to", Sort.TIME, "止", "To"),
        *_POINT,
        Column("count", Sort.COUNT, "条数", "Readings"),
        Column("good", Sort.COUNT, "其中正常数值", "Good numbers"),
        Column("minimum", Sort.NUMBER, "最小值", "Minimum"),
        Column("maximum", Sort.NUMBER, "最大值", "Maximum"),
        Column("mean", Sort.NUMBER, "平均值", "Mean"),
        Column("last", Sort.VALUE, "末值", "Last"),
        _UNIT,
        Column("quality", Sort.QUALITY, "最差质量", "Worst quality"),
        Column("tier", Sort.TIER, "数据级别", "Made of"),
    ),
}
"""Readings one by one, and what many of them come to (spans without a reading are left out)."""

TIERS: Final = ("raw", "1min", "1h")
"""Readings, or what is left of them by the minute or the hour."""
KINDS: Final[dict[int, str]] = {
    NONE: "none",
    BOOLEAN: "boolean",
    INTEGER: "integer",
    FLOAT: "number",
}
"""The kind of what is in OTHER is that of the value itself: a text, or an integer beyond 2^53."""


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of one point (its place in the job): a column of cells by name, all of one length."""

    point: int
    rows: int
    cells: Mapping[str, Integers | Floats | Values]


@dataclass(frozen=True, slots=True)
class Subject:
    """A point as files name it."""

    point: str
    label: str
    unit: str


def kinds(values: Values) -> list[str]:
    """Return the kind of each value."""
    found = [KINDS.get(kind, "text") for kind in values.kinds.tolist()]
    for place, value in values.others.items():
        found[place] = "text" if isinstance(value, str) else "integer"
    return found


def meaning(code: int, language: str) -> str:
    """Return what a StatusCode says, in words."""
    try:
        name = Quality(code).name
    except ValueError:
        name = quality_class(code).upper()
    return catalogue(language)[f"QUALITY_{name}"]
