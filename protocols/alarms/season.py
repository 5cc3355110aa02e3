"""Which levels are valid on which days, in site time (汛限水位 by season; pure)."""

from datetime import date
from functools import lru_cache
from typing import Final

from protocols.alarms.rule import Level
from protocols.clock import SECOND

DAY: Final = 86_400 * SECOND
SITE_OFFSET: Final = 8 * 3_600 * SECOND
"""Site time is China Standard Time (UTC+8, no daylight saving since 1991)."""
_EPOCH: Final = date(1970, 1, 1).toordinal()


def in_season(level: Level, time: int) -> bool:
    """Return whether `time` lies inside the level's validity, both ends included, site time."""
    if level.valid_from is None and level.valid_to is None:
        return True
    return _valid(level.valid_from, level.valid_to, (time + SITE_OFFSET) // DAY)


@lru_cache(maxsize=4096)
def _valid(first: str | None, last: str | None, day: int) -> bool:
    now = day_text(day)
    first, last = first or "", last or ""
    if len(first) == 5 and len(last) == 5:  # MM-DD, each year; may run over the new year
        today = now[5:]
        return first <= today <= last if first <= last else not last < today < first
    begun = first <= (now[5:] if len(first) == 5 else now)
    return begun and (not last or (now[5:] if len(last) == 5 else now) <= last)


def day_text(day: int) -> str:
    """Return YYYY-MM-DD of a day counted from 1970-01-01, kept within what a date can be."""
    ordinal = min(max(day + _EPOCH, 1), date.max.toordinal())
    return date.fromordinal(ordinal).isoformat()
