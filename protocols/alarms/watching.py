"""Whether the input of a rule can be believed: silent, of bad quality, or not moving.

Pure. It never touches the alarm of the process; it only says so beside it.
"""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from protocols.alarms.definition import Watch
from protocols.alarms.word import Word
from protocols.clock import SECOND


@dataclass(frozen=True, slots=True)
class Health:
    """`fresh`: the newest good reading that came in time; it, `bad_since`, `changed` in µs UTC."""

    fresh: int | None = None
    stale: bool = False
    bad_since: int | None = None
    bad: bool = False
    value: float | None = None
    changed: int | None = None
    frozen: bool = False


UNHEARD: Final = Health()


class Said(NamedTuple):
    """The health after something, and what the journal hears of it."""

    health: Health
    words: tuple[Word, ...]


def good(health: Health, time: int, value: float, *, live: bool) -> Said:
    """Take a good reading; only one that came in time says that the input is not silent."""
    words = []
    if health.bad:
        words.append(Word.BAD_CLEAR)
    if live and health.stale:
        words.append(Word.STALE_CLEAR)
    moved = health.value is None or value != health.value
    if moved and health.frozen:
        words.append(Word.FROZEN_CLEAR)
    return Said(
        Health(
            fresh=max(time, health.fresh or time) if live else health.fresh,
            stale=health.stale and not live,
            value=value,
            changed=time if moved else health.changed,
            frozen=health.frozen and not moved,
        ),
        tuple(words),
    )


def bad(health: Health, time: int) -> Health:
    """Take a reading of bad quality; what that leads to is a timer's, at once where it is 0."""
    return health if health.bad_since is not None else replace(health, bad_since=time)


def lost(health: Health) -> Said:
    """Say at once that the quality is bad; whatever else is due at the time keeps its turn."""
    if health.bad:
        return Said(health, ())
    return Said(replace(health, bad=True), (Word.BAD,))


def due(watch: Watch, health: Health) -> int | None:
    """Return when the next of its timers fires."""
    timers = _timers(watch, health)
    if len(timers) < 2:
        return timers[0][0] if timers else None
    return min(timers)[0]


def fire(watch: Watch, health: Health, time: int) -> Said:
    """Fire what is due at `time`."""
    words = []
    for at, word in sorted(_timers(watch, health)):
        if at > time:
            continue
        words.append(word)
        match word:
            case Word.STALE:
                health = replace(health, stale=True)
            case Word.BAD:
                health = replace(health, bad=True)
            case Word.FROZEN:
                health = replace(health, frozen=True)
    return Said(health, tuple(words))


def _timers(watch: Watch, health: Health) -> list[tuple[int, Word]]:
    found = []
    if watch.stale_after is not None and health.fresh is not None and not health.stale:
        found.append((health.fresh + _us(watch.stale_after), Word.STALE))
    if watch.bad_after is not None and health.bad_since is not None and not health.bad:
        found.append((health.bad_since + _us(watch.bad_after), Word.BAD))
    seen = not health.stale and health.bad_since is None and not health.frozen
    if watch.frozen_after is not None and health.changed is not None and seen:
        found.append((health.changed + _us(watch.frozen_after), Word.FROZEN))
    return found


def _us(seconds: float) -> int:
    return round(seconds * SECOND)
