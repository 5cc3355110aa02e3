"""The past that arrives late (补传): judged by a machine of its own, in its stream's own order.

When a newer stream takes over a point, the state of the older one is kept as its branch; what the
older stream still delivers continues from there. It writes complete episodes marked late, never
sounds and never steps the live alarm. While such a past has not returned it is told as what it most
likely is, and told otherwise when more arrives:
- the live episode that began as the newer stream took over was raised earlier (BACKDATED);
- or it was over when the newer stream took over: a closed late episode until that moment.
If no live good reading is newer, the readings never come here: they step the live alarm.
"""

from dataclasses import replace

from central.alarms.moves import Moves
from central.alarms.saving import drop_branch
from central.alarms.tracked import BRANCHES, PATH, Branch, Claim, Tracked
from protocols.alarms.condition import (
    SECOND,
    Change,
    advance,
    interrupt,
    sample,
    start,
    violates,
)
from protocols.alarms.word import Word


def hand_over(moves: Moves, tracked: Tracked, stream: int, time: int) -> None:
    """Let `stream` be the live one from `time` on; what the one before was is kept."""
    before = tracked.stream
    if stream in tracked.branches:
        drop_branch(moves.conn, tracked, stream)
    # A quiet start is also what no branch means, unless an older branch would be taken for it.
    if before and (tracked.branches or not tracked.condition.quiet):
        tracked.branches[before] = Branch(
            tracked.condition, tracked.newest, time, value=tracked.value
        )
        moves.keep_branch(tracked, before)
        _prune(moves, tracked)
    tracked.stream, tracked.since = stream, time


def take(moves: Moves, tracked: Tracked, stream: int, time: int, value: float) -> None:
    """Apply a good value older than the newest judged live, of another stream."""
    branch = tracked.branches.get(stream) or _begin(moves, tracked, stream, time)
    if branch.newest is not None and time <= branch.newest:
        place = violates(tracked.rule, time, value) if time < branch.newest else 0
        if place:
            moves.note(tracked, Word.LATE_ALARM, time, value, tracked.rule.levels[place - 1].name)
        return
    branch.newest, branch.value = time, value
    if branch.calm is not None and branch.calm[0] < value < branch.calm[1]:
        return
    branch.calm = None
    branch.condition, changes = sample(tracked.rule, branch.condition, time, value)
    branch.condition, more = advance(tracked.rule, branch.condition, time)
    for change in changes + more:
        _follow(moves, tracked, branch, change, value)


def lose(moves: Moves, tracked: Tracked, stream: int, time: int) -> bool:
    """Apply bad quality of an older stream; return whether there was a past to apply it to."""
    branch = tracked.branches.get(stream)
    if branch is None or (branch.newest is not None and time < branch.newest):
        return False
    branch.calm = None
    branch.condition, changes = interrupt(tracked.rule, branch.condition, time)
    for change in changes:
        _follow(moves, tracked, branch, change, tracked.value)
    return True


def settle(moves: Moves, tracked: Tracked, stream: int) -> None:
    """At the end of a commit: tell the unfinished past of `stream`, and keep its branch."""
    branch = tracked.branches.get(stream)
    if branch is None:
        return
    if branch.path and branch.claim is None:
        branch.claim = _tell(moves, tracked, branch)
        branch.calm = None
    moves.keep_branch(tracked, stream)


def _begin(moves: Moves, tracked: Tracked, stream: int, time: int) -> Branch:
    """Continue where the nearest earlier branch ended, or from nothing."""
    earlier = [
        known
        for known in tracked.branches.values()
        if known.newest is not None and known.newest < time
    ]
    branch = Branch(start(tracked.rule), None, tracked.since)
    if earlier:
        last = max(earlier, key=lambda known: known.newest or 0)
        branch = Branch(last.condition, last.newest, last.until, last.path, last.claim)
        last.path, last.claim, last.calm = [], None, None
        for number, known in tracked.branches.items():
            if known is last:
                moves.keep_branch(tracked, number)
    tracked.branches[stream] = branch
    _prune(moves, tracked)
    return branch


def _follow(moves: Moves, tracked: Tracked, branch: Branch, change: Change, value: float) -> None:
    if change.level:
        # A level change of what was already active before the gap belongs to the live episode.
        if (branch.path or change.before == 0) and len(branch.path) < PATH:
            branch.path.append((change.time, change.level, value))
        return
    if branch.path:
        _finish(moves, tracked, branch, change.time)
    branch.path, branch.claim = [], None


def _finish(moves: Moves, tracked: Tracked, branch: Branch, returned: int) -> None:
    """The past returned within itself: what was told of it so far is put right."""
    claim = branch.claim
    if claim is not None and not claim.live:
        row = moves.row(claim.episode)
        row = replace(row, returned=returned, closed=returned)
        moves.alter(tracked, row, Word.RTN, returned)
        return
    if claim is not None:
        row = moves.row(claim.episode)
        if row.raised != claim.raised:
            row = replace(row, raised=claim.raised)
            moves.alter(tracked, row, Word.BACKDATED, claim.raised)
    moves.past(tracked, branch.path, returned)


def _tell(moves: Moves, tracked: Tracked, branch: Branch) -> Claim:
    raised = branch.path[0][0]
    if tracked.episode is not None:
        row = moves.row(tracked.episode)
        delay = max(level.on_delay for level in tracked.rule.levels)
        if row.raised - round(delay * SECOND) <= branch.until:
            claim = Claim(row.number, row.raised, live=True)
            if raised < row.raised:
                moves.alter(tracked, replace(row, raised=raised), Word.BACKDATED, raised)
            return claim
    until = max(branch.until, branch.newest or 0, raised)
    return Claim(moves.past(tracked, branch.path, until), raised, live=False)


def _prune(moves: Moves, tracked: Tracked) -> None:
    while len(tracked.branches) > BRANCHES:
        oldest = min(tracked.branches, key=lambda key: tracked.branches[key].newest or 0)
        drop_branch(moves.conn, tracked, oldest)
