"""The collector's structs as the API's models: names and nothing else change here."""

from functools import lru_cache
from typing import Final, Literal, cast

from central.api import models
from central.api.times import shown
from central.effects import CollectorEvent
from central.identity import audit, tokens
from central.identity.principal import Principal
from central.registry_records import PointRecord
from central.store.interface import FLAG_ESTIMATED, FLAG_LATE, Latest
from protocols.alarms import rule
from protocols.clock import Clock, StoryClock
from protocols.quality import Quality, quality_class
from protocols.words import Label, Purpose

_REASONS: Final[dict[int, str]] = {quality.value: quality.name for quality in Quality}


def label(source: Label) -> models.Label:
    """Return a label."""
    return models.Label(zh=source.zh, en=source.en)


def maybe(source: Label | None) -> models.Label | None:
    """Return a label, if there is one."""
    return None if source is None else label(source)


def clock(source: Clock) -> models.ClockNow:
    """Return what the page needs to follow the collector's clock."""
    story = isinstance(source, StoryClock)
    factor = source.factor if isinstance(source, StoryClock) else 1.0
    return models.ClockNow(now=source.now(), factor=factor, story=story)


def scope(sites: frozenset[str] | None) -> models.Scope | None:
    """Return a scope; None is every site."""
    return None if sites is None else models.Scope(sites=sorted(sites))


def person(who: Principal) -> models.Person:
    """Return who is logged in."""
    return models.Person(name=who.name, roles=sorted(who.roles), scope=scope(who.scope))


def token(source: tokens.Token) -> models.Token:
    """Return a token without its secret."""
    return models.Token(
        id=source.id,
        name=source.name,
        kind=cast(Literal["person", "system", "gateway", "readings"], source.kind.value),
        roles=sorted(source.roles),
        scope=scope(source.scope),
        gateway=source.gateway,
        person=source.person,
        created=source.created,
        created_by=source.created_by,
        revoked=source.revoked,
    )


def audit_line(source: audit.Line) -> models.AuditLine:
    """Return a line of the audit."""
    return models.AuditLine(
        id=source.id,
        time=source.time,
        actor=source.actor,
        action=source.action,
        subject=source.subject,
        detail=source.detail_params(),
        prev=source.prev,
        hash=source.hash,
    )


@lru_cache(maxsize=1024)
def quality(code: int) -> models.Quality:
    """Return a StatusCode with its class and the name of its reason; good has none."""
    reason = None if code == Quality.GOOD else _REASONS.get(code, f"0x{code:08X}")
    kind = cast(Literal["good", "uncertain", "bad"], quality_class(code))
    return models.Quality(code=code, class_=kind, reason=reason)


def level(source: rule.Level) -> models.Level:
    """Return one step of a ladder."""
    return models.Level(
        name=source.name,
        name_en=source.name_en,
        colour=colour(source.colour),
        op=source.op,
        limit=source.limit,
        deadband=source.deadband,
        on_delay=source.on_delay,
        off_delay=source.off_delay,
        source=source.source,
        clause=source.clause,
        status=source.status,
        confirmed_by=source.confirmed_by,
        confirmed_on=source.confirmed_on,
        valid_from=source.valid_from,
        valid_to=source.valid_to,
        active=source.active,
    )


def colour(source: rule.Colour) -> models.ColourName:
    """Return a colour's name."""
    return cast(models.ColourName, source.name.lower())


def purpose(source: Purpose) -> models.PurposeName:
    """Return a purpose's name."""
    return cast(models.PurposeName, source.name.lower())


def point(source: PointRecord) -> models.Point:
    """Return a point."""
    return models.Point(
        id=source.id,
        site=source.site,
        gateway=source.gateway,
        device=source.device,
        label=label(source.label),
        device_label=label(source.device_label),
        object=source.object,
        object_label=maybe(source.object_label),
        quantity=source.quantity,
        unit=source.unit,
        low=source.low,
        high=source.high,
        type=source.type,
        decimals=source.decimals,
        stale=source.stale,
        enumeration=[models.Choice(value=v, label=label(text)) for v, text in source.enumeration],
        limits=[level(step) for step in source.limits],
    )


def mark(code: int, flags: int) -> models.Mark:
    """Return what is said of a reading beside its value."""
    late, estimated = bool(flags & FLAG_LATE), bool(flags & FLAG_ESTIMATED)
    return models.Mark(quality=quality(code), late=late, estimated=estimated)


def latest(source: Latest) -> models.Latest:
    """Return a newest reading."""
    return models.Latest(
        point=source.point,
        value=source.value,
        quality=quality(source.quality),
        source_time=source.source_time,
        received_time=source.received_time,
        late=source.late,
        estimated=source.estimated,
    )


def happening(source: CollectorEvent) -> models.Happening:
    """Return a fault, a loss, something put aside or a matter of security."""
    return models.Happening(
        id=str(source.id),
        time=source.time,
        kind=cast(models.HappeningKind, source.kind),
        code=source.code,
        subject=source.subject,
        params=shown(source.params),
    )
