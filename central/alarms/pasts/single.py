"""Rules of one input that are not plain, over all streams that bring its readings.

`protocols.alarms.streams` says what an older stream's readings lead to (补传): here that becomes
rows. Complete late episodes never sound; what stands and no live reading raised is the live alarm.
"""

from central.alarms.moves import Moves
from central.alarms.pasts import telling
from central.alarms.pasts.several import ended
from central.alarms.tracked import Tracked
from protocols.alarms import past, streams
from protocols.alarms.kinds.limit import Limit
from protocols.alarms.machine import Sample
from protocols.alarms.past import Telling, Told
from protocols.alarms.streams import Streams


def applies(tracked: Tracked) -> bool:
    """Whether the rule has a past of its own: of one input, every reading of which it sees."""
    return not tracked.plain and len(tracked.inputs) == 1 and bool(tracked.points)


def take(moves: Moves, tracked: Tracked, stream: int, sample: Sample) -> None:
    """Take a reading of the rule's input."""
    known = _streams(tracked)
    source = None if known.branch(stream) else _source(known, sample.time)
    after, entries, told = streams.feed(
        tracked.definition, known, stream, sample, clock=moves.clock
    )
    if source is not None and after.branch(stream) and source in tracked.claimed:
        tracked.claimed[stream] = tracked.claimed.pop(source)
    _keep(tracked, after)
    limit = type(tracked.definition.kind) is Limit
    _tell(moves, tracked, stream, told)
    moves.entries(tracked, entries, sample.value if limit else tracked.shown)


def settle(moves: Moves, tracked: Tracked, stream: int) -> None:
    """At the end of a commit: tell what of the stream's past has not returned."""
    known = _streams(tracked)
    branch = known.branch(stream)
    if branch is None:
        return
    if branch.path and branch.claim is None:
        branch = ended(moves, tracked, stream, branch, {branch.machine.newest[-1][0]})
        known = known.with_branch(stream, branch)
    if tracked.trial is not None:
        known = known._replace(live=telling.live_of(moves, tracked))
    after, entries, told = streams.settle(tracked.definition, known, stream, moves.now)
    _keep(tracked, after)
    _tell(moves, tracked, stream, told)
    moves.entries(tracked, entries, tracked.shown, at=telling.values_of(told))


def unfinished(tracked: Tracked) -> list[int]:
    """Return the late episodes whose returns are only the latest they can have had."""
    plain = [branch.claim for branch in tracked.branches.values() if branch.path]
    found = {each.episode for each in plain if each and each.what is Telling.LASTED}
    for stream, past_ in tracked.streams.branches if tracked.streams is not None else ():
        lasted = past_.claim is not None and past_.claim.what is Telling.LASTED
        if lasted and stream in tracked.claimed:
            found.add(tracked.claimed[stream])
    return sorted(found)


def forget(tracked: Tracked) -> None:
    """Let go of all pasts: they count levels of a ladder that is no more."""
    tracked.streams, tracked.claimed = None, {}


def _streams(tracked: Tracked) -> Streams:
    known = tracked.streams
    if known is None:
        cleared = past.uncleared(tracked.definition)
        known = Streams(tracked.machine, tracked.stream, tracked.since, cleared)
    return known._replace(machine=tracked.machine)


def _keep(tracked: Tracked, after: Streams) -> None:
    tracked.streams, tracked.machine = after, after.machine
    tracked.stream, tracked.since = after.stream, after.since


def _source(known: Streams, time: int) -> int | None:
    """Return the stream whose past a stream not heard before goes on with."""
    earlier = [
        (newest, number)
        for number, branch in known.branches
        if (newest := branch.newest) is not None and newest < time
    ]
    return max(earlier)[1] if earlier else None


def _tell(moves: Moves, tracked: Tracked, stream: int, told: list[Told]) -> None:
    for each in told:
        claimed = telling.tell(moves, tracked, each, tracked.claimed.pop(stream, None))
        if claimed is not None:
            tracked.claimed[stream] = claimed
