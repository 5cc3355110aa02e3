"""The past of a rule of several inputs that arrives late (补传): judged with what the others said.

An older stream brings what some of the inputs were in a gap; the others were heard meanwhile, by
streams of their own. The past begins with what stood before the gap, takes both in order of time
(the others' readings are asked of the store), and is told as every past is: complete late episodes
never sound, and what no later reading ended is the live alarm.
"""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Final

from central.alarms.moves import Moves
from central.alarms.pasts import overlapping, telling
from central.alarms.tracked import Tracked
from central.store.measured import Measured
from protocols.alarms import past, past_several, streams
from protocols.alarms.machine import Machine, Sample
from protocols.alarms.past import Branch, Telling, Told
from protocols.alarms.priming import Reach, primed, reach
from protocols.alarms.streams import Streams
from protocols.clock import HOUR, SECOND

FURTHEST: Final = 24 * HOUR
"""How far before a gap an input is looked for; one that was silent longer is not known."""
MOST: Final = 100_000
"""Readings of the others that are looked through at once; beyond it the past is told as it is."""
_LIVE: Final = (
    "FROM alarm_journal WHERE episode IN (SELECT number FROM episode INDEXED BY episode_point "
    "WHERE point = ? AND rule = ? AND NOT late AND raised <= ? ORDER BY raised DESC LIMIT 4) "
)
_STOOD: Final = (
    f"SELECT event, level {_LIVE} AND time <= ? AND event IN "
    "('RAISE', 'RERAISE', 'LEVEL', 'RTN', 'SHADOW_RAISE', 'SHADOW_RTN') "
    "ORDER BY time DESC, id DESC LIMIT 1"
)
_RETURNED: Final = (
    f"SELECT time {_LIVE} AND time >= ? AND event IN ('RTN', 'SHADOW_RTN') ORDER BY time LIMIT 1"
)


def parted(
    moves: Moves, tracked: Tracked, stream: int, heard: Sequence[Sample]
) -> tuple[list[Sample], list[Sample]]:
    """Return what is the live machine's, and what an older stream of its input brings late."""
    live: list[Sample] = []
    late: list[Sample] = []
    newest = dict(tracked.machine.newest)
    own: dict[str, bool] = {}
    for sample in heard:
        known = newest.get(sample.input)
        if known is None or sample.time > known:
            live.append(sample)
            continue
        if sample.input not in own:
            own[sample.input] = _brought(moves, tracked, sample.input, known) in (0, stream)
        (live if own[sample.input] else late).append(sample)
    return live, late


def take(moves: Moves, tracked: Tracked, stream: int, late: Sequence[Sample]) -> None:
    """Judge what came late, and tell what becomes of it."""
    known = tracked.streams or Streams(tracked.machine, tracked.stream, tracked.since)
    known = known._replace(machine=tracked.machine, live=telling.live_of(moves, tracked))
    first, last = min(each.time for each in late), max(each.time for each in late)
    branch = known.branch(stream) or _begun(moves, tracked, first)
    told: list[Told] = []
    over = _returned(moves, tracked, branch)
    heard = _in_order([*_said(moves, tracked, branch, last), *late])
    for sample in heard:
        if over is not None and sample.time > over:
            # By what was known live it was over here; by what the gap brings it was not.
            branch, over = past_several.going_on(tracked.definition, branch, over), None
        branch, more = past.take(tracked.definition, branch, sample)
        told += more
    if over == last:  # this may be all that comes of the gap
        branch = past_several.going_on(tracked.definition, branch, over)
    branch = ended(moves, tracked, stream, branch, {each.input for each in late})
    known = known.with_branch(stream, branch)
    outcome = streams.follow(tracked.definition, known, _as_one(told), moves.now)
    _write(moves, tracked, stream, outcome)
    whole = (tracked.streams or known)._replace(live=telling.live_of(moves, tracked))
    _write(moves, tracked, stream, streams.settle(tracked.definition, whole, stream, moves.now))


def _as_one(told: Sequence[Told]) -> list[Told]:
    """Let what still stood when the live alarm was raised be one with it: no raise moves forth."""
    return [
        each
        for each, after in zip_longest(told, told[1:])
        if each.what is not Telling.BACKDATED
        or after is None
        or after.what is not Telling.WHOLE
        or after.time <= each.time
    ]


def _write(moves: Moves, tracked: Tracked, stream: int, outcome: streams.Outcome) -> None:
    after, entries, told = outcome
    tracked.streams, tracked.machine = after, after.machine
    for each in told:
        if each.what is Telling.RETURNED and stream not in tracked.claimed:
            each = each._replace(what=Telling.WHOLE)  # another had told it till then
        left, claimed = overlapping.rest(moves, tracked, each)
        for part in left:
            claimed = telling.tell(moves, tracked, part, tracked.claimed.pop(stream, None))
        if claimed is not None:
            tracked.claimed[stream] = claimed
    moves.entries(tracked, entries, tracked.shown, at=telling.values_of(told))
    if any(each.what is Telling.BECOMES for each in told):
        moves.caught_up(tracked)


def _brought(moves: Moves, tracked: Tracked, name: str, time: int) -> int:
    """Return the stream that brought an input's newest reading; 0: nobody knows any more."""
    point = next(number for number, known in tracked.inputs if known == name)
    found = moves.readings((point,), time, time + 1)
    return found[0].stream if found else 0


def _begun(moves: Moves, tracked: Tracked, time: int) -> Branch:
    """Return the past as it was before the gap: what the inputs were, and what stood."""
    definition = tracked.definition
    delays = [max(each.on_delay, each.off_delay) for each in definition.rule.levels]
    asked = reach(definition.kind, definition.rule.levels) or Reach()
    at = time - round((max(delays, default=0.0) + asked.seconds) * SECOND)
    before, length = list[Sample](), HOUR
    while len({each.input for each in before}) < len(tracked.inputs) and length <= FURTHEST:
        before = _samples(tracked, moves.readings(tracked.points, at - length, at))
        length = 6 * length
    known = primed(definition, _in_order(before))
    branch = past_several.begun(definition, known, _stood(moves, tracked, at), time)
    for sample in _in_order(_samples(tracked, moves.readings(tracked.points, at, time))):
        branch, _ = past.take(definition, branch, sample)
    return branch._replace(path=(), claim=None)


def _stood(moves: Moves, tracked: Tracked, time: int) -> int:
    """Return the level that stood at a time, as the journal has it."""
    found = moves.conn.execute(_STOOD, (tracked.point, tracked.rule.id, time, time)).fetchone()
    if found is None or found[0] in ("RTN", "SHADOW_RTN"):
        return 0
    names = [level.name for level in tracked.rule.levels]
    return names.index(found[1]) + 1 if found[1] in names else 0


def _returned(moves: Moves, tracked: Tracked, branch: Branch) -> int | None:
    """Return when the live alarm that stood before a past returned, where the past goes on."""
    if not branch.machine.condition.level or branch.path or branch.newest is None:
        return None
    since = branch.newest
    known = (tracked.point, tracked.rule.id, since, since)
    found = moves.conn.execute(_RETURNED, known).fetchone()
    return None if found is None else int(found[0])


def _said(moves: Moves, tracked: Tracked, branch: Branch, last: int) -> list[Sample]:
    """Return what the inputs said since the past came to where it is, up to `last`."""
    newest = branch.newest
    if newest is None:
        return []
    return _samples(tracked, moves.readings(tracked.points, newest + 1, last + 1)[:MOST])


def ended(moves: Moves, tracked: Tracked, stream: int, branch: Branch, names: set[str]) -> Branch:
    """Return the past with when what was said since ended its levels.

    Judged with what the past knows: a rate or a sum of live readings alone does not know the gap.
    """
    definition, newest = tracked.definition, branch.newest
    branch = branch._replace(cleared=past.uncleared(definition))
    if newest is None or not branch.machine.condition.level:
        return branch
    points = {number for number, name in tracked.inputs if name in names}
    since = moves.readings(tracked.points, newest + 1, moves.now + HOUR)[:MOST]
    takes_over = [each.time for each in since if each.point in points and each.stream != stream]
    branch = branch._replace(until=min(takes_over, default=branch.until))
    machine: Machine = branch.machine
    for sample in _in_order(_samples(tracked, since)):
        machine, held = past_several.held(definition, machine, sample)
        if held is not None:
            cleared = past.clear(definition, branch.cleared, sample.time, held)
            branch = branch._replace(cleared=cleared)
            if None not in cleared:
                break
    return branch


def _samples(tracked: Tracked, found: Sequence[Measured]) -> list[Sample]:
    """Return readings as the rule's inputs."""
    return [
        Sample(each.time, each.value or 0.0, each.time, each.value is not None, name)
        for each in found
        for number, name in tracked.inputs
        if number == each.point
    ]


def _in_order(samples: Sequence[Sample]) -> list[Sample]:
    return sorted(samples, key=lambda each: each.time)
