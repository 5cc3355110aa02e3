"""Every pair of state and happening is either in the table or refused."""

from itertools import product
from pathlib import Path

import pytest

from protocols.alarms.state import REFUSALS, TABLE, Alarm, Happening, State, Word, step
from protocols.alarms.table import page
from protocols.errors import IllegalTransition

LEGAL = {
    (State.NORMAL, Happening.LEVEL): (State.UNACK, (Word.RAISE,)),
    (State.UNACK, Happening.LEVEL): (State.UNACK, (Word.LEVEL,)),
    (State.UNACK, Happening.RETURN): (State.RTN_UNACK, (Word.RTN,)),
    (State.UNACK, Happening.LATCH): (State.LATCHED_UNACK, (Word.RTN,)),
    (State.UNACK, Happening.ACK): (State.ACKED, (Word.ACK,)),
    (State.ACKED, Happening.LEVEL): (State.UNACK, (Word.LEVEL, Word.REALARM)),
    (State.ACKED, Happening.RETURN): (State.NORMAL, (Word.RTN,)),
    (State.ACKED, Happening.LATCH): (State.LATCHED_ACKED, (Word.RTN,)),
    (State.ACKED, Happening.REALARM): (State.UNACK, (Word.REALARM,)),
    (State.RTN_UNACK, Happening.LEVEL): (State.UNACK, (Word.RERAISE,)),
    (State.RTN_UNACK, Happening.ACK): (State.NORMAL, (Word.ACK,)),
    (State.LATCHED_UNACK, Happening.LEVEL): (State.UNACK, (Word.RERAISE,)),
    (State.LATCHED_UNACK, Happening.ACK): (State.LATCHED_ACKED, (Word.ACK,)),
    (State.LATCHED_ACKED, Happening.LEVEL): (State.UNACK, (Word.RERAISE,)),
    (State.LATCHED_ACKED, Happening.RESET): (State.NORMAL, (Word.RESET,)),
}
"""By the reference's table, a row each."""


def standing(state):
    return Alarm() if state is State.NORMAL else Alarm(state, 1, 1)


@pytest.mark.parametrize(("state", "happening"), list(product(State, Happening)))
def test_every_pair(state, happening):
    alarm = standing(state)
    if (state, happening) not in LEGAL:
        with pytest.raises(IllegalTransition) as refused:
            step(alarm, happening, 2)
        reason = REFUSALS[state, happening]
        assert refused.value.params == {"state": state, "happening": happening, "reason": reason}
        return
    after, words = step(alarm, happening, 2)
    assert (after.state, words) == LEGAL[state, happening]


def test_the_table_is_what_is_tested():
    assert set(TABLE) == set(LEGAL)


def test_what_is_in_no_table_has_one_reason():
    assert set(TABLE) | set(REFUSALS) == set(product(State, Happening))
    assert not set(TABLE) & set(REFUSALS)


def test_the_document_is_the_table():
    page_file = Path(__file__).resolve().parents[3] / "docs" / "alarm-states.md"
    assert page_file.read_text(encoding="utf-8") == page()


def test_a_falling_level_stays_acknowledged():
    after, words = step(Alarm(State.ACKED, 2, 1), Happening.LEVEL, 1)
    assert (after, words) == (Alarm(State.ACKED, 1, 1), (Word.LEVEL,))


def test_coming_back_counts_within_the_episode():
    alarm, _ = step(Alarm(), Happening.LEVEL, 1)
    alarm, _ = step(alarm, Happening.RETURN)
    alarm, words = step(alarm, Happening.LEVEL, 2)
    assert (alarm.occurrence, alarm.level, words) == (2, 2, (Word.RERAISE,))
