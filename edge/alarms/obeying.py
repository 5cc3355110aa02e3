"""What people did at the centre, done here too: acknowledgements, shelves, suppression.

The document says how things are there, so that doing it twice changes nothing. An acknowledgement
answers the call it came after, never a later one; of two the earlier counts.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from edge.alarms.evaluator import Evaluator
from edge.alarms.standing import Kept, Standing
from edge.alarms.stepping import Happened, Judged, put_down
from protocols.alarms.acting import acknowledge
from protocols.alarms.overlay import NOTHING, Act, Overlay, Shelf
from protocols.alarms.state import State
from protocols.alarms.steps import advance_before
from protocols.clock import SECOND
from protocols.errors import IllegalTransition
from protocols.wire.acts_told import ActsTold, Over, Seen
from protocols.wire.alarm_events import Said

SKEW: Final = 2 * SECOND
"""By so much two clocks may differ that both are right."""


def obey(evaluator: Evaluator, told: ActsTold, gateway: str, now: int) -> Judged:
    """Do what was told; `now` is running time, and it is UTC."""
    judged = Judged()
    over = {each.rule: each for each in told.over}
    for id_, kept in list(evaluator.rules.items()):
        wanted = over.get(id_)
        if wanted is not None or kept.machine.overlay != NOTHING:
            _lay(evaluator, judged, kept, wanted or Over(id_), now)
    for seen in told.seen:
        found = evaluator.rules.get(seen.rule)
        if found is not None and found.standing is not None:
            _see(evaluator, judged, found, seen, (gateway, now))
    return judged


def _lay(evaluator: Evaluator, judged: Judged, kept: Kept, wanted: Over, now: int) -> None:
    for act, shelf in list(_acts(kept.machine.overlay, wanted, now)):
        run = advance_before(kept.rule.definition, kept.machine, now)
        try:
            run.act(act, shelf=shelf, by=wanted.by, reason=wanted.reason)
        except IllegalTransition:
            continue  # it rests, or is over already: the next document says how things are
        rested = run.overlay.resting and not kept.machine.overlay.resting
        evaluator.step(judged, kept, run.done(), now, known=True)
        if rested:
            put_down(judged, kept, now)
            judged.changed[kept.rule.id] = kept


def _acts(overlay: Overlay, wanted: Over, now: int) -> Iterator[tuple[Act, Shelf | None]]:
    """Yield what makes the one the other; a shelf is laid before the alarm rests."""
    if overlay.suppressed and not wanted.suppressed:
        yield Act.UNSUPPRESS, None
    if overlay.out_of_service and not wanted.out_of_service:
        yield Act.OOS_OFF, None
    if wanted.shelf is None and overlay.shelf is not None:
        yield Act.UNSHELVE, None
    elif wanted.shelf is not None and wanted.shelf.until > now and not _about(overlay, wanted):
        yield Act.SHELVE, wanted.shelf
    if wanted.suppressed and not overlay.suppressed:
        yield Act.SUPPRESS, None
    if wanted.out_of_service and not overlay.out_of_service:
        yield Act.OOS_ON, None


def _about(overlay: Overlay, wanted: Over) -> bool:
    """Return whether the same shelf is laid: its end moves a little where a clock was set."""
    here, there = overlay.shelf, wanted.shelf
    if here is None or there is None:
        return here is there
    return here.one_shot == there.one_shot and abs(here.until - there.until) <= SKEW


def _see(
    evaluator: Evaluator, judged: Judged, kept: Kept, seen: Seen, here: tuple[str, int]
) -> None:
    standing, (gateway, now) = kept.standing, here
    assert standing is not None  # noqa: S101  # seen by the caller
    called = standing.began if standing.called is None else standing.called
    if seen.by.startswith(f"{gateway}: "):
        return  # it was said here first
    at = min(seen.at, now)
    if kept.machine.alarm.state is State.UNACK:
        if called is None or at >= called - SKEW:
            after = acknowledge(kept.rule.definition, kept.machine, now, seen.by)
            machine, entries = after
            entries = [entry._replace(time=at) for entry in entries]
            evaluator.step(judged, kept, (machine, entries), now, known=True)
    elif _earlier(standing, seen.by, at):
        kept.standing = replace(standing, acknowledged=seen.by, seen=at)
        judged.changed[kept.rule.id] = kept
        judged.happened.append(
            Happened(kept.rule, Said.ACK, kept.standing, at, seen.by, known=True)
        )


def _earlier(standing: Standing, by: str, at: int) -> bool:
    """Return whether the centre's counts: nobody's here does, or it was earlier than ours.

    The same one is known here by a time that moved a little with our clock.
    """
    if not standing.acknowledged or standing.seen is None:
        return not standing.acknowledged
    if standing.acknowledged == by and abs(standing.seen - at) <= SKEW:
        return False
    called = standing.called
    return at < standing.seen and (called is None or at >= called - SKEW)
