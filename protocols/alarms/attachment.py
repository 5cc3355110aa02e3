"""Which rule is meant for a point: rules are attached near and far, and the nearest wins (pure).

Attachments of one family (a rule of a threshold set and whatever was put in its place) stand in for
each other; those of different families stand beside each other. Of two that lie equally near the
younger wins. An attachment without a rule ends its family there: somebody decided that it does not
apply, with a reason.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class Scope(IntEnum):
    """How near an attachment lies, from far to near."""

    DOMAIN = 1
    """A quantity in a domain, wherever it is measured."""
    PROFILE = 2
    SITE = 3
    OBJECT = 4
    POINT = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A point: where it is, what it measures. `domain`: 1 to 15."""

    point: str
    site: str
    domain: int
    quantity: str
    object: str | None = None
    profile: str | None = None

    def at(self, scope: Scope) -> str | None:
        """Return the name of what holds the point at a scope; None: nothing does."""
        match scope:
            case Scope.DOMAIN:
                return str(self.domain)
            case Scope.PROFILE:
                return self.profile
            case Scope.SITE:
                return self.site
            case Scope.OBJECT:
                return self.object
            case Scope.POINT:
                return self.point


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """`rule` of `family` for what lies at (`scope`, `at`); None: the family ends there.

    `quantities`: which of the points there it is for; none: all. `since` (µs UTC) and `id` order
    those that lie equally near; `reason` is the person's who attached it.
    """

    id: int
    family: str
    scope: Scope
    at: str
    rule: str | None
    quantities: frozenset[str] = frozenset()
    since: int = 0
    by: str = ""
    reason: str = ""

    def meets(self, target: Target) -> bool:
        """Return whether it is for this point."""
        named = not self.quantities or target.quantity in self.quantities
        return named and target.at(self.scope) == self.at

    @property
    def rank(self) -> tuple[int, int, int]:
        """What is larger wins."""
        return self.scope, self.since, self.id


@dataclass(frozen=True, slots=True)
class Chosen:
    """What holds of a family, and what else would: the nearest of them first."""

    winner: Attachment
    over: tuple[Attachment, ...]

    @property
    def rule(self) -> str | None:
        """The rule that holds; None: the family was ended."""
        return self.winner.rule


def chosen(attachments: Iterable[Attachment], target: Target) -> dict[str, Chosen]:
    """Return what holds for a point, by family, in the order of their names."""
    meant: dict[str, list[Attachment]] = {}
    for each in attachments:
        if each.meets(target):
            meant.setdefault(each.family, []).append(each)
    found = {}
    for family in sorted(meant):
        first, *rest = sorted(meant[family], key=lambda each: each.rank, reverse=True)
        found[family] = Chosen(first, tuple(rest))
    return found
