"""What holds for a point, and why: the nearest attachment whose rule can be used there (pure).

A rule that nobody confirmed, that has no figure for the place, or is in a unit the point's cannot
be converted to is passed over with its reason: it never silences the one behind it. An attachment
without a rule is somebody's decision and does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from central.rules.figures import Figures, fitted
from central.rules.library import MANIFEST, Library, LibraryRule
from protocols.alarms.attachment import Attachment, Scope, Target
from protocols.alarms.definition import Definition
from protocols.alarms.rule import Rule


class Why(StrEnum):
    """Why an attachment is not what holds."""

    FARTHER = "farther"
    """A nearer one holds."""
    RETIRED = "retired"
    UNIT = "unit"
    """The point's unit is of another kind than the rule's."""
    UNCONFIRMED = "unconfirmed"
    """No level of it was confirmed, or has a figure here."""
    INPUTS = "inputs"
    """An input of it is not found here, or not one alone."""
    SEVERAL = "several"
    """It has several inputs, and is meant for an object."""


@dataclass(frozen=True, slots=True)
class Passed:
    """An attachment that does not hold, and why."""

    attachment: Attachment
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What holds of a family. `attachment` None: nothing does; one without a rule: it was ended.

    `rule` None with an attachment of MANIFEST: the limits the gateway brings. `item`: the quantity
    whose points a roll-up counts.
    """

    family: str
    attachment: Attachment | None
    rule: LibraryRule | None = None
    figures: Figures | None = None
    passed: tuple[Passed, ...] = ()
    item: str = ""

    @property
    def name(self) -> str:
        """What the engine knows it by on its subject: roll-ups of one family stand side by side."""
        return f"{self.family}.{self.item}" if self.item else self.family

    @property
    def manifest(self) -> bool:
        """Whether the gateway's own limits hold."""
        return self.attachment is not None and self.attachment.rule == MANIFEST

    def definition(self, subject: str) -> Definition | None:
        """Return the rule as the engine takes it; None: there is none of the library's."""
        if self.rule is None or self.figures is None:
            return None
        body = self.rule.body
        return Definition(
            rule=Rule(
                id=f"{subject}:{self.name}",
                subject=subject,
                levels=self.figures.levels,
                kind="limit" if body.kind_name == "digital" else body.kind_name,
                latching=body.latching,
                where=body.where,
            ),
            kind=self.figures.kind,
            watch=self.figures.watch,
            clocks=body.clocks,
            requests=self.figures.requests,
            suppressed_by=body.suppressed_by,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A point and all that its rules go by; `own`: the families its manifest brings."""

    target: Target
    number: int
    gateway: str
    unit: str
    own: frozenset[str] = frozenset()


@dataclass(slots=True)
class Index:
    """The attachments of a library by place, so that a point asks for few."""

    library: Library
    by_place: dict[tuple[Scope, str], list[Attachment]] = field(default_factory=dict)

    @classmethod
    def of(cls, library: Library) -> "Index":
        """Return the index of a library."""
        index = cls(library)
        for each in library.attached:
            index.by_place.setdefault((each.scope, each.at), []).append(each)
        return index

    def of_target(self, target: Target) -> list[Attachment]:
        """Return what is meant for a point, whatever is near."""
        found = []
        for scope in Scope:
            at = target.at(scope)
            if at is not None and (here := self.by_place.get((scope, at))):
                found += [each for each in here if self._meant(each, target)]
        return found

    def _meant(self, each: Attachment, target: Target) -> bool:
        if not each.meets(target):
            return False
        rule = self.library.rules.get(each.rule) if each.rule is not None else None
        return rule is None or rule.body.several or target.quantity in rule.body.quantities


def own_limits(target: Target, families: Iterable[str]) -> list[Attachment]:
    """Return the manifest's limits as what they are: attached to the point, before anybody came."""
    return [
        Attachment(id=0, family=family, scope=Scope.POINT, at=target.point, rule=MANIFEST)
        for family in families
    ]


def families(index: Index, place: Place) -> list[Holding]:
    """Return what holds for a point, by family; also those of which nothing does."""
    meant: dict[str, list[Attachment]] = {}
    every = [*own_limits(place.target, place.own), *index.of_target(place.target)]
    for each in every:
        meant.setdefault(each.family, []).append(each)
    return [_held(index.library, family, meant[family], place) for family in sorted(meant)]


def _held(library: Library, family: str, meant: Sequence[Attachment], place: Place) -> Holding:
    passed: list[Passed] = []
    nearest = sorted(meant, key=lambda each: each.rank, reverse=True)
    for at, each in enumerate(nearest):
        if each.rule is None or each.rule == MANIFEST:
            return Holding(family=family, attachment=each, passed=_with(passed, nearest[at + 1 :]))
        rule = library.rule(each.rule)
        found = Why.RETIRED if rule is None else fitted_for(library, rule, place)
        if isinstance(found, Why):
            passed.append(Passed(each, found))
            continue
        return Holding(
            family=family,
            attachment=each,
            rule=rule,
            figures=found,
            passed=_with(passed, nearest[at + 1 :]),
        )
    return Holding(family=family, attachment=None, passed=tuple(passed))


def _with(passed: list[Passed], rest: Sequence[Attachment]) -> tuple[Passed, ...]:
    return (*passed, *(Passed(each, Why.FARTHER) for each in rest))


def fitted_for(library: Library, rule: LibraryRule, place: Place) -> Figures | Why:
    """Return a rule's levels in the unit of the point, or why it cannot be used there."""
    if rule.body.several:
        return Why.SEVERAL
    figures = fitted(rule.body, library.named, place.target, place.unit)
    if figures is None:
        return Why.UNIT
    if not figures.levels and not figures.watched:
        return Why.UNCONFIRMED
    return figures
