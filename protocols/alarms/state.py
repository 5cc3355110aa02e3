"""The operator's view of an alarm (ISA-18.2-2016 / IEC 62682): a table of (state, happening).

Pure. `UNACK` abnormal and unseen, `ACKED` abnormal and seen, `RTN_UNACK` normal again and unseen.
Any pair that is not in the table raises IllegalTransition, and nothing has changed. An episode ends
when the state is NORMAL again; a later violation is a new episode. Latching, shelving, suppression
and out of service are more rows and overlays, not other walls.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from protocols.errors import IllegalTransition


class State(StrEnum):
    """Where an alarm is (reference: alarm state model, states A to D)."""

    NORMAL = "NORMAL"
    UNACK = "UNACK"
    ACKED = "ACKED"
    RTN_UNACK = "RTN_UNACK"


class Happening(StrEnum):
    """What can happen to it."""

    LEVEL = "LEVEL"
    """The condition stands at a level: on, higher, lower, or on again."""
    RETURN = "RETURN"
    ACK = "ACK"


class Word(StrEnum):
    """The journal's words."""

    RAISE = "RAISE"
    RERAISE = "RERAISE"
    LEVEL = "LEVEL"
    REALARM = "REALARM"
    RTN = "RTN"
    ACK = "ACK"
    ACK_REJECTED = "ACK_REJECTED"
    LATE_ALARM = "LATE_ALARM"
    CONFLICT = "CONFLICT"
    BACKDATED = "BACKDATED"
    RULE_CHANGED = "RULE_CHANGED"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One rule's alarm. `level` counts from 1 (0: normal); `occurrence` within the episode."""

    state: State = State.NORMAL
    level: int = 0
    occurrence: int = 0


Outcome = tuple[Alarm, tuple[Word, ...]]


def step(alarm: Alarm, happening: Happening, level: int = 0) -> Outcome:
    """Return the alarm after `happening` and the words for its journal.

    `level` is needed for Happening.LEVEL only. Raises IllegalTransition.
    """
    move = TABLE.get((alarm.state, happening))
    if move is None:
        raise IllegalTransition(state=alarm.state.value, happening=happening.value)
    return move(alarm, level)


def _raise(alarm: Alarm, level: int) -> Outcome:
    return Alarm(State.UNACK, level, 1), (Word.RAISE,)


def _reraise(alarm: Alarm, level: int) -> Outcome:
    return Alarm(State.UNACK, level, alarm.occurrence + 1), (Word.RERAISE,)


def _move_unseen(alarm: Alarm, level: int) -> Outcome:
    return replace(alarm, level=level), (Word.LEVEL,)


def _move_seen(alarm: Alarm, level: int) -> Outcome:
    if level > alarm.level:
        return replace(alarm, state=State.UNACK, level=level), (Word.LEVEL, Word.REALARM)
    return replace(alarm, level=level), (Word.LEVEL,)


def _return_unseen(alarm: Alarm, level: int) -> Outcome:
    return replace(alarm, state=State.RTN_UNACK), (Word.RTN,)


def _return_seen(alarm: Alarm, level: int) -> Outcome:
    return Alarm(), (Word.RTN,)


def _see(alarm: Alarm, level: int) -> Outcome:
    return replace(alarm, state=State.ACKED), (Word.ACK,)


def _see_returned(alarm: Alarm, level: int) -> Outcome:
    return Alarm(), (Word.ACK,)


TABLE: Final[dict[tuple[State, Happening], Callable[[Alarm, int], Outcome]]] = {
    (State.NORMAL, Happening.LEVEL): _raise,
    (State.UNACK, Happening.LEVEL): _move_unseen,
    (State.UNACK, Happening.RETURN): _return_unseen,
    (State.UNACK, Happening.ACK): _see,
    (State.ACKED, Happening.LEVEL): _move_seen,
    (State.ACKED, Happening.RETURN): _return_seen,
    (State.RTN_UNACK, Happening.LEVEL): _reraise,
    (State.RTN_UNACK, Happening.ACK): _see_returned,
}
