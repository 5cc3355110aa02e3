"""What people are told of an alarm, in one sentence: level, time, place, fact, trend, request.

Pure. The sentences stand in the catalogue (`protocols/texts/*/alarms.json`). The first 35
characters (in English 70) carry level, place and value, the whole fits two text messages. Test and
drill say so before anything else. What has no place, no unit or no next step is no message: the
tests refuse such a sentence.
"""

from dataclasses import dataclass
from typing import Final

from protocols.alarms.condition import DAY
from protocols.alarms.requests import asked, overdue
from protocols.alarms.rule import Level
from protocols.alarms.spoken import (
    SHORTEST,
    ahead_of,
    cut,
    duration,
    moment,
    name,
    shown,
    span_of,
    tidy,
)
from protocols.alarms.word import Word
from protocols.texts import text
from protocols.words import Label, Purpose, Value

TOLD: Final = frozenset(
    {
        *(Word.RAISE, Word.RERAISE, Word.LEVEL, Word.REALARM, Word.RTN, Word.ESCALATE),
        *(Word.STALE, Word.BAD, Word.FROZEN, Word.CHATTER),
    }
)
"""Words somebody is told; the others are the journal's alone."""
LONGEST: Final = {"zh": 140, "en": 300}
"""Characters of a message: two text messages."""
HEAD: Final = {"zh": 35, "en": 70}
"""Characters that carry level, place and value."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """At the present rate `level`, at `limit`, is reached in `seconds`."""

    level: Label
    limit: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Peak:
    """The worst value of an episode, and when (µs UTC)."""

    value: float
    time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is told: `word` at `time` (µs UTC) of the alarm at `point` in `place`.

    `fact`: the level's name says what is wrong, and its limit nothing: a state, a vote, a count.
    `shelf`: it was raised because a shelf ended.
    `level` is the one it stands at, or stood at until it returned; `before` the one before that.
    `since` is when it was raised, `called` when somebody was last called for it, `until` when a
    late one was over, `nth` the occurrence, the escalation or the count of a chatter; `advice` what
    the rule asks people to do at that level while it calls, instead of the general request.
    """

    word: Word
    time: int
    place: Label
    point: Label
    value: Value
    unit: str
    level: Level
    decimals: int | None = None
    domain: str = ""
    """That of the site: who is called there."""
    purpose: Purpose = Purpose.PRODUCTION
    before: Level | None = None
    since: int | None = None
    called: int | None = None
    until: int | None = None
    nth: int = 1
    seen: bool = False
    """Whether somebody acknowledged it."""
    latched: bool = False
    late: bool = False
    fact: bool = False
    count: str = ""
    """PLACES or TIMES where the value counts these; it has no other unit."""
    measure: str = ""
    """What is made of the point's values over `span` seconds: CHANGE, SUM, MEAN, MIN, MAX, COUNT of
    a window, RATE. Empty: the value is the point's own."""
    span: float = 0.0
    shelf: bool = False
    ahead: Ahead | None = None
    peak: Peak | None = None
    advice: Label | None = None


def tell(told: Told, now: int, language: str = "zh") -> str:
    """Return the sentence in `language`; `now` says whether a time needs its day.

    ValueError: nobody is told that word.
    """
    if told.word not in TOLD:
        raise ValueError(
            f"{told.word.value} is told to nobody; these are: {', '.join(sorted(TOLD))}"
        )
    whole = _filled(told, now, language, trend=True)
    if len(whole) <= LONGEST[language]:
        return whole
    return _filled(told, now, language, trend=False)


def code(told: Told) -> str:
    """Return which sentence of the catalogue it is."""
    match told.word:
        case Word.RAISE if told.late and told.until is not None:
            return "ALARM_PAST"
        case Word.LEVEL:
            risen = told.before is None or told.level.colour >= told.before.colour
            return "ALARM_RISE" if risen else "ALARM_FALL"
        case Word.RTN if told.latched:
            return "ALARM_LATCHED"
        case Word.RAISE if told.shelf:
            return "ALARM_UNSHELVE_AUTO"
        case _:
            return f"ALARM_{told.word.value}"


def _filled(told: Told, now: int, language: str, *, trend: bool) -> str:
    params = _params(told, now, language, trend=trend)
    params["mark"] = "" if told.purpose is Purpose.PRODUCTION else _mark(told.purpose, language)
    place = str(params["place"])
    head = tidy(text("ALARM_HEAD", params, language))
    over = len(head) - HEAD[language]
    if over > 0 and len(place) > SHORTEST:
        params["place"] = cut(place, max(SHORTEST, len(place) - over))
    return tidy(text(code(told), params, language))


def _params(told: Told, now: int, language: str, *, trend: bool) -> dict[str, Value]:
    level = told.level
    since = told.since if told.since is not None else told.time
    until = told.until if told.until is not None else told.time
    called = told.called if told.called is not None else since
    place, point = _label(told.place, language), _label(told.point, language)
    if told.measure:
        span = {"span": span_of(told.span, language)}
        point = f"{point} {text(f'MEASURE_{told.measure}', span, language)}"
    return {
        "colour": text(f"COLOUR_{level.colour.name}", {}, language),
        "time": moment(told.time, now),
        "since": moment(since, now),
        "until": moment(until, until if until - since < DAY else now),
        "place": place,
        "point": "" if point == place else point,
        "value": _value(told, language),
        "unit": _unit(told, language),
        "level": name(level, language),
        **_crossing(told, language),
        "before": "" if told.before is None else name(told.before, language),
        "nth": told.nth,
        "duration": duration(told.time - since),
        "peak": _peak(told, now, language),
        "trend": _trend(told, language) if trend else "",
        "request": _request(told, language),
        **(_overdue(told, called, now, language) if told.word is Word.ESCALATE else {}),
    }


def _overdue(told: Told, called: int, now: int, language: str) -> dict[str, Value]:
    return overdue(told.level.colour, told.time, called, told.nth, now=now, language=language)


def _crossing(told: Told, language: str) -> dict[str, Value]:
    """Return how the value meets the limit, as far as that says something."""
    level = told.level
    if told.fact or level.op in ("=", "!="):
        return {"crossing": "", "at": "", "left": text("LEFT_FACT", {}, language)}
    limit: dict[str, Value] = {"limit": shown(level.limit, told.decimals)}
    limit["unit"] = _unit(told, language)
    limit["season"] = _season(level, language)
    return {
        "crossing": text(f"CROSSING_{_CROSSING[level.op]}", {}, language),
        "at": tidy(text("ALARM_AT", limit, language)),
        "left": text(_left(told), {}, language),
    }


def _season(level: Level, language: str) -> str:
    """Return when a limit holds, and its clause, of one that does not always hold."""
    if level.valid_from is None or level.valid_to is None:
        return ""
    params: dict[str, Value] = {"from": level.valid_from, "to": level.valid_to}
    params["clause"] = level.clause or "" if language == "zh" else ""  # of a Chinese text
    return text("ALARM_SEASON", params, language).replace("， ", "，")


def _left(told: Told) -> str:
    """Return how the value lies now, where that can be said."""
    value, level = told.value, told.level
    if told.word is Word.RTN and isinstance(value, int | float):
        if level.op in (">", ">=") and value < level.limit:
            return "LEFT_BELOW"
        if level.op in ("<", "<=") and value > level.limit:
            return "LEFT_ABOVE"
    return "LEFT"


_CALLS: Final = (Word.RAISE, Word.RERAISE, Word.LEVEL, Word.REALARM)
_CROSSING: Final = {
    ">": "OVER",
    ">=": "REACHED",
    "<": "UNDER",
    "<=": "DOWN_TO",
}


def _request(told: Told, language: str) -> str:
    which = told.level.colour.name if told.word in _CALLS else told.word.value
    if told.word is Word.RTN:
        which = "RESET" if told.latched else "CLOSE" if told.seen else "SEE"
    elif told.word is Word.RAISE and told.until is not None:
        which = "CLOSE"
    elif code(told) == "ALARM_FALL":
        which = "FALL"
    elif told.advice is not None and told.word in _CALLS:
        return _ended(_label(told.advice, language), language)
    return asked(which, told.level.colour, told.domain, language)


def _ended(sentence: str, language: str) -> str:
    return (
        sentence if sentence[-1:] in "。.？?" else f"{sentence}{'。' if language == 'zh' else '.'}"
    )


def _trend(told: Told, language: str) -> str:
    ahead = told.ahead
    if ahead is None:
        return ""
    params: dict[str, Value] = {
        "span": ahead_of(ahead.seconds, language),
        "level": _label(ahead.level, language),
        "limit": shown(ahead.limit, told.decimals),
        "unit": told.unit,
    }
    return text("ALARM_AHEAD", params, language)


def _silent(told: Told) -> bool:
    """Whether one place is what the level's name says already."""
    return told.fact and told.count == "PLACES" and told.level.limit <= 1


def _unit(told: Told, language: str) -> str:
    if _silent(told):
        return ""
    return text(f"COUNT_{told.count}", {}, language) if told.count else told.unit


def _value(told: Told, language: str) -> str:
    if _silent(told):
        return ""
    if isinstance(told.value, bool):
        words = ("STATE_OFF", "STATE_ON") if told.level.limit else ("STATE_NO", "STATE_YES")
        return text(words[told.value], {}, language)
    return shown(told.value, told.decimals)


def _peak(told: Told, now: int, language: str) -> str:
    if told.peak is None:
        return ""
    low = told.level.op in ("<", "<=")
    params: dict[str, Value] = {
        "value": shown(told.peak.value, told.decimals),
        "unit": told.unit,
        "time": moment(told.peak.time, now),
    }
    return text("ALARM_LOWEST" if low else "ALARM_HIGHEST", params, language)


def _mark(purpose: Purpose, language: str) -> str:
    return text(f"MARK_{purpose.name}", {}, language)


def _label(label: Label, language: str) -> str:
    return label.zh if language == "zh" or not label.en else label.en
