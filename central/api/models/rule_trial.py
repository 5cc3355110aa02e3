"""A rule before it is made: where it would hold, and what it would say now."""

from typing import Annotated

from pydantic import Field

from central.api.models.points import Latest
from central.api.models.rules import At, Document, ScopeName, WhyNot
from central.api.models.words import Answer, Asked, ColourName, Label, Name


class AskedTrial(Asked):
    """A rule as it would be sent, and where it would be attached."""

    rule: Document
    scope: ScopeName
    at: At
    quantities: Annotated[list[Name], Field(max_length=16, default_factory=list)]


class TriedPlace(Answer):
    """A point, or an object a rule of several `inputs` is on.

    `why`: it would not hold there, because; null: it would. `before`: the rule of the same family
    that holds there today (`manifest`: the gateway's own limits). `reading` is the point's newest;
    `against` what the levels are held against now, null where that cannot be told. `level` is the
    worst that this meets, without waiting for its delay.
    """

    subject: str
    label: Label
    site: str
    unit: str
    inputs: int
    why: WhyNot | None
    before: str | None
    reading: Latest | None
    judged: bool
    against: float | None
    level: str | None
    colour: ColourName | None


class RuleTrial(Answer):
    """`holds` of all `places`; of the first `judged` of those it is told what they say now.

    `raising`: how many of these meet a level. `shown`: at most so many, worst first.
    """

    places: int
    holds: int
    judged: int
    raising: int
    shown: list[TriedPlace]


class Profile(Answer):
    """A device profile that is connected: how many points it has, and what they measure."""

    name: str
    points: int
    quantities: list[str]


class Profiles(Answer):
    """By name."""

    items: list[Profile]
