"""Joins an episode with the names of its point and its newest reading (pure)."""

from typing import Final, NamedTuple, Protocol

from central.alarms.acts.overlays import Layer
from central.alarms.journal.episode import Episode, NextThreshold, Verification
from central.alarms.journal.records import EpisodeRow
from central.alarms.shown.naming import of_object
from central.registry import Entry
from central.registry_records import PointRecord, SiteRecord
from central.store.interface import Latest
from protocols.alarms.ladder import subject_of
from protocols.words import Label, PointId, Value


class Names(Protocol):
    """What the registry knows."""

    def names(self) -> list[str]: ...
    def by_number(self, number: int) -> PointRecord | None: ...
    def site(self, name: str) -> SiteRecord | None: ...
    def sites(self) -> list[SiteRecord]: ...
    def object_label(self, subject: str) -> Label | None: ...
    def entry(self, gateway: str) -> Entry | None: ...


class Beside(NamedTuple):
    """What lies over the rule, the newest verification, and how many comments there are."""

    overlays: tuple[Layer, ...] = ()
    verification: Verification | None = None
    comments: int = 0


ALONE: Final = Beside()


class Now(NamedTuple):
    """Whether its rule chatters, and since when (µs UTC) nobody knows its state."""

    chattering: bool = False
    unknown_since: int | None = None


CALM: Final = Now()


def view(
    row: EpisodeRow,
    names: Names,
    head: Latest | None,
    ahead: NextThreshold | None,
    beside: Beside = ALONE,
    now: Now = CALM,
) -> Episode:
    """Return the episode as people see it; a point that is gone keeps its logical names.

    A rule of a whole object is held against none of its points: it is named after the object, and
    has no newest value.
    """
    point = names.by_number(row.point)
    id_ = _point_id(row, point)
    subject = subject_of(row.rule)
    own = point is not None and subject == point.id
    named = None if own else names.object_label(subject)
    whole = named or (point.object_label if point and not own else None)
    if whole is not None and point is not None:
        whole = of_object(whole, row.rule, point.quantity)
    head = head if whole is None else None
    site = names.site(row.site)
    return Episode(
        id=row.id,
        rule=row.rule,
        point=str(id_),
        site=row.site,
        site_label=site.label if site else Label(row.site),
        region=site.region if site else "",
        object=subject.rpartition("/")[2] if named else point.object if point else None,
        object_label=named or (point.object_label if point else None),
        device=id_.device,
        device_label=point.device_label if point else Label(id_.device),
        label=whole or (point.label if point else Label(id_.point)),
        quantity=point.quantity if point else "",
        unit=point.unit if point else "",
        decimals=point.decimals if point else None,
        level=row.level,
        state=row.state,
        raised=row.raised,
        returned=row.returned,
        closed=row.closed,
        acknowledged=row.acknowledged,
        value=head.value if head else None,
        value_time=head.source_time if head else None,
        value_quality=head.quality if head else None,
        value_at_raise=_as(point if whole is None else None, row.value_at_raise),
        occurrence=row.occurrence,
        late=row.late,
        purpose=row.purpose,
        time_to_next=ahead,
        origin=row.origin,
        confirmation=row.confirmation,
        overlays=beside.overlays,
        verification=beside.verification,
        comments=beside.comments,
        domain=site.domain if site else "",
        chattering=now.chattering,
        unknown_since=now.unknown_since,
    )


def _point_id(row: EpisodeRow, point: PointRecord | None) -> PointId:
    """Return the point it is shown at; of one that is gone, what the rule is named after."""
    if point is not None:
        return PointId(*point.id.split("/"))
    parts = row.rule.rpartition(":")[0].split("/")
    return PointId(*parts) if len(parts) == len(PointId._fields) else PointId(row.site, "", "", "")


def _as(point: PointRecord | None, value: Value) -> Value:
    """The table keeps a boolean as a number."""
    return (
        bool(value) if point is not None and point.type == "bool" and value is not None else value
    )
