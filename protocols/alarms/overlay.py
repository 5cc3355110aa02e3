"""What lies over an alarm's state and keeps it from calling: shelf, suppression, out of service.

Pure. A shelf is a person's, timed, and always ends; suppression is logic's; out of service is a
person's with a permit, and ends by a person. Under a shelf the alarm follows its condition unseen;
under the others it rests, and is judged anew when the last of them is gone.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from protocols.alarms.definition import Clocks
from protocols.alarms.word import Word
from protocols.clock import SECOND
from protocols.errors import IllegalTransition


class Act(StrEnum):
    """What is done to the overlays."""

    SHELVE = "shelve"
    UNSHELVE = "unshelve"
    SUPPRESS = "suppress"
    UNSUPPRESS = "unsuppress"
    OOS_ON = "oos_on"
    OOS_OFF = "oos_off"


class Refusal(StrEnum):
    """Why it cannot be done."""

    SUPPRESSED = "SUPPRESSED"
    """It rests already, by logic or by permit."""
    NOT_SHELVED = "NOT_SHELVED"
    ALREADY_SUPPRESSED = "ALREADY_SUPPRESSED"
    NOT_SUPPRESSED = "NOT_SUPPRESSED"
    ALREADY_OUT = "ALREADY_OUT"
    NOT_OUT = "NOT_OUT"
    TOO_LONG = "TOO_LONG"
    """Longer than a shelf of this rule may last."""
    NO_TIME = "NO_TIME"
    """A shelf has to last some time."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """`until` µs UTC; `one_shot`: it also ends when the condition returns."""

    until: int
    one_shot: bool = False


@dataclass(frozen=True, slots=True)
class Overlay:
    """`latched`: what latched when the alarm was put to rest, and latches still after it."""

    shelf: Shelf | None = None
    suppressed: bool = False
    out_of_service: bool = False
    latched: bool = False

    @property
    def resting(self) -> bool:
        """Whether the condition is not followed at all."""
        return self.suppressed or self.out_of_service


NOTHING: Final = Overlay()
WORDS: Final = {
    Act.SHELVE: Word.SHELVE,
    Act.UNSHELVE: Word.UNSHELVE,
    Act.SUPPRESS: Word.SUPPRESS,
    Act.UNSUPPRESS: Word.UNSUPPRESS,
    Act.OOS_ON: Word.OOS_ON,
    Act.OOS_OFF: Word.OOS_OFF,
}


def refusal(overlay: Overlay, act: Act) -> Refusal | None:
    """Return why `act` cannot be done; None: it can."""
    match act:
        case Act.SHELVE:
            return Refusal.SUPPRESSED if overlay.resting else None
        case Act.UNSHELVE:
            return None if overlay.shelf else Refusal.NOT_SHELVED
        case Act.SUPPRESS:
            return Refusal.ALREADY_SUPPRESSED if overlay.suppressed else None
        case Act.UNSUPPRESS:
            return None if overlay.suppressed else Refusal.NOT_SUPPRESSED
        case Act.OOS_ON:
            return Refusal.ALREADY_OUT if overlay.out_of_service else None
        case Act.OOS_OFF:
            return None if overlay.out_of_service else Refusal.NOT_OUT


def put(overlay: Overlay, act: Act, shelf: Shelf | None = None) -> Overlay:
    """Return the overlay after `act`. Raises IllegalTransition with the reason."""
    reason = refusal(overlay, act)
    if reason is not None:
        raise IllegalTransition(state=name(overlay), happening=act.value, reason=reason.value)
    match act:
        case Act.SHELVE:
            return replace(overlay, shelf=shelf)
        case Act.UNSHELVE:
            return replace(overlay, shelf=None)
        case Act.SUPPRESS:
            return replace(overlay, suppressed=True)
        case Act.UNSUPPRESS:
            return replace(overlay, suppressed=False)
        case Act.OOS_ON:
            return replace(overlay, out_of_service=True)
        case Act.OOS_OFF:
            return replace(overlay, out_of_service=False)


def shelf_of(clocks: Clocks, now: int, seconds: float, *, one_shot: bool) -> Shelf:
    """Return the shelf that begins now. Raises IllegalTransition TOO_LONG, NO_TIME."""
    longest = clocks.longest_shelf
    reason = None
    if not seconds > 0:
        reason = Refusal.NO_TIME
    elif longest is not None and seconds > longest:
        reason = Refusal.TOO_LONG
    if reason is not None:
        raise IllegalTransition(
            happening=Act.SHELVE.value, reason=reason.value, seconds=seconds, longest=longest
        )
    return Shelf(now + round(seconds * SECOND), one_shot)


def name(overlay: Overlay) -> str:
    """Return what lies over an alarm, as the reference names it; "" for nothing."""
    if overlay.out_of_service:
        return "OUT_OF_SERVICE"
    if overlay.suppressed:
        return "SUPPRESSED"
    return "SHELVED" if overlay.shelf else ""
