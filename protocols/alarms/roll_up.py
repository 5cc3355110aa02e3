"""One dead gateway is one item, never two hundred silent points (pure).

Any message is a sign of life. While the gateway is silent no point of it is called stale; when it
is back each point has its time anew.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from protocols.alarms.word import Word
from protocols.clock import SECOND

Said = list[tuple[int, Word, str]]
"""When, what, of which point ("": of the gateway)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Seconds after which a gateway is offline, and a point of one that is not is stale."""

    heartbeat_timeout: float = 180.0
    stale_after: float = 300.0


@dataclass(frozen=True, slots=True)
class RollUp:
    """`heard`: the last sign of life; `since`: from when each point's silence counts (µs UTC)."""

    heard: int | None = None
    offline: bool = False
    since: tuple[tuple[str, int], ...] = ()
    stale: frozenset[str] = frozenset()


def begin(points: Iterable[str], now: int) -> RollUp:
    """Return that of a gateway whose points are known and have yet to speak."""
    return RollUp(since=tuple((point, now) for point in points))


def hear(rule: Silence, state: RollUp, now: int, points: Iterable[str]) -> tuple[RollUp, Said]:
    """Take a message that brought readings of these points (none: only a sign of life)."""
    state, said = _fire(rule, state, now, strictly=True)
    since = dict(state.since)
    if state.offline:
        said.append((now, Word.GATEWAY_ONLINE, ""))
        since = dict.fromkeys(since, now)
    brought = list(points)
    since.update(dict.fromkeys(brought, now))
    said += [(now, Word.STALE_CLEAR, point) for point in brought if point in state.stale]
    stale = state.stale.difference(brought)
    return RollUp(heard=now, since=tuple(since.items()), stale=stale), said


def advance(rule: Silence, state: RollUp, now: int) -> tuple[RollUp, Said]:
    """Let time pass."""
    return _fire(rule, state, now, strictly=False)


def due(rule: Silence, state: RollUp) -> int | None:
    """Return when the next silence becomes one."""
    if state.heard is None or state.offline:
        return None
    times = [
        time + _us(rule.stale_after) for point, time in state.since if point not in state.stale
    ]
    return min([state.heard + _us(rule.heartbeat_timeout), *times])


def _fire(rule: Silence, state: RollUp, now: int, *, strictly: bool) -> tuple[RollUp, Said]:
    said: Said = []
    while (at := due(rule, state)) is not None and (at < now or (at == now and not strictly)):
        if state.heard is not None and state.heard + _us(rule.heartbeat_timeout) == at:
            said.append((at, Word.GATEWAY_OFFLINE, ""))
            return replace(state, offline=True), said
        silent = [
            point
            for point, time in state.since
            if point not in state.stale and time + _us(rule.stale_after) == at
        ]
        said += [(at, Word.STALE, point) for point in silent]
        state = replace(state, stale=state.stale.union(silent))
    return state, said


def _us(seconds: float) -> int:
    return round(seconds * SECOND)
