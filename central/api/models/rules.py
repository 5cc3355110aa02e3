"""Rules as data: threshold sets, rules with versions, attachments, named levels."""

from typing import Annotated, Any, Literal

from pydantic import Field

from central.api.models.words import READABLE, Answer, Asked, Label, Name, Reason
from central.api.times import Time

ScopeName = Literal["domain", "profile", "site", "object", "point"]
WhyNot = Literal["farther", "retired", "unit", "unconfirmed", "inputs", "several"]
At = Annotated[str, Field(min_length=1, max_length=300)]
Day = Annotated[str, Field(max_length=10)]
Document = dict[str, Any]
"""A rule as docs/rules.md writes it."""


class ThresholdSet(Answer):
    """What is offered for a domain; `active`: rules of it that may raise without a person."""

    name: str
    version: int
    domain: int
    label: Label
    rules: int
    active: int


class ThresholdSets(Answer):
    """By domain."""

    sets: list[ThresholdSet]


class RuleVersion(Answer):
    """One version of a rule: what it says, who made it, when and why."""

    version: int
    retired: bool
    made: Time
    made_by: str
    reason: str
    rule: Document


class LibraryRule(Answer):
    """A rule as it is now. `active`: a level of it may raise; `attached`: it is meant somewhere.

    `outdated`: its threshold set offers something else now, and people had changed this one.
    """

    id: str
    origin: str | None
    domain: int | None
    created: Time
    created_by: str
    active: bool
    attached: int
    outdated: bool
    current: RuleVersion


class LibraryRules(Answer):
    """By id."""

    items: list[LibraryRule]


class LibraryRuleDetail(Answer):
    """A rule with its versions, the newest first, and where it is meant."""

    rule: LibraryRule
    versions: list[RuleVersion]
    attachments: list["RuleAttachment"]


class NewRule(Asked):
    """A rule of one's own."""

    rule: Document
    reason: Reason


class RuleChange(Asked):
    """The next version; `version` is the one that was looked at."""

    rule: Document
    version: int
    reason: Reason


class ConfirmedLevel(Asked):
    """A level somebody answers for; `limit`: its figure here."""

    name: str
    limit: Annotated[float, Field(allow_inf_nan=False)] | None = None


class RuleConfirmation(Asked):
    """The caller answers for these levels of the version that was looked at."""

    levels: Annotated[list[ConfirmedLevel], Field(min_length=1, max_length=32)]
    version: int
    reason: Reason


class RuleRetirement(Asked):
    """It holds nowhere any more."""

    version: int
    reason: Reason


class RuleAttachment(Answer):
    """Where a rule is meant; `rule` null: its family ends there."""

    id: int
    family: str
    scope: ScopeName
    at: str
    rule: str | None
    quantities: list[str]
    since: Time
    by: str
    reason: str
    ended: Time | None
    ended_by: str | None
    ended_reason: str | None


class RuleAttachments(Answer):
    """The newest first."""

    items: list[RuleAttachment]


class NewAttachment(Asked):
    """`rule` null ends `family` there; of a rule the family is its own."""

    rule: Name | None
    family: Name | None = None
    scope: ScopeName
    at: At
    quantities: Annotated[list[Name], Field(max_length=16, default_factory=list)]
    reason: Reason


class Ending(Asked):
    """Why it ends."""

    reason: Reason


class NamedLevel(Answer):
    """A figure of a place, for a season of each year or for good."""

    id: int
    name: str
    scope: ScopeName
    at: str
    value: float
    unit: str
    label: Label
    valid_from: str | None
    valid_to: str | None
    source: str
    clause: str | None
    since: Time
    by: str
    reason: str
    ended: Time | None
    ended_by: str | None
    ended_reason: str | None


class NamedLevels(Answer):
    """The newest first."""

    items: list[NamedLevel]


class AskedName(Asked):
    """A name for people."""

    zh: Annotated[str, Field(max_length=80), READABLE] = ""
    en: Annotated[str, Field(max_length=120), READABLE] = ""


class NewNamedLevel(Asked):
    """The caller answers for the figure."""

    name: Name
    scope: ScopeName
    at: At
    value: Annotated[float, Field(allow_inf_nan=False)]
    unit: Annotated[str, Field(max_length=20)]
    label: AskedName = AskedName()
    valid_from: Day | None = None
    valid_to: Day | None = None
    source: Annotated[str, Field(max_length=200), READABLE] = ""
    clause: Annotated[str, Field(max_length=100), READABLE] | None = None
    reason: Reason


class PassedOver(Answer):
    """What does not hold, and why: a nearer one does, or it cannot be used here."""

    attachment: RuleAttachment
    why: WhyNot


class HoldingRule(Answer):
    """What holds of a family at a point.

    `source`: library, manifest (the gateway's own limits), ended (somebody ended the family here)
    or none. `levels` are in `unit`, that of the point, seconds, or none of counts; `engine_rule` is
    the id its alarms carry.
    """

    family: str
    source: Literal["library", "manifest", "ended", "none"]
    engine_rule: str
    rule: str | None
    version: int | None
    label: Label | None
    attachment: RuleAttachment | None
    unit: str
    levels: list[Document]
    passed_over: list[PassedOver]


class PointRules(Answer):
    """Which rules hold for a point, from where, over which others and why."""

    point: str
    unit: str
    rules: list[HoldingRule]


class Importing(Asked):
    """How a file is brought in.

    `dry_run`: only say what would be done. `ahead`: places that are not connected yet are no fault.
    `faults`: they come in the same file, or alone as a list; `language` of those in the file.
    """

    dry_run: bool = False
    ahead: bool = False
    language: Literal["zh", "en"] = "zh"
    faults: Literal["file", "list"] = "file"


class RulesImported(Answer):
    """What a file led to, or would: rules by id, and how many attachments and named levels.

    `rules`: those created and changed, as they are then; the lists are as files write them.
    """

    dry_run: bool
    created: list[str]
    changed: list[str]
    retired: list[str]
    attached: int
    named: int
    unchanged: int
    rules: list[Document]
    attachments: list[Document]
    named_levels: list[Document]
