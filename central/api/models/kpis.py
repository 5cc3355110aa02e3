"""How good the alarms are (报警质量): figures with what they are made of and held against."""

from typing import Literal

from pydantic import Field

from central.api.models.words import Answer, Label
from central.api.times import Time


class Benchmark(Answer):
    """`status` as of a level: V read in its source, K from memory and not re-read, D the
    designer's; what is not V is shown as such."""

    op: str
    limit: float
    meaning: Literal["acceptable", "manageable", "target", "about"]
    source: str
    status: str


class Kpi(Answer):
    """One figure: `value` (null: nothing to divide by), what it is made of, its benchmarks.

    `late`: how many of the numerator were told of the past, when nobody was called.
    """

    name: str
    value: float | None
    unit: str
    numerator: float
    denominator: float
    late: int
    benchmarks: list[Benchmark]


class TopPoint(Answer):
    """A point among those that made the most of the load."""

    point: str
    label: Label
    count: int


class ChatteringRule(Answer):
    """A rule that chattered (频繁报警), and how often it began in doing so."""

    rule: str
    count: int


class Kpis(Answer):
    """The figures of [from, to) for so many operators; test and drill are in none."""

    from_: Time = Field(serialization_alias="from")
    to: Time
    operators: int
    figures: list[Kpi]
    top: list[TopPoint]
    chattering: list[ChatteringRule]
