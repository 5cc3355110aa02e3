"""What people and logic do to an alarm: acknowledge, reset, shelve, suppress, out of service.

Pure. What the table refuses of an acknowledgement or a reset stands in the journal too: who tried,
and why it was none. Other acts that cannot be done raise IllegalTransition, with nothing changed.
"""

from typing import NamedTuple

from protocols.alarms.definition import Definition
from protocols.alarms.machine import Machine
from protocols.alarms.overlay import Act, shelf_of
from protocols.alarms.state import Happening
from protocols.alarms.steps import Outcome, advance_before
from protocols.alarms.word import Word
from protocols.errors import IllegalTransition


class Asked(NamedTuple):
    """An act, by whom and why; `seconds` and `one_shot` are of a shelf."""

    act: Act
    by: str = ""
    reason: str = ""
    seconds: float = 0.0
    one_shot: bool = False


def acknowledge(definition: Definition, machine: Machine, now: int, by: str = "") -> Outcome:
    """Let somebody say that it was seen; the first who does stays it."""
    return _step(definition, machine, now, (Happening.ACK, Word.ACK_REJECTED, by))


def reset(definition: Definition, machine: Machine, now: int, by: str = "") -> Outcome:
    """Let somebody end what latches, once it is over and was seen."""
    return _step(definition, machine, now, (Happening.RESET, Word.RESET_REJECTED, by))


def shelve(definition: Definition, machine: Machine, now: int, asked: Asked) -> Outcome:
    """Let nobody be called for some time, at most the rule's cap. Raises IllegalTransition."""
    shelf = shelf_of(definition.clocks, now, asked.seconds, one_shot=asked.one_shot)
    run = advance_before(definition, machine, now)
    run.act(Act.SHELVE, shelf=shelf, by=asked.by, reason=asked.reason)
    return run.done()


def put(definition: Definition, machine: Machine, now: int, asked: Asked) -> Outcome:
    """Do any other act. Raises IllegalTransition."""
    run = advance_before(definition, machine, now)
    run.act(asked.act, by=asked.by, reason=asked.reason)
    return run.done()


def _step(
    definition: Definition, machine: Machine, now: int, what: tuple[Happening, Word, str]
) -> Outcome:
    happening, rejected, by = what
    run = advance_before(definition, machine, now)
    try:
        run.step(happening, by)
    except IllegalTransition as exc:
        run.say(rejected, now, by=by, reason=str(exc.params["reason"]))
    return run.done()
