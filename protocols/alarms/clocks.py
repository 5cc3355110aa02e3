"""An alarm's own clocks: called again, called higher, and how often it began lately (pure)."""

from typing import Final, NamedTuple

from protocols.alarms.definition import Clocks
from protocols.clock import SECOND


class Timers(NamedTuple):
    """`announced`: when somebody was called who has not answered; `told`: escalations since.

    `acked`: from when the time until it is called again counts; `again`: how often it was.
    `begun`: when the condition began lately; `chattering`: that was too often.
    """

    announced: int | None = None
    told: int = 0
    acked: int | None = None
    again: int = 0
    begun: tuple[int, ...] = ()
    chattering: bool = False

    def due(self, clocks: Clocks) -> int | None:
        """Return when the next of them fires."""
        higher, again = self.escalation(clocks), self.realarm(clocks)
        if higher is None or again is None:
            return again if higher is None else higher
        return min(higher, again)

    def escalation(self, clocks: Clocks) -> int | None:
        """Return when it is called higher, unless somebody answers."""
        if self.announced is None or self.told >= len(clocks.escalate):
            return None
        return self.announced + round(clocks.escalate[self.told] * SECOND)

    def realarm(self, clocks: Clocks) -> int | None:
        """Return when it is called again, unless it returns."""
        repeats = clocks.realarm_repeats
        if self.acked is None or clocks.realarm_after is None:
            return None
        if repeats is not None and self.again >= repeats:
            return None
        return self.acked + round(clocks.realarm_after * SECOND)

    def announce(self, now: int) -> "Timers":
        """Return that somebody is called."""
        return Timers(now, 0, None, self.again, self.begun, self.chattering)

    def answer(self, now: int, *, stands: bool) -> "Timers":
        """Return that somebody answered; `stands`: the condition is not over."""
        acked = now if stands else None
        return Timers(None, 0, acked, self.again, self.begun, self.chattering)

    def rest(self) -> "Timers":
        """Return that nobody is called and nobody will be."""
        if self.announced is None and self.acked is None:
            return self
        return Timers(None, 0, None, self.again, self.begun, self.chattering)

    def over(self) -> "Timers":
        """Return that the episode ended."""
        if not self.begun:
            return IDLE
        return Timers(None, 0, None, 0, self.begun, self.chattering)

    def begin(self, clocks: Clocks, time: int) -> tuple["Timers", bool]:
        """Take a beginning of the condition; also return whether that is chatter from now on."""
        if clocks.chatter is None:
            return self, False
        count, seconds = clocks.chatter
        kept = [each for each in self.begun if each > time - round(seconds * SECOND)]
        begun = (*kept, time)[-count:]
        chattering = len(begun) >= count
        return self._replace(begun=begun, chattering=chattering), chattering > self.chattering

    def chatters(self, clocks: Clocks, now: int) -> bool:
        """Return whether it chatters still: that ends by itself, when it was quiet long enough."""
        if clocks.chatter is None:
            return False
        count, seconds = clocks.chatter
        return sum(each > now - round(seconds * SECOND) for each in self.begun) >= count


IDLE: Final = Timers()
