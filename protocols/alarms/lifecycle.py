"""How the operator's view follows the condition, the clock and what people do (pure).

A `Run` is one input on its way through a machine: it holds the machine as it becomes and what the
journal hears meanwhile.
"""

from dataclasses import replace
from typing import Any

from protocols.alarms import condition as conditions
from protocols.alarms import overlay as overlays
from protocols.alarms.condition import Change, late
from protocols.alarms.definition import Definition
from protocols.alarms.kinds.kind import Taken
from protocols.alarms.machine import CALLS, Entry, Machine
from protocols.alarms.overlay import Act, Shelf
from protocols.alarms.state import NORMAL, Alarm, Happening, State, step
from protocols.alarms.watching import Said
from protocols.alarms.word import Word


class Run:
    """One input; `now` is the clock."""

    def __init__(
        self,
        definition: Definition,
        machine: Machine,
        now: int,
        entries: list[Entry] | None = None,
    ) -> None:
        self.definition = definition
        self.now = now
        self.condition = machine.condition
        self.memory = machine.memory
        self.alarm = machine.alarm
        self.overlay = machine.overlay
        self.timers = machine.timers
        self.health = machine.health
        self.newest = machine.newest
        self.recent = machine.recent
        self.values = machine.values
        self.lagging = machine.lagging
        self.judged = machine.judged
        self.entries: list[Entry] = [] if entries is None else entries

    def done(self) -> tuple[Machine, list[Entry]]:
        """Return the machine and the entries."""
        return self.now_machine(), self.entries

    def now_machine(self) -> Machine:
        """Return the machine as it is now."""
        return Machine(
            self.condition,
            self.memory,
            self.alarm,
            self.overlay,
            self.timers,
            self.health,
            self.newest,
            self.recent,
            self.values,
            self.lagging,
            self.judged,
        )

    def newest_of(self, name: str) -> int | None:
        """Return the time of the newest reading of an input."""
        for known, time in self.newest:
            if known == name:
                return time
        return None

    def say(self, word: Word, time: int, **fields: Any) -> None:
        """Write an entry."""
        self.entries.append(Entry(word, time, **fields))

    def heard(self, said: Said, time: int) -> None:
        """Take what became of the input's health."""
        self.health = said.health
        for word in said.words:
            self.say(word, time)

    def hold(self, taken: Taken, at: int) -> None:
        """Hold the levels against what the kind made of it, at `at`."""
        self.reckon(taken, at)
        if self.overlay.resting:
            return
        rule = self.definition.rule
        condition, changes = conditions.sample_levels(rule, self.condition, at, taken.values)
        if late(at, self.now):  # the clock is far ahead: delays end by the readings' own time
            condition, more = conditions.advance(rule, condition, at)
            changes += more
        self.condition = condition
        for each in changes:
            self.follow(each, self.now)
        self.judged = True

    def reckon(self, taken: Taken, at: int) -> None:
        """Remember what the kind made of it; say when that cannot be computed any more."""
        self.memory, self.values = taken.memory, taken.values
        if taken.said is not None:
            self.say(Word.UNDECIDED if taken.said else Word.UNDECIDED_CLEAR, at, reason=taken.said)

    def follow(self, change: Change, announced: int) -> None:
        """Let the alarm follow its condition; who is called is called at `announced`."""
        if self.overlay.shelf is not None:
            self._follow_unseen(change)
        else:
            self._follow_seen(change, announced)
        if change.before == 0 and change.level:
            self._begun(change.time)

    def act(self, act: Act, *, shelf: Shelf | None = None, by: str = "", reason: str = "") -> None:
        """Put an overlay on or take it off. Raises IllegalTransition, with nothing changed."""
        before = self.overlay
        after = overlays.put(before, act, shelf)
        self.overlay = after
        self.say(overlays.WORDS[act], self.now, by=by, reason=reason)
        if after.resting and not before.resting:
            self._rest()
        elif before.resting and not after.resting:
            self._wake()
        elif act is Act.SHELVE:
            self.timers = self.timers.rest()
        elif act is Act.UNSHELVE:
            self._unshelved()

    def step(self, happening: Happening, by: str = "", reason: str = "") -> None:
        """Let a person acknowledge or reset. Raises IllegalTransition, with nothing changed."""
        alarm, words = step(self.alarm, happening)
        level = self.alarm.level
        self._become(alarm)
        for word in words:
            self.say(word, self.now, level=level, by=by, reason=reason)
        if happening is Happening.ACK:
            stands = alarm.state is State.ACKED and self.overlay.shelf is None
            self.timers = self.timers.answer(self.now, stands=stands)

    def clocks(self, at: int) -> None:
        """Fire the alarm's own clocks that are due at `at`."""
        shelf = self.overlay.shelf
        if shelf is not None and shelf.until <= at:
            self._shelf_over(at)
        clocks = self.definition.clocks
        realarm = self.timers.realarm(clocks)
        if realarm is not None and realarm <= at:
            alarm, words = step(self.alarm, Happening.REALARM)
            self._become(alarm)
            timers = self.timers._replace(again=self.timers.again + 1)
            self.timers = timers.announce(at)
            for word in words:
                self.say(word, at, level=alarm.level)
        escalation = self.timers.escalation(clocks)
        if escalation is not None and escalation <= at:
            timers = self.timers
            self.timers = timers._replace(told=timers.told + 1)
            self.say(Word.ESCALATE, at, level=self.alarm.level, nth=timers.told + 1)

    def _follow_seen(self, change: Change, announced: int) -> None:
        if change.level:
            alarm, words = step(self.alarm, Happening.LEVEL, change.level)
        else:
            latching = self.definition.rule.latching
            alarm, words = step(self.alarm, Happening.LATCH if latching else Happening.RETURN)
            # Whoever was called is called no higher: there is nothing to be done any more.
            self.timers = self.timers.rest()
        self._become(alarm)
        for word in words:
            self.say(word, change.time, level=change.level)
        if any(word in CALLS for word in words):
            self.timers = self.timers.announce(announced)

    def _follow_unseen(self, change: Change) -> None:
        """Let the alarm follow under a shelf: nobody is called, and what is over is over."""
        before, latching = self.alarm, self.definition.rule.latching
        if change.level:
            if before.state.abnormal:
                self._become(replace(before, level=change.level))
                self.say(Word.LEVEL, change.time, level=change.level)
                return
            alarm, _ = step(before, Happening.LEVEL, change.level)
            self._become(alarm)
            self.say(Word.SHADOW_RAISE, change.time, level=change.level)
            return
        self._become(step(before, Happening.LATCH)[0] if latching else NORMAL)
        self.say(Word.SHADOW_RTN, change.time)
        shelf = self.overlay.shelf
        if shelf is not None and shelf.one_shot:
            self._shelf_over(change.time)

    def _begun(self, time: int) -> None:
        if not self.judged:
            return  # the first reading found it so: nothing changed
        timers, chatters = self.timers.begin(self.definition.clocks, time)
        self.timers = timers
        if chatters:
            self.say(Word.CHATTER, time)

    def _become(self, alarm: Alarm) -> None:
        self.alarm = alarm
        if alarm.state is State.NORMAL:
            self.timers = self.timers.over()

    def _shelf_over(self, at: int) -> None:
        """End a shelf by itself: what stands calls, for it never was answered under the shelf."""
        self.overlay = replace(self.overlay, shelf=None)
        self.say(Word.UNSHELVE_AUTO, at)
        alarm = self.alarm
        if alarm.state.abnormal:
            self._become(replace(alarm, state=State.UNACK))
            self.timers = self.timers.announce(at)
            self.say(Word.RAISE, at, level=alarm.level)
        elif alarm.state is State.LATCHED_UNACK:
            self.timers = self.timers.announce(at)

    def _unshelved(self) -> None:
        """End a shelf by hand: whoever did it has seen what stands."""
        alarm = self.alarm
        if alarm.state.abnormal:
            self._become(replace(alarm, state=State.ACKED))
            self.timers = self.timers.answer(self.now, stands=True)
        elif alarm.state is State.LATCHED_UNACK:
            self._become(replace(alarm, state=State.LATCHED_ACKED))

    def _rest(self) -> None:
        """Put the alarm to rest: what it was waiting for is called off."""
        overlay = self.overlay
        latched = self.definition.rule.latching and self.alarm.state is not State.NORMAL
        self.overlay = replace(overlay, latched=latched)
        self.condition = conditions.start(self.definition.rule)
        self._become(NORMAL)

    def _wake(self) -> None:
        """Judge anew what is known: delays begin now, and what latched before latches again."""
        if self.overlay.latched:
            self._become(Alarm(State.LATCHED_UNACK, 1, 1))
        shelf = self.overlay.shelf
        expired = shelf is not None and shelf.until <= self.now
        self.overlay = replace(self.overlay, latched=False, shelf=None if expired else shelf)
        timed = self.definition.timed
        if timed is not None:
            levels = self.definition.rule.levels
            self.reckon(timed.look(self.memory, self.now, levels), self.now)
        if self.values:
            condition, changes = conditions.sample_levels(
                self.definition.rule, self.condition, self.now, self.values
            )
            self.condition = condition
            for each in changes:
                self.follow(each, self.now)
