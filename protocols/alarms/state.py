"""The operator's view of an alarm (ISA-18.2-2016 / IEC 62682): a table of (state, happening).

Pure. `UNACK` abnormal and unseen, `ACKED` abnormal and seen, `RTN_UNACK` normal again and unseen,
`LATCHED_*` normal again under a rule that latches, until somebody resets it. A pair that is not in
the table has a reason in REFUSALS and raises IllegalTransition, and nothing has changed. An episode
ends when the state is NORMAL again; a later violation is a new episode. Shelving, suppression and
out of service lie over these states: `protocols.alarms.overlay`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from protocols.alarms.word import Word as Word
from protocols.errors import IllegalTransition


class State(StrEnum):
    """Where an alarm is (reference: alarm state model, states A to D, L1, L2)."""

    # As equality has it; what an enumeration does by itself takes a call of Python.
    __hash__ = str.__hash__

    NORMAL = "NORMAL"
    UNACK = "UNACK"
    ACKED = "ACKED"
    RTN_UNACK = "RTN_UNACK"
    LATCHED_UNACK = "LATCHED_UNACK"
    LATCHED_ACKED = "LATCHED_ACKED"

    @property
    def abnormal(self) -> bool:
        """Whether the condition stands."""
        return self in (State.UNACK, State.ACKED)

    @property
    def unseen(self) -> bool:
        """Whether somebody has yet to acknowledge it."""
        return self in (State.UNACK, State.RTN_UNACK, State.LATCHED_UNACK)


class Happening(StrEnum):
    """What can happen to it."""

    __hash__ = str.__hash__

    LEVEL = "LEVEL"
    """The condition stands at a level: on, higher, lower, or on again."""
    RETURN = "RETURN"
    LATCH = "LATCH"
    """It returns, and its rule latches."""
    ACK = "ACK"
    RESET = "RESET"
    """A person ends what latches."""
    REALARM = "REALARM"
    """It was acknowledged and still stands after the time its rule says."""


class Refusal(StrEnum):
    """Why a happening is none in a state."""

    NOT_ACTIVE = "NOT_ACTIVE"
    """There is no alarm."""
    ALREADY_RETURNED = "ALREADY_RETURNED"
    ALREADY_ACKED = "ALREADY_ACKED"
    """The first who acknowledged stays it."""
    NOT_ACKED = "NOT_ACKED"
    """It has to be acknowledged first."""
    STILL_ACTIVE = "STILL_ACTIVE"
    """The condition still stands."""
    NOT_LATCHED = "NOT_LATCHED"
    """It ends by itself when it is acknowledged."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One rule's alarm. `level` counts from 1 (0: normal); `occurrence` within the episode."""

    state: State = State.NORMAL
    level: int = 0
    occurrence: int = 0


NORMAL: Final = Alarm()
Outcome = tuple[Alarm, tuple[Word, ...]]
Move = Callable[[Alarm, int], Outcome]


def step(alarm: Alarm, happening: Happening, level: int = 0) -> Outcome:
    """Return the alarm after `happening` and the words for its journal.

    `level` is needed for Happening.LEVEL only. Raises IllegalTransition with the reason.
    """
    move = TABLE.get((alarm.state, happening))
    if move is None:
        reason = REFUSALS[alarm.state, happening]
        raise IllegalTransition(
            state=alarm.state.value, happening=happening.value, reason=reason.value
        )
    return move(alarm, level)


def _raise(alarm: Alarm, level: int) -> Outcome:
    return Alarm(State.UNACK, level, 1), (Word.RAISE,)


def _reraise(alarm: Alarm, level: int) -> Outcome:
    return Alarm(State.UNACK, level, alarm.occurrence + 1), (Word.RERAISE,)


def _move_unseen(alarm: Alarm, level: int) -> Outcome:
    return Alarm(alarm.state, level, alarm.occurrence), (Word.LEVEL,)


def _move_seen(alarm: Alarm, level: int) -> Outcome:
    if level > alarm.level:
        return Alarm(State.UNACK, level, alarm.occurrence), (Word.LEVEL, Word.REALARM)
    return Alarm(alarm.state, level, alarm.occurrence), (Word.LEVEL,)


def _return_unseen(alarm: Alarm, level: int) -> Outcome:
    return Alarm(State.RTN_UNACK, alarm.level, alarm.occurrence), (Word.RTN,)


def _return_seen(alarm: Alarm, level: int) -> Outcome:
    return NORMAL, (Word.RTN,)


def _latch_unseen(alarm: Alarm, level: int) -> Outcome:
    return Alarm(State.LATCHED_UNACK, alarm.level, alarm.occurrence), (Word.RTN,)


def _latch_seen(alarm: Alarm, level: int) -> Outcome:
    return Alarm(State.LATCHED_ACKED, alarm.level, alarm.occurrence), (Word.RTN,)


def _see(alarm: Alarm, level: int) -> Outcome:
    return Alarm(State.ACKED, alarm.level, alarm.occurrence), (Word.ACK,)


def _see_returned(alarm: Alarm, level: int) -> Outcome:
    return NORMAL, (Word.ACK,)


def _see_latched(alarm: Alarm, level: int) -> Outcome:
    return Alarm(State.LATCHED_ACKED, alarm.level, alarm.occurrence), (Word.ACK,)


def _reset(alarm: Alarm, level: int) -> Outcome:
    return NORMAL, (Word.RESET,)


def _realarm(alarm: Alarm, level: int) -> Outcome:
    return Alarm(State.UNACK, alarm.level, alarm.occurrence), (Word.REALARM,)


TABLE: Final[dict[tuple[State, Happening], Move]] = {
    (State.NORMAL, Happening.LEVEL): _raise,
    (State.UNACK, Happening.LEVEL): _move_unseen,
    (State.UNACK, Happening.RETURN): _return_unseen,
    (State.UNACK, Happening.LATCH): _latch_unseen,
    (State.UNACK, Happening.ACK): _see,
    (State.ACKED, Happening.LEVEL): _move_seen,
    (State.ACKED, Happening.RETURN): _return_seen,
    (State.ACKED, Happening.LATCH): _latch_seen,
    (State.ACKED, Happening.REALARM): _realarm,
    (State.RTN_UNACK, Happening.LEVEL): _reraise,
    (State.RTN_UNACK, Happening.ACK): _see_returned,
    (State.LATCHED_UNACK, Happening.LEVEL): _reraise,
    (State.LATCHED_UNACK, Happening.ACK): _see_latched,
    (State.LATCHED_ACKED, Happening.LEVEL): _reraise,
    (State.LATCHED_ACKED, Happening.RESET): _reset,
}

REFUSALS: Final[dict[tuple[State, Happening], Refusal]] = {
    (State.NORMAL, Happening.RETURN): Refusal.NOT_ACTIVE,
    (State.NORMAL, Happening.LATCH): Refusal.NOT_ACTIVE,
    (State.NORMAL, Happening.ACK): Refusal.NOT_ACTIVE,
    (State.NORMAL, Happening.RESET): Refusal.NOT_ACTIVE,
    (State.NORMAL, Happening.REALARM): Refusal.NOT_ACTIVE,
    (State.UNACK, Happening.RESET): Refusal.STILL_ACTIVE,
    (State.UNACK, Happening.REALARM): Refusal.NOT_ACKED,
    (State.ACKED, Happening.ACK): Refusal.ALREADY_ACKED,
    (State.ACKED, Happening.RESET): Refusal.STILL_ACTIVE,
    (State.RTN_UNACK, Happening.RETURN): Refusal.ALREADY_RETURNED,
    (State.RTN_UNACK, Happening.LATCH): Refusal.ALREADY_RETURNED,
    (State.RTN_UNACK, Happening.RESET): Refusal.NOT_LATCHED,
    (State.RTN_UNACK, Happening.REALARM): Refusal.ALREADY_RETURNED,
    (State.LATCHED_UNACK, Happening.RETURN): Refusal.ALREADY_RETURNED,
    (State.LATCHED_UNACK, Happening.LATCH): Refusal.ALREADY_RETURNED,
    (State.LATCHED_UNACK, Happening.RESET): Refusal.NOT_ACKED,
    (State.LATCHED_UNACK, Happening.REALARM): Refusal.ALREADY_RETURNED,
    (State.LATCHED_ACKED, Happening.RETURN): Refusal.ALREADY_RETURNED,
    (State.LATCHED_ACKED, Happening.LATCH): Refusal.ALREADY_RETURNED,
    (State.LATCHED_ACKED, Happening.ACK): Refusal.ALREADY_ACKED,
    (State.LATCHED_ACKED, Happening.REALARM): Refusal.ALREADY_RETURNED,
}
"""With TABLE every pair there is."""
