"""What people and logic ask of a rule's alarm, and what came of it."""

from dataclasses import dataclass, field
from typing import NamedTuple

from central.alarms.acts.overlays import Laid
from central.alarms.journal.records import EpisodeRow
from central.alarms.tracked import Tracked
from protocols.alarms import acting
from protocols.alarms.acting import Asked
from protocols.alarms.machine import Entry
from protocols.alarms.overlay import Act
from protocols.alarms.state import Happening
from protocols.alarms.steps import Outcome
from protocols.alarms.word import Word
from protocols.errors import FengsuiError, IllegalTransition


class RuleUnknown(FengsuiError):
    """There is no such rule."""

    code = "RULE_UNKNOWN"


class Acknowledge(NamedTuple):
    """确认收到: somebody has seen it."""

    by: str = ""
    comment: str = ""


class Reset(NamedTuple):
    """复位: somebody ends what latches."""

    by: str = ""
    comment: str = ""


What = Asked | Acknowledge | Reset


@dataclass(slots=True)
class Acted:
    """Episodes as they are now, the journal's entries, what lies over the rule if that changed.

    `refused`: an acknowledgement or a reset that could not be; the journal says who tried.
    """

    rows: list[EpisodeRow] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    laid: list[Laid] = field(default_factory=list)
    refused: IllegalTransition | None = None
    due: int | None = None


_REJECTED = {
    Word.ACK_REJECTED: Happening.ACK,
    Word.RESET_REJECTED: Happening.RESET,
}


def step(tracked: Tracked, what: What, now: int) -> Outcome:
    """Return the machine after it. Raises IllegalTransition for overlays that cannot be."""
    definition, machine = tracked.definition, tracked.machine
    match what:
        case Acknowledge(by, _):
            return acting.acknowledge(definition, machine, now, by)
        case Reset(by, _):
            return acting.reset(definition, machine, now, by)
        case Asked() if what.act is Act.SHELVE:
            return acting.shelve(definition, machine, now, what)
        case Asked():
            return acting.put(definition, machine, now, what)


def comment_of(what: What) -> str:
    """Return why; of an act the journal's entry says it by itself."""
    return "" if isinstance(what, Asked) else what.comment


def refusal(tracked: Tracked, entries: list[Entry]) -> IllegalTransition | None:
    """Return why it was none, where the journal keeps that somebody tried."""
    for entry in entries:
        if entry.word in _REJECTED:
            return IllegalTransition(
                state=tracked.alarm.state.value,
                happening=_REJECTED[entry.word].value,
                reason=entry.reason,
            )
    return None
