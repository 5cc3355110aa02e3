"""A rule's figures at a place: its active levels, named ones filled in, in the point's unit (pure).

Nothing is compared across units: a figure is converted by the catalogue, or the rule is not used.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from central.rules.body import Body, Offer
from central.rules.library import NamedLevel
from protocols.alarms.attachment import Target
from protocols.alarms.condition import DAY, SITE_OFFSET, day_text
from protocols.alarms.definition import UNWATCHED, Watch
from protocols.alarms.kinds.health import Bad, Frozen, Stale
from protocols.alarms.kinds.kind import Kind
from protocols.alarms.kinds.limit import Limit
from protocols.alarms.kinds.rate import Rate
from protocols.alarms.kinds.schedule import Schedule
from protocols.alarms.kinds.several import Deviation, Levels
from protocols.alarms.kinds.window import Aggregate, Window
from protocols.alarms.rule import Colour, Level
from protocols.units import SAME, Conversion, conversion
from protocols.words import Label

SPANS = (Aggregate.SUM, Aggregate.CHANGE)
"""What these make of readings is a difference, not a value."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What of a rule is used at a place, in the unit there."""

    levels: tuple[Level, ...]
    kind: Kind
    watch: Watch = UNWATCHED
    requests: tuple[tuple[str, Label], ...] = ()
    """What people are asked to do, by the names of levels."""

    @property
    def watched(self) -> bool:
        """Whether it watches the input itself."""
        return self.watch != UNWATCHED


def fitted(body: Body, named: Iterable[NamedLevel], target: Target, unit: str) -> Figures | None:
    """Return a rule's figures for a point measured in `unit`; None: the units do not go together.

    Of a named level the nearest figures count, each with its season.
    """
    change = conversion(body.unit, unit)
    if change is None:
        if _measured(body.kind) or body.watch.low is not None or body.watch.high is not None:
            return None
        change = SAME
    found = [
        (converted(level, body.kind, change), offer)
        for offer in body.levels
        for level in _figured(offer, named, target, body.unit)
    ]
    found.sort(key=lambda each: each[0].colour)
    kind = _counting(_kind(body.kind, change), [offer.counts for _, offer in found])
    requests = tuple(
        (level.name, request)
        for level, offer in found
        if (request := offer.request if offer.request.zh else body.request).zh
    )
    levels = tuple(level for level, _ in found)
    return Figures(levels, kind, _watch(body.watch, change), requests)


def converted(level: Level, kind: Kind, change: Conversion) -> Level:
    """Return a level in another unit."""
    if change == SAME or not _measured(kind):
        return level
    of = change.span if _difference(kind) else change.value
    return replace(level, limit=of(level.limit), deadband=abs(change.span(level.deadband)))


def day_of(time: int) -> str:
    """Return the site's day of a moment (µs UTC)."""
    return day_text((time + SITE_OFFSET) // DAY)


def figure_unit(kind: Kind, unit: str) -> str:
    """Return the unit of a rule's figures where the point's is `unit`: of counts there is none."""
    if isinstance(kind, Stale | Bad | Frozen):
        return "s"
    return unit if _measured(kind) or isinstance(kind, Deviation) else ""


def _measured(kind: Kind) -> bool:
    """Whether its limits are figures of the quantity, not counts, seconds or votes."""
    if isinstance(kind, Window):
        return kind.aggregate is not Aggregate.COUNT
    return isinstance(kind, Limit | Rate | Schedule)


def _difference(kind: Kind) -> bool:
    return isinstance(kind, Rate) or (isinstance(kind, Window) and kind.aggregate in SPANS)


def _kind(kind: Kind, change: Conversion) -> Kind:
    if change != SAME and isinstance(kind, Window) and kind.counted is not None:
        limit = change.value(kind.counted.limit)
        return replace(kind, counted=kind.counted._replace(limit=limit))
    if isinstance(kind, Frozen):
        return replace(kind, tolerance=abs(change.span(kind.tolerance)))
    return kind


def _counting(kind: Kind, counts: Sequence[str | None]) -> Kind:
    """Return a roll-up that knows what each level counts, by its place."""
    if not isinstance(kind, Levels) or not any(counts):
        return kind
    colours = tuple(None if each is None else Colour[each.upper()] for each in counts)
    return replace(kind, counts=colours)


def _watch(watch: Watch, change: Conversion) -> Watch:
    if change == SAME or watch == UNWATCHED:
        return watch
    low, high = (None if end is None else change.value(end) for end in (watch.low, watch.high))
    return replace(watch, low=low, high=high)


def _figured(offer: Offer, named: Iterable[NamedLevel], target: Target, unit: str) -> list[Level]:
    """Return a level as it may raise: as it is, or once for each figure the place gives it."""
    if offer.active:
        return [offer.level]
    if offer.known or offer.named is None:
        return []
    given = nearest([each for each in named if each.name == offer.named], target)
    found = [level for each in given if (level := _given(offer.level, each, unit)) is not None]
    if len({level.name for level in found}) < len(found):
        found = [
            replace(level, name=f"{level.name}（{level.valid_from or ''}～{level.valid_to or ''}）")
            for level in found
        ]
    return found


def nearest(named: Sequence[NamedLevel], target: Target) -> list[NamedLevel]:
    """Return the figures of one name that hold at a point: the nearest, in each its season."""
    here = [each for each in named if target.at(each.scope) == each.at]
    scope = max((each.scope for each in here), default=None)
    kept: dict[tuple[str | None, str | None], NamedLevel] = {}
    for each in sorted(here, key=lambda each: (each.since, each.id)):
        if each.scope == scope:
            kept[each.valid_from, each.valid_to] = each
    return list(kept.values())


def _given(level: Level, figure: NamedLevel, unit: str) -> Level | None:
    change = conversion(figure.unit, unit)
    if change is None:
        return None
    return replace(
        level,
        name=figure.label.zh or level.name,
        name_en=figure.label.en or level.name_en,
        limit=change.value(figure.value),
        valid_from=figure.valid_from,
        valid_to=figure.valid_to,
        source=figure.source or level.source,
        clause=figure.clause or level.clause,
        confirmed_by=figure.by,
        confirmed_on=day_of(figure.since),
    )
