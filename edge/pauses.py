"""Notices that the gateway did not run: the machine slept, or the process was held.

Nothing can be measured meanwhile and nothing is made up for it. What matters is what comes right
after: an answer that was asked for before, or lay in a socket, is as old as the pause and must not
pass for a measurement of now.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from protocols.clock import SECOND, Clock, real_times
from protocols.quality import Quality, is_good
from protocols.words import Reading, TimeMark

LIMIT: Final = 5 * SECOND
"""Real time without a look that is a pause; slow cards and busy machines take less."""
LOOK: Final = 1.0
"""Real seconds between looks."""
SETTLING: Final = 2 * SECOND
"""After a pause, what arrives unasked may have waited in a socket for so long."""
SLEPT: Final = 1 * SECOND
"""Clocks with and without sleep that move apart by more: the machine itself was suspended."""


@dataclass(frozen=True, slots=True)
class Pause:
    """From the last look before to the first after it, on the gateway's monotonic clock (µs).

    `real` is how long it was in real time; `suspended` tells the machine's sleep from a process
    that was held.
    """

    start: int
    end: int
    real: int
    suspended: bool


class Pauses:
    """Looked at each second and wherever something is stamped; the first to see it tells `note`.

    Sees nothing until `watch` runs: only then does a long time without a look mean anything.
    """

    def __init__(
        self,
        clock: Clock,
        note: Callable[[Pause], None],
        times: Callable[[], tuple[int, int]] = real_times,
    ) -> None:
        self._clock = clock
        self._note = note
        self._times = times
        self._real, self._awake = times()
        self._mono = clock.mono()
        self._watching = False
        self.last: Pause | None = None
        self.count = 0
        self.total = 0
        """Real µs of all pauses."""

    def look(self) -> None:
        """Notice a pause that has just ended."""
        if not self._watching:
            return
        real, awake = self._times()
        gone, mono = real - self._real, self._clock.mono()
        slept = gone - (awake - self._awake)
        before, self._mono = self._mono, mono
        self._real, self._awake = real, awake
        if gone <= LIMIT:
            return
        self.last = Pause(before, mono, gone, suspended=slept > SLEPT)
        self.count += 1
        self.total += gone
        self._note(self.last)

    def since(self, mono: int) -> bool:
        """Return whether the gateway was away at any time after `mono`."""
        self.look()
        return self.last is not None and self.last.end > mono

    def doubted(self, readings: Sequence[Reading], spared: Sequence[bool]) -> Sequence[Reading]:
        """Return what arrived unasked, with what may have lain through a pause called uncertain.

        Of points in `spared` (by index) nothing is: what is watched is better judged late than not
        at all. A device's own time stands.
        """
        self.look()
        last = self.last
        if last is None or self._clock.mono() > last.end + SETTLING:
            return readings
        return [
            reading._replace(quality=int(Quality.UNCERTAIN_LAST_USABLE_VALUE))
            if reading.mark is TimeMark.GATEWAY
            and reading.time >= last.start
            and is_good(reading.quality)
            and not (0 <= reading.point < len(spared) and spared[reading.point])
            else reading
            for reading in readings
        ]

    async def watch(self) -> None:
        """Look each second until cancelled."""
        self._real, self._awake = self._times()
        self._mono = self._clock.mono()
        self._watching = True
        while True:
            self.look()
            await asyncio.sleep(LOOK)
