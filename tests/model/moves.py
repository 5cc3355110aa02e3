"""Everything that may happen next in a state."""

from collections.abc import Iterator
from functools import lru_cache

from tests.model import collector as centre
from tests.model import gateway as edge
from tests.model.state import GONE, Answer, Collector, Request, Rules, State

Move = tuple[str, State]


def moves(state: State, rules: Rules) -> Iterator[Move]:
    """Yield each possible next state with what led to it. Raises DivergesError."""
    yield from _at_gateway(state, rules)
    yield from _faults_at_gateway(state, rules)
    yield from _deliveries(state, rules)
    yield from _at_collector(state)


def spend(state: State, **uses: int) -> State:
    left = {name: getattr(state.budgets, name) - count for name, count in uses.items()}
    return state._replace(budgets=state.budgets._replace(**left))


def _at_gateway(state: State, rules: Rules) -> Iterator[Move]:
    if state.budgets.samples:
        yield "sample", sample(spend(state, samples=1))
    for request in edge.requests(state.gateway):
        if request not in state.wire:
            last = request.first + len(request.entries) - 1
            sent = state._replace(wire=state.wire | {request})
            yield f"send {request.stream}:{request.first}-{last}", sent
    kept = edge.persisted(state.gateway)
    if kept != state.gateway:
        yield "persist", state._replace(gateway=kept)
    if rules.ask_cursors:
        met = connect(state)
        if met != state:
            yield "connect", met


def sample(state: State) -> State:
    reading, minted = state.sampled + 1, state.minted + 1
    gateway = edge.sampled(state.gateway, reading, minted)
    return state._replace(gateway=gateway, sampled=reading, minted=minted)


def connect(state: State) -> State:
    return state._replace(gateway=_connected(state.gateway, state.collector))


@lru_cache(maxsize=1 << 16)
def _connected(gateway: edge.Gateway, collector: Collector) -> edge.Gateway:
    cursors = {rows.id: rows.cursor for rows in collector.streams}
    return edge.connected(gateway, cursors)


def _faults_at_gateway(state: State, rules: Rules) -> Iterator[Move]:
    budgets = state.budgets
    if budgets.restarts:
        again = edge.restarted(state.gateway, rules)
        yield "gateway restarts", spend(state, restarts=1)._replace(gateway=again)
    if budgets.rotations:
        yield "rotate", spend(state, rotations=1)._replace(gateway=edge.rotated(state.gateway))
    if budgets.images and state.image is None:
        yield "copy the card", state._replace(image=state.gateway)
    if budgets.images and state.image is not None:
        yield "old card put back", _image_back(spend(state, images=1), rules)
    if budgets.quota and (given := edge.given_up(state.gateway, rules)) is not None:
        yield "quota", _given(spend(state, quota=1), *given)
    if budgets.corrupt:
        for gateway, entry in edge.corrupted(state.gateway):
            yield f"corrupt {entry}", _given(spend(state, corrupt=1), gateway, entry)


def _given(state: State, gateway: edge.Gateway, entry: int) -> State:
    return state._replace(gateway=gateway, given=state.given | {entry})


def _image_back(state: State, rules: Rules) -> State:
    """An old copy of the card starts: what only the newer card had is lost with it."""
    assert state.image is not None
    there = {abs(entry) % GONE for each in state.image.streams for entry in each.entries}
    excused = {reading for reading in range(1, state.sampled + 1) if reading not in there}
    gateway = edge.restarted(state.image, rules)
    return state._replace(gateway=gateway, excused=state.excused | excused)


def _deliveries(state: State, rules: Rules) -> Iterator[Move]:
    for message in sorted(state.wire, key=_written):
        if isinstance(message, Answer):
            gateway = edge.answered(state.gateway, message, rules)
            if gateway != state.gateway:
                yield (
                    f"answer {message.stream}:{message.committed}",
                    state._replace(gateway=gateway),
                )
            continue
        yield from _commits(state, message, rules)


@lru_cache(maxsize=1 << 16)
def _written(message: Request | Answer) -> str:
    return repr(message)


def _commits(state: State, request: Request, rules: Rules) -> Iterator[Move]:
    collector, answer = centre.commit(state.collector, request, rules)
    wire = state.wire if answer is None else state.wire | {answer}
    if collector != state.collector or wire != state.wire:
        yield (
            f"commit {request.stream}:{request.first}",
            state._replace(collector=collector, wire=wire),
        )
    if state.budgets.crashes and not rules.atomic:
        collector, _ = centre.commit(state.collector, request, rules, crash=True)
        if collector != state.collector:
            yield (
                "collector dies between rows and cursor",
                spend(state, crashes=1)._replace(collector=collector),
            )


def _at_collector(state: State) -> Iterator[Move]:
    budgets = state.budgets
    if budgets.backups:
        safe = centre.backed_up(state.collector)
        yield "backup", spend(state, backups=1)._replace(collector=safe, backup=safe)
    if budgets.restores and state.backup is not None:
        again = centre.restored(state.backup, state.collector)
        yield "restore", spend(state, restores=1)._replace(collector=again)
    if budgets.snapshots and state.snapshot is None:
        yield "snapshot", state._replace(snapshot=state.collector)
    if budgets.snapshots and state.snapshot is not None:
        yield "snapshot put back", _snapshot_back(spend(state, snapshots=1))


def _snapshot_back(state: State) -> State:
    """What the snapshot lacks and the gateway was told is safe can only be told as lost."""
    assert state.snapshot is not None
    there = stored(state.snapshot)
    safe = {
        abs(entry) % GONE
        for stream in state.gateway.streams
        for number, entry in enumerate(stream.entries, 1)
        if number <= stream.safe or entry > GONE
    }
    pledged = {reading for reading in stored(state.collector) if _is_safe(state, reading)}
    given = {reading for reading in safe | pledged if reading not in there}
    return state._replace(collector=state.snapshot, given=state.given | given)


def _is_safe(state: State, reading: int) -> bool:
    """Whether an answer under way may still tell the gateway to forget it."""
    return any(
        entry == reading and number <= _pledged(state, rows.id)
        for rows in state.collector.streams
        for number, entry in rows.stored
    )


def _pledged(state: State, stream: int) -> int:
    told = (m.safe for m in state.wire if isinstance(m, Answer) and m.stream == stream)
    return max(told, default=0)


def stored(collector: Collector) -> set[int]:
    """Return the readings a database holds."""
    return {entry for rows in collector.streams for _, entry in rows.stored if entry > 0}
