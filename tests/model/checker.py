"""Visits every state within the budgets, breadth first, so that what it finds is the shortest way.

In each state: no reading stored twice, no number with two contents. And from each: once faults end,
everything sampled is stored exactly once, or was given up on purpose and stands in the ledger.
"""

from collections import Counter, deque
from typing import Final, NamedTuple

from tests.model import collector as centre
from tests.model import gateway as edge
from tests.model.collector import DivergesError
from tests.model.moves import connect, moves, sample
from tests.model.state import Answer, Collector, Rules, State

MOST_STATES: Final = 400_000
ROUNDS: Final = 60
"""Exchanges after which a drain that goes on is stuck."""


class Found(NamedTuple):
    """What a check came to: `problem` empty when nothing is wrong, `trace` how it is reached."""

    states: int
    problem: str = ""
    trace: tuple[str, ...] = ()


def check(start: State, rules: Rules, most: int = MOST_STATES) -> Found:
    """Visit all states reachable from `start`. Raises OverflowError beyond `most` of them."""
    came: dict[State, tuple[State, str] | None] = {start: None}
    judged: dict[tuple[object, ...], str] = {}
    queue = deque([start])
    while queue:
        state = queue.popleft()
        problem = _judge(state, rules, judged)
        if problem:
            return Found(len(came), problem, _way(came, state))
        try:
            following = list(moves(state, rules))
        except DivergesError:
            return Found(len(came), "diverges", _way(came, state))
        for label, after in following:
            if after not in came:
                came[after] = (state, label)
                queue.append(after)
        if len(came) > most:
            raise OverflowError(f"more than {most} states")
    return Found(len(came))


def _way(came: dict[State, tuple[State, str] | None], state: State) -> tuple[str, ...]:
    way: list[str] = []
    while (step := came[state]) is not None:
        state, label = step
        way.append(label)
    return tuple(reversed(way))


def _judge(state: State, rules: Rules, judged: dict[tuple[object, ...], str]) -> str:
    key = (state.gateway, state.collector, state.given, state.excused, state.sampled)
    if key not in judged:
        judged[key] = _doubled(state.collector) or _unaccounted(state, rules)
    return judged[key]


def _doubled(collector: Collector) -> str:
    counts = Counter(entry for rows in collector.streams for _, entry in rows.stored if entry > 0)
    twice = sorted(entry for entry, count in counts.items() if count > 1)
    return f"stored twice: {twice}" if twice else ""


def _unaccounted(state: State, rules: Rules) -> str:
    """Let everything through and see what is missing then."""
    try:
        final = drained(state, rules)
    except DivergesError:
        return "diverges while draining"
    if final is None:
        return "a stream is stuck"
    there = {entry for rows in final.collector.streams for _, entry in rows.stored}
    for reading in range(1, final.sampled + 1):
        told = -reading in there and reading in state.given
        if reading not in there and not told and reading not in state.excused:
            return f"lost in silence: {reading}"
    return _doubled(final.collector)


def drained(state: State, rules: Rules) -> State | None:
    """Return what stands when faults have ended and sampling went on; None when it never ends."""
    state = sample(state)
    if rules.ask_cursors:
        state = connect(state)
    for _ in range(ROUNDS):
        waiting = edge.requests(state.gateway)
        if not waiting:
            return state if _all_sent(state) else None
        collector, answer = centre.commit(state.collector, waiting[0], rules)
        assert isinstance(answer, Answer)
        gateway = edge.answered(state.gateway, answer, rules)
        state = state._replace(gateway=gateway, collector=collector)
    return None


def _all_sent(state: State) -> bool:
    return all(stream.committed == stream.last for stream in state.gateway.streams)
