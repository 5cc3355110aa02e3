"""The library as it stands: rules in versions, where they are meant, named levels (values only).

Made of the tables, and made anew after each change of them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from central.rules.body import Body
from protocols.alarms.attachment import Attachment, Scope
from protocols.words import Label

MANIFEST = "manifest"
"""In place of a rule: the limits that a gateway's manifest brings for a point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version: `made` (µs UTC) and `made_by` whom and why; `retired`: it holds nowhere."""

    number: int
    body: Body
    retired: bool
    made: int
    made_by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryRule:
    """A rule: `version` is its newest. `origin`: the threshold set it came with; `domain`: 1 to 15.

    `outdated`: the set now offers something else, and people had changed this one since.
    """

    id: str
    origin: str | None
    domain: int | None
    created: int
    created_by: str
    version: Version
    outdated: bool = False

    @property
    def body(self) -> Body:
        """What it says now."""
        return self.version.body

    @property
    def active(self) -> bool:
        """Whether any of its levels may raise without a site's figure."""
        return not self.version.retired and any(offer.active for offer in self.body.levels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """An attachment and its end, if it has one: when (µs UTC), by whom and why."""

    attachment: Attachment
    ended: int | None = None
    ended_by: str | None = None
    ended_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedLevel:
    """A figure of a place: 汛限水位 of a reservoir, for a season of each year or for good.

    Who entered it answers for it. Scope and `at` as of attachments; the nearest wins, and those
    that lie equally near hold side by side, each in its season.
    """

    id: int
    name: str
    scope: Scope
    at: str
    value: float
    unit: str
    label: Label = Label("")  # noqa: RUF009  # frozen
    valid_from: str | None = None
    valid_to: str | None = None
    source: str = ""
    clause: str | None = None
    since: int = 0
    by: str = ""
    reason: str = ""
    ended: int | None = None
    ended_by: str | None = None
    ended_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Library:
    """Everything there is; `attached` and `named` are those that stand."""

    rules: Mapping[str, LibraryRule] = field(default_factory=dict)
    attached: tuple[Attachment, ...] = ()
    named: tuple[NamedLevel, ...] = ()

    def rule(self, id_: str | None) -> LibraryRule | None:
        """Return a rule that was not retired."""
        found = self.rules.get(id_) if id_ is not None else None
        return None if found is None or found.version.retired else found

    def at(self, scope: Scope, at: Iterable[str]) -> list[Attachment]:
        """Return what is attached at these places of a scope."""
        places = frozenset(at)
        return [each for each in self.attached if each.scope is scope and each.at in places]
