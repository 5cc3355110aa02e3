"""Rules that were taken or let go, put where the engine finds them; what counts them is fed."""

from central.alarms.many import holding
from central.alarms.many.silence import Silences
from central.alarms.memory import Memory
from central.alarms.moves import Moves
from central.alarms.rules.ruleset import Taken
from central.alarms.tracked import Tracked


def index(memory: Memory, silences: Silences, moves: Moves, taken: Taken) -> dict[str, Tracked]:
    """Put them in `memory`; return every rule that was touched. What changed is in `taken`."""
    news = {tracked.rule.id: tracked for tracked in taken.tracked}
    for id_, tracked in news.items():
        memory.place(tracked, active=id_ in taken.active)
    counted = [name for each in taken.tracked for number, name in each.inputs if not number]
    found = [other for each in counted if (other := memory.awake(each)) is not None]
    for tracked in taken.tracked:
        if silences.hold(tracked.points):
            holding.rest(tracked, moves.now)
    fed = memory.relations.spread(moves, [*taken.tracked, *found])
    taken.episodes += moves.changed()
    taken.laid += moves.laid
    return news | fed
