"""The sentence people are told of an episode: what was last told of it, with what is known now.

The last word of its journal that anybody is told says which sentence; times, values and levels are
those of that line. A fault of the input that is over is not told any more.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from central.alarms.journal import peaks
from central.alarms.journal.episode import Episode
from central.alarms.shown.naming import of_object
from central.store.queries.extreme import Extreme
from protocols.alarms.ladder import subject_of
from protocols.alarms.measured import counts
from protocols.alarms.rule import Level
from protocols.alarms.word import Word
from protocols.alarms.wording import TOLD, Ahead, Peak, Told
from protocols.words import Label, Value

_OVER: Final = {
    Word.STALE_CLEAR: Word.STALE,
    Word.BAD_CLEAR: Word.BAD,
    Word.FROZEN_CLEAR: Word.FROZEN,
}
_SHELF: Final = Word.UNSHELVE_AUTO
_WORDS: Final = (*sorted(TOLD), *_OVER, _SHELF)
_RECENT: Final = 8
_LINES: Final = (
    "SELECT j.episode, j.event, j.time, j.value, j.level, j.nth "  # noqa: S608
    "FROM json_each(?) asked CROSS JOIN alarm_journal j WHERE j.id IN ("
    "SELECT newest.id FROM alarm_journal newest WHERE newest.episode = asked.value "
    f"AND newest.event IN ({', '.join(repr(word.value) for word in _WORDS)}) "
    "ORDER BY newest.id DESC LIMIT ?) ORDER BY j.id"
)
_KINDS: Final = (
    "SELECT e.number, json_extract(r.definition, '$.kind.kind'), json_extract(r.definition, "
    "'$.kind.aggregate'), coalesce(json_extract(r.definition, '$.kind.seconds'), "
    "json_extract(r.definition, '$.kind.per')), json_extract(r.definition, '$.requests'), "
    "iif(json_extract(r.definition, '$.kind.by_point'), NULL, "
    "json_extract(r.definition, '$.kind.weights')) "
    "FROM json_each(?) asked "
    "CROSS JOIN episode e ON e.number = asked.value CROSS JOIN rule r ON r.id = e.rule "
    "WHERE r.definition IS NOT NULL"
)
_FACTS: Final = ("interlock", "vote", "levels", "schedule")
"""Kinds whose level's name says what is wrong."""
_CALLS: Final = (Word.RAISE, Word.RERAISE, Word.REALARM)
_SPANS: Final = {"window": 3600.0, "rate": 60.0}
"""Where the rule says none."""
_SECONDS: Final = ("stale", "bad", "frozen")


_LADDER: Final[tuple[Any, ...]] = (None,) * 5
NO_REQUESTS: Final[Mapping[str, Label]] = {}


class ToldLine(NamedTuple):
    """A line somebody is told, or that ends one."""

    event: str
    time: int
    value: Value
    level: str | None
    nth: int | None


class Heard(NamedTuple):
    """The newest such lines of an episode, the newest last; its rule's kind and what it sums."""

    lines: Sequence[ToldLine] = ()
    kind: str = "limit"
    aggregate: str | None = None
    peak: Extreme | None = None
    """The worst value, of what is over."""
    span: float | None = None
    """Seconds a window or a rate looks over."""
    requests: Mapping[str, Label] = NO_REQUESTS
    """What the rule asks people to do, by level."""
    counts: bool = True
    """Whether a sum of levels is a number of places."""


NOTHING: Final = Heard()


def heard_of(conn: sqlite3.Connection, numbers: Iterable[int]) -> dict[int, Heard]:
    """Return what episodes' messages are made of, by their numbers.

    Few statements for all of them: each row of one is a turn of the interpreter, for which a thread
    waits while the event loop works.
    """
    asked = list(numbers)
    listed, lines = json.dumps(asked), {number: list[ToldLine]() for number in asked}
    for number, *line in conn.execute(_LINES, (listed, _RECENT)):
        lines[number].append(ToldLine(*line))
    kinds: dict[int, tuple[Any, ...]] = {n: of for n, *of in conn.execute(_KINDS, (listed,))}
    worst = peaks.of(conn, asked)
    found = dict[int, Heard]()
    for number in asked:
        kind, aggregate, span, asks, weights = kinds.get(number, _LADDER)
        made = Heard(lines[number], kind or "limit", aggregate, worst.get(number), span)
        if asks is not None or weights is not None:
            made = made._replace(requests=_requests(asks or "[]"), counts=_counts(weights))
        found[number] = made
    return found


def _counts(weights: str | None) -> bool:
    return weights is None or counts(json.loads(weights))


@lru_cache(maxsize=1_024)
def _requests(text: str) -> Mapping[str, Label]:
    asked = json.loads(text)
    return {each["level"]: Label(each["zh"], each.get("en", "")) for each in asked}


def told(episode: Episode, of: Heard, ladder: Sequence[Level]) -> Told:
    """Return what is told of an episode; without lines, what it says itself."""
    names = {level.name: level for level in ladder}
    standing = [line for line in _standing(of.lines) if line.event in TOLD]
    line = standing[-1] if standing else ToldLine(*_itself(episode), None, None)
    word, level = Word(line.event), names.get(line.level or "", episode.level)
    made: dict[str, Any] = {
        "time": line.time,
        "value": line.value,
        "nth": _nth(word, line, episode),
    }
    if episode.late and episode.returned is not None:
        word = Word.RAISE
        made = {"time": episode.returned, "value": episode.value_at_raise}
        made |= {"until": episode.returned, "late": True}
    if made["value"] is None:
        made["value"] = episode.value_at_raise
    if isinstance(episode.value_at_raise, bool) and made["value"] is not None:
        made["value"] = bool(made["value"])  # the journal keeps it as a number
    made |= _measured(episode, of) | _made(of, level)
    earlier = [each for each in standing[:-1] if each.level is not None]
    return Told(
        word=word,
        place=episode.site_label,
        domain=episode.domain,
        point=_point(episode),
        level=level,
        purpose=episode.purpose,
        before=names.get(earlier[-1].level or "") if earlier and word is Word.LEVEL else None,
        since=episode.raised,
        called=_called(standing, line),
        seen=episode.acknowledged is not None,
        latched=episode.state.startswith("LATCHED"),
        advice=of.requests.get(level.name),
        shelf=word is Word.RAISE and _before(of.lines, line) == _SHELF,
        ahead=_ahead(episode, names),
        peak=None if of.peak is None else Peak(of.peak.value, of.peak.time),
        **made,
    )


def _measured(episode: Episode, of: Heard) -> dict[str, Any]:
    """Return in what the value is said, for a rule need not be held against its point's."""
    kind = of.kind
    if (kind in ("vote", "levels") and of.counts) or of.aggregate == "count":
        count = "TIMES" if of.aggregate == "count" else "PLACES"
        return {"unit": "", "decimals": 0, "count": count, "fact": kind in _FACTS}
    if kind in _SECONDS:
        return {"unit": "s", "decimals": 0}
    if kind == "interlock" or not of.counts:
        return {"unit": "", "value": "", "fact": True}
    if kind == "expression":
        return {"unit": "", "decimals": None}
    return {"unit": episode.unit, "decimals": episode.decimals, "fact": kind in _FACTS}


def _made(of: Heard, level: Level) -> dict[str, Any]:
    """Return what the rule makes of its point's values."""
    measure = "RATE" if of.kind == "rate" else (of.aggregate or "").upper()
    span = level.window or of.span or _SPANS.get(of.kind)
    return {"measure": measure, "span": span} if measure and span else {}


def _called(lines: Sequence[ToldLine], line: ToldLine) -> int | None:
    """Return when somebody was last called before a line."""
    before = lines[: next((nth for nth, each in enumerate(lines) if each is line), 0)]
    return next((each.time for each in reversed(before) if each.event in _CALLS), None)


def _before(lines: Sequence[ToldLine], line: ToldLine) -> str | None:
    """Return the word right before a line."""
    place = next((nth for nth, each in enumerate(lines) if each is line), 0)
    return lines[place - 1].event if place else None


def _itself(episode: Episode) -> tuple[str, int, Value]:
    if episode.returned is not None:
        return Word.RTN.value, episode.returned, episode.value
    word = Word.RAISE if episode.occurrence == 1 else Word.RERAISE
    return word.value, episode.raised, episode.value_at_raise


def _standing(recent: Iterable[ToldLine]) -> list[ToldLine]:
    """Leave out faults of the input that are over."""
    found: list[ToldLine] = []
    for line in recent:
        ended = _OVER.get(Word(line.event))
        if ended is not None:
            found = [each for each in found if each.event != ended]
        else:
            found.append(line)
    return found


def _nth(word: Word, line: ToldLine, episode: Episode) -> int:
    return line.nth or 1 if word is Word.ESCALATE else episode.occurrence


def _point(episode: Episode) -> Label:
    whole = episode.object_label or episode.device_label
    if whole == episode.site_label:
        whole = Label("")  # the place has said it
    if episode.object_label is not None and subject_of(episode.rule) != episode.point:
        # The rule is about all of it.
        return of_object(episode.object_label, episode.rule, episode.quantity)
    return Label(
        f"{whole.zh} {episode.label.zh}".strip(),
        f"{whole.en or whole.zh} {episode.label.en or episode.label.zh}".strip(),
    )


def _ahead(episode: Episode, names: Mapping[str, Level]) -> Ahead | None:
    ahead = episode.time_to_next
    level = None if ahead is None else names.get(ahead.level)
    if ahead is None or level is None:
        return None
    return Ahead(Label(level.name, level.name_en), ahead.limit, ahead.seconds)
