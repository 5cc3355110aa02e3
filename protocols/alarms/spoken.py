"""Levels, values, times and durations as people write them. Pure."""

import re
from typing import Final

from protocols.alarms.condition import DAY, SITE_OFFSET, day_text
from protocols.alarms.rule import Level
from protocols.clock import HOUR, MINUTE, SECOND
from protocols.texts import text
from protocols.words import Value

NAMES: Final = {"LL": "低低报", "L": "低报", "H": "高报", "HH": "高高报"}
"""What levels are called in Chinese whose name is a code."""
FAR: Final = 120
"""Minutes ahead from which on hours are told: a line that is far ahead is no better known."""

SHORTEST: Final = 4
"""Characters of a place that is cut."""
CUT: Final = "…"
_BRACKETS: Final = re.compile(r" ?[(（][^()（）]*[)）]$")
_APART: Final = re.compile(
    r"(?<=达到|超过|低于|高于|降到|降为|离开|仍在)(?=[0-9A-Za-z])|(?<=，由)(?=[0-9A-Za-z])|(?<=[0-9A-Za-z])(?=降为)"
)


def name(level: Level, language: str) -> str:
    """Return a level's name."""
    if language == "zh":
        return NAMES.get(level.name, level.name)
    return level.name_en or level.name


def shown(value: Value, decimals: int | None) -> str:
    """Return a value as people read it: as many decimals as its point has, and never `-0`."""
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, str):
        return value
    if decimals is not None:
        fixed = f"{value:.{decimals}f}"
        return fixed.removeprefix("-") if float(fixed) == 0 else fixed
    return f"{value:g}" if abs(value) < 1e6 else f"{value:.0f}"


def moment(time: int, now: int) -> str:
    """Return a time of the site's clock: `14:50`, of another day than today's `06-12 14:50`."""
    local = time + SITE_OFFSET
    of_day = f"{local % DAY // HOUR:02d}:{local % HOUR // MINUTE:02d}"
    if local // DAY == (now + SITE_OFFSET) // DAY:
        return of_day
    return f"{day_text(local // DAY)[5:]} {of_day}"


def duration(length: int) -> str:
    """Return µs as people say them: `40 s`, `12 min`, `10 h 45 min`, `3 d 4 h`."""
    seconds = max(0, length) // SECOND
    if seconds < 60:
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def span_of(seconds: float, language: str) -> str:
    """Return a length of time that somebody has set: `5 分钟`, `1 小时`, `7 天`."""
    whole = round(seconds)
    for each, unit in ((86_400, "DAYS"), (3_600, "HOURS"), (60, "MINUTES")):
        if whole >= each and whole % each == 0:
            return text(f"SPAN_{unit}", {"n": whole // each}, language)
    return text("SPAN_SECONDS", {"n": whole}, language)


def ahead_of(seconds: float, language: str) -> str:
    """Return how long it takes until then: `24 分钟`, `5 小时`."""
    minutes = max(1, round(seconds / 60))
    if minutes < FAR:
        return text("SPAN_MINUTES", {"n": minutes}, language)
    return text("SPAN_HOURS", {"n": round(minutes / 60)}, language)


def cut(place: str, most: int) -> str:
    """Return a place in so many characters: without what stands in brackets at its end, or cut."""
    plain = bare(place)
    return plain if len(plain) <= most else plain[: max(SHORTEST, most - len(CUT))] + CUT


def bare(place: str) -> str:
    """Return a place without what stands in brackets at its end."""
    return _BRACKETS.sub("", place)


def tidy(sentence: str) -> str:
    """What has no unit, or no name of its own, leaves no gap; a name that begins with a figure
    stands apart from the Chinese before it.
    """
    return _APART.sub(" ", re.sub(r" +(?=[ ，。：）),.:]|$)", "", sentence))
