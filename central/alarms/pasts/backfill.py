"""The past of plain rules that arrives late (补传), as rows and arrays keep it.

What it leads to `protocols.alarms.past` and `streams` say, as for every other rule: complete late
episodes that never sound and never step the live alarm; a raise that is moved back; or, where no
live reading since ended what stood at the end of the gap, the live alarm. What is kept of an older
stream is its `Branch`; when live readings cleared its levels is asked of the store, and only where
it did not return: readings that passed in arrays do not say. If no live good reading is newer, the
readings never come here: they step the live alarm.
"""

from collections.abc import Iterable

from central.alarms.moves import Moves
from central.alarms.pasts import telling
from central.alarms.pasts.looking_back import since_then, was_heard
from central.alarms.saving import drop_branch
from central.alarms.tracked import BRANCHES, Branch, Claim, Tracked
from protocols.alarms import condition as conditions
from protocols.alarms import past, streams
from protocols.alarms.machine import Machine, Sample
from protocols.alarms.past import Telling, Told
from protocols.alarms.state import NORMAL, Alarm, State
from protocols.alarms.streams import Streams


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
    if branch.newest == time:
        return  # of one moment the first
    newer = branch.newest is None or time > branch.newest
    if newer:
        branch.newest, branch.value = time, value
        if branch.calm is not None and branch.calm[0] < value < branch.calm[1]:
            return
    known = _past(tracked, branch)
    if newer:
        known = known._replace(machine=known.machine._replace(newest=()))
    _take(moves, tracked, stream, known, Sample(time, value, time))


def lose(moves: Moves, tracked: Tracked, stream: int, time: int) -> bool:
    """Apply bad quality of an older stream; return whether there was a past to apply it to."""
    branch = tracked.branches.get(stream)
    if branch is None or (branch.newest is not None and time < branch.newest):
        return False
    known = _past(tracked, branch)
    known = known._replace(machine=known.machine._replace(newest=()))
    _take(moves, tracked, stream, known, Sample(time, tracked.value, time, good=False))
    return True


def settle(moves: Moves, tracked: Tracked, stream: int) -> None:
    """At the end of a commit: tell the unfinished past of `stream`, and keep its branch."""
    branch = tracked.branches.get(stream)
    if branch is None:
        return
    if _concerns(tracked, branch):
        _settle(moves, tracked, stream, branch)
    moves.keep_branch(tracked, stream)


def _concerns(tracked: Tracked, branch: Branch) -> bool:
    """Return whether there is anything of it to be told, or that the live alarm should know."""
    if branch.path and branch.claim is None:
        return True
    live = tracked.condition
    higher = 0 < live.level < branch.condition.level
    return higher or live.pending


def _settle(moves: Moves, tracked: Tracked, stream: int, branch: Branch) -> None:
    definition, known = tracked.definition, _past(tracked, branch)
    known = since_then(moves, tracked, stream, known)
    live = telling.live_of(moves, tracked)
    whole = Streams(
        tracked.machine,
        tracked.stream,
        tracked.since,
        live=live,
        branches=((stream, known),),
    )
    after, entries, told = streams.settle(definition, whole, stream, moves.now)
    tracked.machine, tracked.calm = after.machine, None
    episode = _tell(moves, tracked, branch, told)
    moves.entries(tracked, entries, known.path[-1][2] if known.path else tracked.value)
    if any(each.what is Telling.BECOMES for each in told):
        moves.caught_up(tracked)
    _become(tracked, branch, dict(after.branches)[stream], episode)


def _take(moves: Moves, tracked: Tracked, stream: int, known: past.Branch, sample: Sample) -> None:
    branch = tracked.branches[stream]
    after, told = past.take(tracked.definition, known, sample)
    episode = _tell(moves, tracked, branch, told)
    ends = [each for each in told if each.what is Telling.ENDS]
    if ends:
        whole = Streams(tracked.machine, live=telling.live_of(moves, tracked))
        done, entries, _ = streams.follow(tracked.definition, whole, ends, moves.now)
        tracked.machine, tracked.calm = done.machine, None
        moves.entries(tracked, entries, sample.value)
    _become(tracked, branch, after, episode)


def _past(tracked: Tracked, branch: Branch) -> past.Branch:
    """Return the branch as the pure past has it; its live readings are asked for when needed."""
    level, ladder = branch.condition.level, tracked.rule.levels
    machine = Machine(
        branch.condition,
        alarm=Alarm(State.UNACK, level, 1) if level else NORMAL,
        newest=() if branch.newest is None else (("", branch.newest),),
        judged=True,
    )
    claim = None
    if branch.claim is not None:
        claim = past.Claim(branch.claim.what, branch.claim.raised)
    blank = (None,) * len(ladder)
    return past.Branch(machine, branch.until, blank, tuple(branch.path), claim)


def _become(tracked: Tracked, branch: Branch, after: past.Branch, episode: int | None) -> None:
    """Let the branch be what the pure past became; `episode` is what it was told as."""
    branch.condition, branch.path = after.machine.condition, list(after.path)
    branch.calm = None
    if after.claim is None:
        branch.claim = None
        return
    known = branch.claim.episode if branch.claim else None
    told = known if known is not None else episode
    if (
        told is None and after.claim.what is not Telling.LASTED
    ):  # that one is told apart, or nowhere
        told = tracked.episode
    branch.claim = Claim(told or 0, after.claim.raised, after.claim.what)


def _tell(moves: Moves, tracked: Tracked, branch: Branch, told: Iterable[Told]) -> int | None:
    """Write what is told; return the episode the past goes by from now on, where it is new."""
    claimed = branch.claim.episode if branch.claim else None
    for each in told:
        claimed = telling.tell(moves, tracked, each, claimed)
    return claimed


def _begin(moves: Moves, tracked: Tracked, stream: int, time: int) -> Branch:
    """Continue where the nearest earlier branch ended, or from nothing."""
    earlier = [
        known
        for known in tracked.branches.values()
        if known.newest is not None and known.newest < time
    ]
    branch = Branch(conditions.start(tracked.rule), None, tracked.since)
    last = max(earlier, key=lambda known: known.newest or 0, default=None)
    if last is not None and not _cut_off(moves, tracked, last, time):
        branch = Branch(last.condition, last.newest, last.until, last.path, last.claim)
        last.path, last.claim, last.calm = [], None, None
        for number, known in tracked.branches.items():
            if known is last:
                moves.keep_branch(tracked, number)
    _prune(moves, tracked, BRANCHES - 1)
    tracked.branches[stream] = branch
    return branch


def _cut_off(moves: Moves, tracked: Tracked, last: Branch, time: int) -> bool:
    """Return whether live readings lie between a past that is not at rest and what comes now.

    Of a stream that was live then and left everything at rest there is no branch.
    """
    if last.condition.quiet and not last.path:
        return False
    known = [number for number, each in tracked.branches.items() if each is last]
    return was_heard(moves, tracked.point, known[0], (last.newest or 0, time))


def _prune(moves: Moves, tracked: Tracked, most: int = BRANCHES) -> None:
    while len(tracked.branches) > most:
        oldest = min(tracked.branches, key=lambda key: tracked.branches[key].newest or 0)
        drop_branch(moves.conn, tracked, oldest)
