"""What a rule's machine says at the gateway becomes what stands, and what is to be told (pure).

An alarm that returns is over here: whether somebody has seen it is the collector's matter, where
the people are. Under a shelf nobody is called, but the collector is told all the same: its episode
begins and ends with ours.
"""

from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from edge.alarms.rules import LocalRule
from edge.alarms.standing import Kept, Standing
from protocols.alarms.machine import Entry
from protocols.alarms.state import NORMAL
from protocols.alarms.word import Word
from protocols.wire.alarm_events import Said

BEGINNINGS: Final = (Word.RAISE, Word.RERAISE, Word.SHADOW_RAISE)
RETURNS: Final = (Word.RTN, Word.SHADOW_RTN)
HERE: Final = frozenset(
    {
        *(Word.SHELVE, Word.UNSHELVE, Word.UNSHELVE_AUTO),
        *(Word.SUPPRESS, Word.UNSUPPRESS, Word.OOS_ON, Word.OOS_OFF),
    }
)
"""Words of this journal alone: the collector knows them first."""
NOTHING_STANDS: Final = Standing("", None, "", None)


class Happened(NamedTuple):
    """Something to keep and, unless it is `known` there, to tell: `standing` as it was right after
    it; `time` is running time.
    """

    rule: LocalRule
    word: Said | Word
    standing: Standing
    time: int
    by: str = ""
    known: bool = False
    reason: str = ""


@dataclass(slots=True)
class Judged:
    """What readings led to. `points`: those whose reading changed a condition, or counts in a
    window, and must be sent, so that the collector judges as we did; `beside`: points of which it
    needs the reading before, too; `changed`: rules to be kept; `happened` in order.
    """

    points: set[int] = field(default_factory=set)
    beside: set[int] = field(default_factory=set)
    changed: dict[str, Kept] = field(default_factory=dict)
    happened: list[Happened] = field(default_factory=list)


def follow(  # whose, what it says, at which start of the machine, and whether it came from there
    judged: Judged, kept: Kept, entry: Entry, boot: str, *, known: bool = False
) -> None:
    """Let what stands go on by one word."""
    word, standing = entry.word, kept.standing
    if word in HERE:
        shown = standing or NOTHING_STANDS
        happened = Happened(kept.rule, word, shown, entry.time, entry.by, True, entry.reason)  # noqa: FBT003
        judged.happened.append(happened)
        if word is Word.UNSHELVE and standing is not None:  # who ends a shelf has seen what stands
            kept.standing = replace(standing, acknowledged=entry.by, seen=entry.time)
    elif word in BEGINNINGS:
        _begin(judged, kept, entry, boot)
    elif standing is not None:
        _go_on(judged, kept, entry, standing, known=known)


def _begin(judged: Judged, kept: Kept, entry: Entry, boot: str) -> None:
    if kept.standing is not None:  # it stood under a shelf, and calls now
        kept.standing = _called(kept.standing, entry.time)
        return
    key = f"{boot[:12]}-{entry.time:x}"
    kept.standing = Standing(key, entry.time, _name(kept, entry), kept.shown, called=entry.time)
    _say(judged, kept, Said.RAISE, entry)


def _go_on(judged: Judged, kept: Kept, entry: Entry, standing: Standing, *, known: bool) -> None:
    word = entry.word
    if word is Word.LEVEL:
        level = _name(kept, entry)
        worse = _place(kept, level) > _place(kept, standing.level)
        called = entry.time if worse else standing.called
        kept.standing = replace(standing, level=level, value=kept.shown, called=called)
        _say(judged, kept, Said.LEVEL, entry)
    elif word is Word.REALARM:
        kept.standing = _called(standing, entry.time)
    elif word is Word.ACK:
        kept.standing = replace(standing, acknowledged=entry.by, seen=entry.time)
        _say(judged, kept, Said.ACK, entry, known=known)
    elif word in RETURNS:
        kept.standing = replace(standing, value=kept.shown)
        _say(judged, kept, Said.RTN, entry)
        kept.standing = None
        kept.machine = kept.machine._replace(alarm=NORMAL)


def put_down(judged: Judged, kept: Kept, time: int) -> None:
    """Let what stands be judged here no more: that is no return."""
    if kept.standing is not None:
        judged.happened.append(Happened(kept.rule, Said.REST, kept.standing, time))
        kept.standing = None


def _called(standing: Standing, time: int) -> Standing:
    return replace(standing, acknowledged="", seen=None, called=time)


def _say(judged: Judged, kept: Kept, word: Said, entry: Entry, *, known: bool = False) -> None:
    assert kept.standing is not None  # noqa: S101  # seen by the caller
    told = Happened(kept.rule, word, kept.standing, entry.time, entry.by, known)
    judged.happened.append(told)


def _place(kept: Kept, level: str) -> int:
    names = [each.name for each in kept.rule.definition.rule.levels]
    return names.index(level) if level in names else -1


def _name(kept: Kept, entry: Entry) -> str:
    return kept.rule.definition.rule.levels[entry.level - 1].name
