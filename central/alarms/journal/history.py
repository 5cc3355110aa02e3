"""An episode's journal as people read it: each line with what was before it and after it (pure).

The journal holds what happened, and no state: every state follows from the words before it, as the
alarm's own table has them. Whether the rule latches is seen from what came of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from central.alarms.journal.episode import JournalLine, Standing
from protocols.alarms.state import State
from protocols.alarms.word import Word

_UNSEEN: Final = frozenset({Word.RAISE, Word.RERAISE, Word.REALARM, Word.SHADOW_RAISE})
_RESTS: Final = frozenset({Word.RESET, Word.SUPPRESS, Word.OOS_ON})
_ACKED: Final = {
    State.UNACK: State.ACKED,
    State.RTN_UNACK: State.NORMAL,
    State.LATCHED_UNACK: State.LATCHED_ACKED,
}
_RETURNED: Final = {State.UNACK: State.RTN_UNACK, State.ACKED: State.NORMAL}
_LATCHED: Final = {State.UNACK: State.LATCHED_UNACK, State.ACKED: State.LATCHED_ACKED}
_MOVES: Final = frozenset(
    {*_UNSEEN, *_RESTS, Word.RTN, Word.SHADOW_RTN, Word.ACK, Word.UNSHELVE, Word.UNSHELVE_AUTO}
)
"""Words that may change the state."""


def told(lines: Iterable[JournalLine], state: str) -> tuple[JournalLine, ...]:
    """Return the lines of an episode, in order, each with before and after; `state` is its own."""
    journal = list(lines)
    last = max((at for at, line in enumerate(journal) if line.event in _MOVES), default=-1)
    latches = _latches(journal, state)
    now, found = Standing(State.NORMAL.value, None), []
    for at, line in enumerate(journal):
        after = State(state) if at == last else _after(State(now.state), line.event, latches)
        level = line.level if line.level is not None else now.level
        then = Standing(after.value, None if after is State.NORMAL else level)
        found.append(replace(line, before=now, after=then))
        now = then
    return tuple(found)


def _after(state: State, event: str, latches: bool) -> State:  # noqa: FBT001  # of the rule
    if event in _UNSEEN:
        return State.UNACK
    if event in _RESTS:
        return State.NORMAL
    match event:
        case Word.RTN:
            return (_LATCHED if latches else _RETURNED).get(state, state)
        case Word.SHADOW_RTN:
            return _LATCHED.get(state, state) if latches else State.NORMAL
        case Word.ACK:
            return _ACKED.get(state, state)
        case Word.UNSHELVE:
            return state if state is State.RTN_UNACK else _ACKED.get(state, state)
        case Word.UNSHELVE_AUTO:
            return State.UNACK if state.abnormal else state
    return state


def _latches(journal: Sequence[JournalLine], state: str) -> bool:
    """Return whether the rule latched: only then there is a reset, or more after a seen return."""
    if state.startswith("LATCHED") or any(line.event == Word.RESET for line in journal):
        return True
    seen = returned = False
    for line in journal:
        if returned and seen and line.event == Word.RERAISE:
            return True
        seen = line.event == Word.ACK or (seen and line.event not in _UNSEEN)
        returned = line.event == Word.RTN or (returned and line.event not in _UNSEEN)
    return False
