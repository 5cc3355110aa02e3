"""Cases of `alarm.json` that are about many points at once: a gateway's silence, a flood."""

from typing import Any

from protocols.alarms import flood as floods
from protocols.alarms import hold, steps
from protocols.alarms.definition import Definition, Watch
from protocols.alarms.machine import Machine, Sample, begin, due
from protocols.alarms.rule import Rule
from protocols.alarms.word import Word
from protocols.clock import SECOND

Events = list[list[Any]]


def roll_up(case: dict[str, Any]) -> Events:
    """Return what becomes of a gateway and its points."""
    line = _Gateway(case["rule"])
    for sample in sorted(case["samples"], key=lambda each: each[3] if len(each) > 3 else each[0]):
        at = _us(sample[3] if len(sample) > 3 else sample[0])
        line.clock(at, strictly=True)
        line.hear(at, sample[1])
    line.clock(_us(case["end_t"]), strictly=False)
    return [
        [seconds(at), f"{word}:{point}" if point else str(word)] for at, word, point in line.told
    ]


class _Gateway:
    """Points with a watch each, below a gateway that may fall silent: then the watches are held."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.told: list[tuple[int, Word, str]] = []
        watch = Watch(stale_after=spec["stale_after"])
        self._rule = Definition(rule=Rule(id="rule", subject="point", levels=()), watch=watch)
        self._points: dict[str, Machine] = {point: begin(self._rule) for point in spec["points"]}
        self._timeout = _us(spec["heartbeat_timeout"])
        self._heard: int | None = None
        self._offline = False

    def clock(self, now: int, *, strictly: bool) -> None:
        """Fire each timer at its time; that of the gateway first."""
        while (at := self._due()) is not None and (at < now or (at == now and not strictly)):
            if self._heard is not None and self._heard + self._timeout == at:
                self._offline = True
                self.told.append((at, Word.GATEWAY_OFFLINE, ""))
                for point, machine in self._points.items():
                    self._points[point], _ = hold.hold(self._rule, machine, self._heard, at)
                continue
            for point, machine in self._points.items():
                self._after(point, steps.advance(self._rule, machine, at))

    def hear(self, now: int, brought: list[str]) -> None:
        """Take a message with readings of these points; any message is a sign of life."""
        if self._offline:
            self._offline = False
            self.told.append((now, Word.GATEWAY_ONLINE, ""))
            for point, machine in self._points.items():
                self._points[point] = hold.release(self._rule, machine, now)
        self._heard = now
        for point in brought:
            sample = Sample(now, 0.0, now, good=True, input="")
            self._after(point, steps.feed(self._rule, self._points[point], sample))

    def _due(self) -> int | None:
        if self._offline or self._heard is None:
            return None
        ends = (due(self._rule, machine) for machine in self._points.values())
        return min([self._heard + self._timeout, *(at for at in ends if at is not None)])

    def _after(self, point: str, outcome: steps.Outcome) -> None:
        self._points[point], entries = outcome
        self.told += [(entry.time, entry.word, point) for entry in entries]


def flood(case: dict[str, Any]) -> Events:
    """Return when it floods."""
    spec = case["rule"]
    bounds = floods.Bounds(
        window=spec["window"], on_above=spec["on_above"], off_below=spec["off_below"]
    )
    state, told = floods.Flood(), []
    for time, _, verb in case["samples"]:
        if verb == "raise":
            state, said = floods.announced(bounds, state, _us(time))
            told += said
    state, said = floods.advance(bounds, state, _us(case["end_t"]))
    return [[seconds(at), str(word)] for at, word in told + said]


def seconds(time: int) -> float:
    """Return seconds, whole ones as an integer: as the file writes them."""
    return time // SECOND if time % SECOND == 0 else time / SECOND


def _us(given: float) -> int:
    return round(given * SECOND)
