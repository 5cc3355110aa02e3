"""What is only allowed at certain hours: 06:00 to 22:00, on working days, never on holidays.

Hours are the site's (China Standard Time). Outside them the levels are held against the value;
within them nothing is wrong. What still moves when the forbidden hours begin raises then, by the
clock, for the last good value holds; it ends with a reading: one that does not move, or one within
allowed hours. That time passes ends nothing, because whoever fell silent may still be moving.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Final, NamedTuple

from protocols.alarms.condition import DAY, SITE_OFFSET, activates, day_text
from protocols.alarms.kinds.kind import Reading, Taken
from protocols.alarms.rule import FALLING, Level
from protocols.clock import SECOND

MINUTE: Final = 60 * SECOND
AHEAD: Final = 21
"""Days searched for the next forbidden hour: a week and the longest holidays."""
_MONDAY, _SUNDAY = "1", "7"


class Hours(NamedTuple):
    """From `begin` (HH:MM) until before `end`, up to 24:00; not later than `begin`: the next day.

    `days` are those on which it begins, 1 Monday to 7 Sunday; none named: every day.
    """

    begin: str
    end: str
    days: str = ""


class Moving(NamedTuple):
    """The last good value (None: not known), and from when it would be forbidden (µs UTC)."""

    value: float | None = None
    forbidden: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """`holidays` and `working` are days (YYYY-MM-DD) that count as a Sunday and as a Monday."""

    allowed: tuple[Hours, ...]
    holidays: frozenset[str] = frozenset()
    working: frozenset[str] = frozenset()
    always: ClassVar[bool] = False

    @property
    def lateness(self) -> float:
        """Return 0."""
        return 0.0

    def begin(self) -> Moving:
        """Return that nothing was seen."""
        return Moving()

    def listen(self, memory: Moving, time: int) -> Moving:
        """Return the same: nobody is known to move."""
        return memory

    def take(self, memory: Moving, reading: Reading, levels: tuple[Level, ...]) -> Taken:
        """Take a good reading."""
        value = reading.value
        if not self.allows(reading.at):
            return Taken(Moving(value), (value,) * len(levels))
        moving = self._moving(value, reading.at, levels)
        return Taken(moving, tuple(_calm(level) for level in levels))

    def lose(self, memory: Moving, name: str, time: int) -> Moving:
        """Take that it is not known what moves."""
        return Moving()

    def due(self, memory: Moving, levels: tuple[Level, ...]) -> int | None:
        """Return when forbidden hours begin for what moves."""
        return memory.forbidden

    def look(self, memory: Moving, time: int, levels: tuple[Level, ...]) -> Taken:
        """Hold the levels against what still moves in forbidden hours."""
        value = memory.value
        if value is None or not self.allows(time):
            return Taken(Moving(value), (value,) * len(levels))
        return Taken(self._moving(value, time, levels), (None,) * len(levels))

    def again(self, before: "Schedule", held: Taken, levels: tuple[Level, ...], time: int) -> Taken:
        """Hold the levels against what moves now, by these hours."""
        return self.look(held.memory, time, levels)

    def _moving(self, value: float, time: int, levels: tuple[Level, ...]) -> Moving:
        moves = any(activates(level, value) for level in levels)
        return Moving(value, self.next_forbidden(time) if moves else None)

    def allows(self, time: int) -> bool:
        """Return whether `time` (µs UTC) lies within the allowed hours."""
        day, at = divmod(time + SITE_OFFSET, DAY)
        for hours in self.allowed:
            begin, end = _span(hours)
            if self._on(hours, day) and begin <= at < end:
                return True
            if end > DAY and self._on(hours, day - 1) and at < end - DAY:
                return True
        return False

    def next_forbidden(self, time: int) -> int | None:
        """Return when allowed hours end next with none after them; None: not for three weeks."""
        today = (time + SITE_OFFSET) // DAY
        ends = sorted(
            end
            for day in range(today - 1, today + AHEAD)
            for hours in self.allowed
            if (end := day * DAY + _span(hours)[1] - SITE_OFFSET) > time
        )
        return next((end for end in ends if not self.allows(end)), None)

    def _on(self, hours: Hours, day: int) -> bool:
        return not hours.days or self._weekday(day) in hours.days

    def _weekday(self, day: int) -> str:
        if self.holidays or self.working:
            text = day_text(day)
            if text in self.holidays:
                return _SUNDAY
            if text in self.working:
                return _MONDAY
        return str((day + 3) % 7 + 1)  # 1970-01-01 was a Thursday


@lru_cache(maxsize=1024)
def _span(hours: Hours) -> tuple[int, int]:
    """Return when it begins and ends, in µs after the midnight before it."""
    begin, end = _minutes(hours.begin), _minutes(hours.end)
    return begin * MINUTE, (end if end > begin else end + 24 * 60) * MINUTE


def _minutes(text: str) -> int:
    hour, _, minute = text.partition(":")
    return int(hour) * 60 + int(minute)


def _calm(level: Level) -> float:
    """Return a number that neither reaches nor holds the level."""
    if level.op == "!=":
        return level.limit
    if level.op == "=":
        return math.nextafter(level.limit, math.inf)
    if level.op in FALLING:
        return math.nextafter(level.limit + level.deadband, math.inf)
    return math.nextafter(level.limit - level.deadband, -math.inf)
