"""The gateway's alarms for a person at the site: what stands, the journal, each with its sentence.

Sentences are those of the collector (`protocols.alarms.wording`), with what the rule asks people to
do, else the site's own request; what the collector's have no word for, and lines whose time or rule
is not known, have their own.
"""

from typing import Any, Final

from edge.alarms.journal import line_of
from edge.alarms.rules import LocalRule
from edge.alarms.standing import Kept, Times
from edge.alarms.state_file import Line
from edge.alarms.stepping import Happened
from protocols.alarms.condition import DAY, SITE_OFFSET, day_text
from protocols.alarms.measured import measured
from protocols.alarms.overlay import name as overlay_name
from protocols.alarms.rule import Level
from protocols.alarms.spoken import name
from protocols.alarms.word import Word
from protocols.alarms.wording import Told, tell
from protocols.clock import SECOND
from protocols.texts import LANGUAGES, text
from protocols.wire.alarm_events import Said
from protocols.words import Label, Value

TOLD: Final = {
    Said.RAISE: Word.RAISE,
    Said.LEVEL: Word.LEVEL,
    Said.RTN: Word.RTN,
    Said.STANDS: Word.RAISE,
}


def picture(line: Line, rule: LocalRule | None) -> dict[str, Any]:
    """Return a line for the gateway's own page, with its sentence in each language."""
    level = _level(rule, line.body["level"])
    return {
        "n": line.n,
        "time": line.time if line.times.dated else None,
        "rule": line.rule,
        "told": line.told,
        **line.body,
        "text": sentences(line, rule, level),
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
        "kind": rule.definition.rule.kind,
        "point": None if rule.point is None else str(rule.point),
        "label": {"zh": rule.label.zh, "en": rule.label.en},
        "level": standing.level,
        "colour": None if level is None else level.colour.name.lower(),
        "limit": None if level is None else level.limit,
        "value": standing.value,
        "unit": measured(rule.definition.kind, rule.unit, rule.decimals).unit,
        "since": began if known.dated else None,
        "acknowledged": standing.acknowledged or None,
        "overlay": overlay_name(kept.machine.overlay) or None,
        "text": sentences(line, rule, level),
    }


def sentences(line: Line, rule: LocalRule | None, level: Level | None) -> dict[str, str]:
    """Return the sentence of a line by language."""
    word = str(line.body["word"])
    if rule is None or level is None or word not in TOLD or not line.times.dated:
        return {language: _plain(word, line, rule, level, language) for language in LANGUAGES}
    made = _told(TOLD[Said(word)], line, rule, level)
    found = {language: tell(made, line.time, language) for language in LANGUAGES}
    if word == Said.STANDS:
        return {
            language: text("GATEWAY_ALARM_STILL", {"told": told}, language)
            for language, told in found.items()
        }
    return found


def _told(word: Word, line: Line, rule: LocalRule, level: Level) -> Told:
    measure = measured(rule.definition.kind, rule.unit, rule.decimals)
    value: Value = line.body["value"]
    if rule.switch and rule.plain and value is not None:
        value = bool(value)
    age = line.body["age"]
    return Told(
        word=word,
        time=line.time,
        place=_place(rule),
        point=rule.label if rule.point is not None else Label(""),
        value="" if measure.silent else value,
        unit=measure.unit,
        level=level,
        decimals=measure.decimals,
        since=None if age is None else line.time - int(age),
        seen=True,
        fact=measure.fact,
        count=measure.count,
        advice=rule.definition.request_of(level.name) or _general(),
    )


def _general() -> Label:
    return Label(*(text("GATEWAY_ALARM_ADVICE", {}, each) for each in ("zh", "en")))


def _plain(
    word: str, line: Line, rule: LocalRule | None, level: Level | None, language: str
) -> str:
    unit = "" if rule is None else measured(rule.definition.kind, rule.unit, None).unit
    known = None if rule is None else _place(rule)
    label = "" if rule is None or rule.point is None else _label(rule.label, language)
    place = line.rule if known is None else f"{_label(known, language)} {label}".strip()
    params = {
        "time": site_time(line.time) if line.times.dated else "?",
        "place": place,
        "level": str(line.body["level"]) if level is None else name(level, language),
        "value": _figure(line.body["value"]),
        "limit": _figure(None if level is None else level.limit),
        "unit": unit,
        "by": line.body["by"] or "?",
        "reason": line.body.get("reason") or "—",
    }
    return text(f"GATEWAY_ALARM_{word}", params, language)


def _level(rule: LocalRule | None, level: str) -> Level | None:
    levels = () if rule is None else rule.definition.rule.levels
    return next((each for each in levels if each.name == level), None)


def _place(rule: LocalRule) -> Label:
    point = rule.point
    return Label(rule.subject if point is None else f"{point.site}/{point.device}")


def _label(label: Label, language: str) -> str:
    return label.zh if language == "zh" else label.en or label.zh


def _figure(value: float | None) -> str:
    return "?" if value is None else f"{value:g}"


def site_time(time: int) -> str:
    """Return a moment (µs UTC) as a person at the site reads it."""
    day, rest = divmod(time + SITE_OFFSET, DAY)
    seconds = rest // SECOND
    return f"{day_text(day)} {seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
