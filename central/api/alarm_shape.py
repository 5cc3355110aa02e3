"""Alarms as the API's models: names and nothing else change here."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Final, Literal, cast

from central.alarms.acts.asked import Answer
from central.alarms.acts.overlays import Laid, Layer
from central.alarms.acts.shelving import ShelfRequest
from central.alarms.journal.episode import (
    Comment,
    Episode,
    EpisodeDetail,
    FaultShown,
    Standing,
    Verification,
)
from central.api import crowd_shape, models, shapes
from central.api.models import alarm_acts as acts
from central.api.models import alarms as told
from central.api.models.words import OverlayName, VerificationName
from central.api.rooms import Rooms
from central.registry_records import PointRecord
from protocols.alarms.condition import DAY, SITE_OFFSET
from protocols.alarms.wording import Told, tell

Scope = frozenset[str] | None
"""Sites somebody may see; None: all."""
PORTION: Final = 16
"""Alarms of a list between two turns of the loop: some milliseconds."""
SENTENCES: Final = 4_096
"""Alarms whose sentences are remembered, some megabytes: who looks at a list has it made anew each
few seconds, and what an alarm says changes only with the alarm, or with the day."""


async def episodes(sources: Sequence[Episode], scope: Scope, now: int) -> list[models.Episode]:
    """Return alarms of a list; while a long one is made, what happens now is not held up."""
    made: list[models.Episode] = []
    for at in range(0, len(sources), PORTION):
        made += [episode(each, scope, now) for each in sources[at : at + PORTION]]
        await asyncio.sleep(0)
    return made


def episode(source: Episode, scope: Scope, now: int | None = None) -> models.Episode:
    """Return an alarm for who sees the sites of `scope`.

    `now` says whether the times of its message need their day.
    """
    silent = None if source.fault is None else source.fault.within(scope)
    return models.Episode(
        id=source.id,
        rule=source.rule,
        point=source.point,
        site=source.site,
        site_label=shapes.label(source.site_label),
        region=source.region,
        object=source.object,
        object_label=shapes.maybe(source.object_label),
        device=source.device,
        device_label=shapes.label(source.device_label),
        label=shapes.label(source.label),
        quantity=source.quantity,
        unit=source.unit,
        decimals=source.decimals,
        level=shapes.level(source.level),
        state=cast(models.EpisodeState, source.state),
        raised=source.raised,
        returned=source.returned,
        closed=source.closed,
        acknowledged=_acknowledged(source),
        value=source.value,
        value_time=source.value_time,
        value_quality=_quality(source.value_quality),
        value_at_raise=source.value_at_raise,
        occurrence=source.occurrence,
        late=source.late,
        purpose=shapes.purpose(source.purpose),
        time_to_next=_time_to_next(source),
        origin=cast(Literal["centre", "gateway"], source.origin),
        confirmation=cast(Literal["", "awaited", "confirmed", "unconfirmed"], source.confirmation),
        message=_message(source, silent, now),
        overlays=[layer(each) for each in source.overlays],
        verification=None if source.verification is None else verification(source.verification),
        comments=source.comments,
        chattering=source.chattering,
        first_up=crowd_shape.first_up(source),
        unknown_since=source.unknown_since,
        fault=crowd_shape.fault(silent),
    )


def _quality(code: int | None) -> models.Quality | None:
    return None if code is None else shapes.quality(code)


def _message(source: Episode, silent: FaultShown | None, now: int | None) -> models.Label | None:
    if source.told is None:
        return None
    at = source.told.time if now is None else now
    if silent is not None:
        return crowd_shape.message(source, silent, at)
    return _sentences(source.told, isinstance(source.told.value, bool), (at + SITE_OFFSET) // DAY)


@lru_cache(maxsize=SENTENCES)
def _sentences(told: Told, _: bool, day: int) -> models.Label:  # noqa: FBT001  # of the key
    """Return what is told on a day of the site's calendar; whether it is a state: True equals 1."""
    at = day * DAY - SITE_OFFSET
    return models.Label(zh=tell(told, at), en=tell(told, at, "en"))


def _acknowledged(source: Episode) -> models.Acknowledged | None:
    seen = source.acknowledged
    return (
        None if seen is None else models.Acknowledged(by=seen.by, at=seen.at, comment=seen.comment)
    )


def _time_to_next(source: Episode) -> models.TimeToNext | None:
    ahead = source.time_to_next
    if ahead is None:
        return None
    return models.TimeToNext(level=ahead.level, limit=ahead.limit, seconds=ahead.seconds)


def episode_detail(source: EpisodeDetail, scope: Scope, now: int) -> models.EpisodeDetail:
    """Return an alarm with its history and ladder."""
    journal = [
        models.JournalLine(
            time=line.time,
            recorded=line.recorded,
            event=line.event,
            level=line.level,
            value=line.value,
            actor=line.actor,
            comment=line.comment or None,
            nth=line.nth,
            before=_standing(line.before),
            after=_standing(line.after),
        )
        for line in source.journal
    ]
    levels = [shapes.level(step) for step in source.levels]
    shown = episode(source.episode, scope, now)
    return models.EpisodeDetail(
        **{name: getattr(shown, name) for name in models.Episode.model_fields},
        journal=journal,
        levels=levels,
        verifications=[verification(each) for each in source.verifications],
        said=[comment(each) for each in source.comments],
        peak=_peak(source),
    )


def _peak(source: EpisodeDetail) -> told.Peak | None:
    peak = source.peak
    if peak is None:
        return None
    quality = shapes.quality(peak.quality)
    return told.Peak(value=peak.value, unit=source.episode.unit, time=peak.time, quality=quality)


def layer(source: Layer) -> told.Layer:
    """Return what lies over a rule."""
    return told.Layer(
        name=cast(OverlayName, source.name),
        since=source.since,
        until=source.until,
        one_shot=source.one_shot,
        by=source.by,
        reason=source.reason,
    )


def verification(source: Verification) -> told.Verification:
    """Return what an alarm turned out to be."""
    result = cast(VerificationName, source.result)
    return told.Verification(result=result, by=source.by, at=source.at, note=source.note)


def comment(source: Comment) -> told.Comment:
    """Return what somebody said."""
    return told.Comment(by=source.by, at=source.at, text=source.text)


def _standing(source: Standing | None) -> told.AlarmStanding | None:
    if source is None:
        return None
    return told.AlarmStanding(state=cast(models.EpisodeState, source.state), level=source.level)


def overlaid(source: Laid, point: PointRecord | None) -> acts.RuleOverlay:
    """Return what lies over a rule, shown at a point."""
    return acts.RuleOverlay(
        rule=source.rule,
        point=None if point is None else point.id,
        site=source.site,
        layers=[layer(each) for each in source.layers],
    )


def overlay_done(source: Answer, house: Rooms, scope: Scope) -> acts.OverlayDone:
    """Return what came of an act on an overlay."""
    if source.laid is None:
        raise AssertionError("an act on an overlay has one")
    point = house.collector.registry.by_number(source.laid.point)
    return acts.OverlayDone(
        overlay=overlaid(source.laid, point),
        alarm=None if source.episode is None else episode(source.episode, scope),
        request=source.request,
    )


def shelf_request(source: ShelfRequest) -> acts.ShelfRequest:
    """Return a shelf that needs a second person."""
    decision = cast(Literal["confirmed", "refused", "lapsed"] | None, source.decision)
    return acts.ShelfRequest(**asdict(source) | {"decision": decision})
