"""Lines of the gateway's journal: as they are kept, told to the collector, and read by a person."""

from collections.abc import Mapping
from typing import Any, Final

from edge.alarms.evaluator import Happened
from edge.alarms.rules import LocalRule
from edge.alarms.standing import Kept, Times, between
from edge.alarms.state_file import Line
from protocols.alarms.condition import DAY, SITE_OFFSET, day_text
from protocols.alarms.rule import Level
from protocols.clock import SECOND
from protocols.texts import LANGUAGES, text
from protocols.wire.alarm_events import GatewayAlarm, Said

WORDS: Final = {word: f"GATEWAY_ALARM_{word.value}" for word in Said}


def line_of(n: int, happened: Happened, times: Times) -> Line:
    """Return a line of what happened."""
    standing = happened.standing
    age = None if standing.began is None else max(0, happened.time - standing.began)
    body = {
        "word": happened.word.value,
        "standing": standing.key,
        "level": standing.level,
        "value": standing.value,
        "age": age,
        "scan": happened.rule.scan,
        "by": happened.by,
    }
    return Line(n, times, happened.time, happened.rule.id, body)


def said_of(line: Line, now: Times, mono: int) -> GatewayAlarm:
    """Return what to tell of a line; `mono` is now. Raises ValueError, KeyError, TypeError: nobody
    of ours wrote it.

    Where nobody can tell when it was, it is told under the time of now.
    """
    subject, _, side = line.rule.rpartition(":")
    site, _, device, point = subject.split("/")
    body, by = line.body, between(line.times, now)
    age = body["age"]
    return GatewayAlarm(
        word=Said(body["word"]),
        point=(site, device, point),
        side=side,
        standing=body["standing"],
        level=body["level"],
        value=body["value"],
        time=mono if by is None else min(mono, line.time + by - now.offset),
        age=None if by is None or age is None else int(age),
        scan=float(body["scan"]),
        by=body["by"],
    )


def picture(line: Line, rule: LocalRule | None) -> dict[str, Any]:
    """Return a line for the gateway's own page, with its sentence in each language."""
    level = _level(rule, line.body["level"])
    return {
        "n": line.n,
        "time": line.time if line.times.dated else None,
        "rule": line.rule,
        "told": line.told,
        **line.body,
        "text": sentences(Said(line.body["word"]), line, rule, level),
    }


def standing_picture(kept: Kept, times: Times) -> dict[str, Any]:
    """Return what stands of a rule for the gateway's own page, under the time it began."""
    rule, standing = kept.rule, kept.standing
    assert standing is not None  # noqa: S101  # only what stands is shown
    level = _level(rule, standing.level)
    began = standing.began
    known = times._replace(dated=times.dated and began is not None)
    line = line_of(0, Happened(rule, Said.STANDS, standing, began or 0), known)
    return {
        "rule": rule.id,
        "point": str(rule.point),
        "label": {"zh": rule.label.zh, "en": rule.label.en},
        "level": standing.level,
        "colour": None if level is None else level.colour.name.lower(),
        "limit": None if level is None else level.limit,
        "value": standing.value,
        "unit": rule.unit,
        "since": began if known.dated else None,
        "acknowledged": standing.acknowledged or None,
        "text": sentences(Said.STANDS, line, rule, level),
    }


def sentences(
    word: Said, line: Line, rule: LocalRule | None, level: Level | None
) -> dict[str, str]:
    """Return the sentence of a line by language."""
    found = {}
    for language in LANGUAGES:
        params = {
            "time": site_time(line.time) if line.times.dated else "?",
            "place": _place(line, rule, language),
            "level": _level_name(line.body, level, language),
            "value": _figure(line.body["value"]),
            "limit": _figure(None if level is None else level.limit),
            "unit": "" if rule is None else rule.unit,
            "by": line.body["by"],
        }
        found[language] = text(WORDS[word], params, language)
    return found


def _level(rule: LocalRule | None, name: str) -> Level | None:
    levels = () if rule is None else rule.definition.rule.levels
    return next((level for level in levels if level.name == name), None)


def _level_name(body: Mapping[str, Any], level: Level | None, language: str) -> str:
    own = level.name_en if level is not None and language == "en" else ""
    return own or str(body["level"])


def _place(line: Line, rule: LocalRule | None, language: str) -> str:
    if rule is None:
        return line.rule
    label = rule.label.zh if language == "zh" else rule.label.en or rule.label.zh
    return f"{rule.point.site}/{rule.point.device} {label}"


def _figure(value: float | None) -> str:
    return "?" if value is None else f"{value:g}"


def site_time(time: int) -> str:
    """Return a moment (µs UTC) as a person at the site reads it."""
    day, rest = divmod(time + SITE_OFFSET, DAY)
    seconds = rest // SECOND
    return f"{day_text(day)} {seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
