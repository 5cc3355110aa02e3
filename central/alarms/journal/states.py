"""Which words begin an episode, end its condition or call again, and the state that follows."""

from typing import Final

from protocols.alarms.state import State
from protocols.alarms.word import Word

BEGINS: Final = (Word.RAISE, Word.SHADOW_RAISE)
BEGUN: Final = (Word.RAISE, Word.RERAISE)
RETURNS: Final = (Word.RTN, Word.SHADOW_RTN)
CALLS_AGAIN: Final = (Word.RAISE, Word.RERAISE, Word.REALARM, Word.SHADOW_RAISE)
"""After these an earlier acknowledgement answers nothing any more."""
RETURNED: Final = {State.UNACK: State.RTN_UNACK, State.ACKED: State.NORMAL}
LATCHED: Final = {State.UNACK: State.LATCHED_UNACK, State.ACKED: State.LATCHED_ACKED}
SEEN: Final = {
    State.UNACK: State.ACKED,
    State.RTN_UNACK: State.NORMAL,
    State.LATCHED_UNACK: State.LATCHED_ACKED,
}
STANDS: Final = (State.UNACK, State.LATCHED_UNACK)
"""Whoever ends a shelf by hand has seen what stands, or latches."""
