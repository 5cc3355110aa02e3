"""Runs a rule over a line of time as vectors/alarm.json says it: samples, actions, the clock.

Only what the pure functions decide today: limits, delays, deadband, quality, order, acknowledging.
"""

from dataclasses import dataclass, field

from protocols.alarms import condition as conditions
from protocols.alarms.rule import Colour, Level, Rule
from protocols.alarms.state import Alarm, Happening, Word, step
from protocols.errors import IllegalTransition

SECOND = 1_000_000


def rule_of(spec):
    """Return the rule of a vector; an operator `==` is `=` in a profile."""
    shared = {key: spec[key] for key in ("deadband", "on_delay", "off_delay") if key in spec}
    op = {"==": "="}.get(spec["op"], spec["op"])
    steps = spec.get("levels") or [{"name": "", "limit": spec["limit"]}]
    levels = tuple(
        Level(**shared | {"op": op, "colour": Colour.YELLOW} | item, status="V") for item in steps
    )
    return Rule(id="rule", subject="point", levels=levels)


@dataclass
class Timeline:
    """One rule on one point; `journal` is what happened, as the vectors write it."""

    rule: Rule
    alarm: Alarm = field(default_factory=Alarm)
    newest: int | None = None
    value: float = 0.0
    lagging: bool = False
    journal: list = field(default_factory=list)

    def __post_init__(self):
        self.condition = conditions.start(self.rule)

    def tell(self, time, word, level=0):
        name = self.rule.levels[level - 1].name if level and word is not Word.RERAISE else ""
        shown = f"{word}:{name}" if name and word in (Word.RAISE, Word.LEVEL) else str(word)
        self.journal.append([time / SECOND, shown])

    def follow(self, changes):
        for change in changes:
            happening = Happening.LEVEL if change.level else Happening.RETURN
            self.alarm, words = step(self.alarm, happening, change.level)
            for word in words:
                self.tell(change.time, word, change.level)

    def clock(self, now):
        """Fire what the clock has reached (but not while the point lags)."""
        if not self.lagging:
            self.condition, changes = conditions.advance(self.rule, self.condition, now)
            self.follow(changes)

    def sample(self, time, value, quality, arrival):
        if quality != "good":
            return
        if self.newest is not None and time <= self.newest:
            if time == self.newest and value != self.value:
                self.tell(time, Word.CONFLICT)
            elif time < self.newest and conditions.violates(self.rule, time, value):
                self.tell(time, Word.LATE_ALARM)
            return
        self.newest, self.value = time, value
        self.lagging = conditions.late(time, arrival)
        self.condition, changes = conditions.sample(self.rule, self.condition, time, value)
        if self.lagging:
            self.condition, more = conditions.advance(self.rule, self.condition, time)
            changes += more
        self.follow(changes)

    def ack(self, time):
        try:
            self.alarm, words = step(self.alarm, Happening.ACK)
        except IllegalTransition:
            words = (Word.ACK_REJECTED,)
        for word in words:
            self.tell(time, word)


def run(vector):
    """Return the timeline after the vector's run."""
    line = Timeline(rule_of(vector["rule"]))
    scale = vector.get("unit_scale", 1)
    inputs = [
        (round((s[3] if len(s) > 3 else s[0]) * SECOND), 0, n, s)
        for n, s in enumerate(vector["samples"])
    ]
    inputs += [(round(a[0] * SECOND), 1, n, a) for n, a in enumerate(vector.get("actions", []))]
    # A restart changes nothing: the state is a value. Its clock has stood still till then.
    down = next((a[0] for a in vector.get("actions", []) if a[1] == "restart"), None)
    for time, kind, _, what in sorted(inputs, key=lambda item: item[:3]):
        # Inputs at the time of a due timer go before it.
        if down is None:
            line.clock(time - 1)
        if kind == 0:
            line.sample(round(what[0] * SECOND), what[1] * scale, what[2], time)
        elif what[1] == "ack":
            line.ack(time)
    line.clock(round(vector["end_t"] * SECOND))
    return line
