"""Whether what the kernel says of the wall clock is believed (pure; all times µs).

A clock from before this program was written is wrong, whoever calls it synchronised. One that jumps
while it is called synchronised is not believed until it has stood for longer than the slowest time
daemon takes to look again.
"""

from dataclasses import dataclass
from typing import Final

from protocols.kernel_clock import Discipline

BUILT: Final = 1_795_305_600_000_000
"""2026-11-22 00:00 UTC: no clock that is right shows less. Moved forward with each release."""
STEP: Final = 2_000_000
"""A synchronised clock is slewed; one that moves by more than this was set."""
SLEW: Final = 500
"""Parts per million: the fastest a kernel slews."""
BELIEVED: Final = 1_100_000_000
"""A stepped clock that is called synchronised for so long is: daemons look each 1024 s at least."""


@dataclass(slots=True)
class Trust:
    """Remembers where the wall clock stood against the time since boot."""

    _offset: int | None = None
    _at: int = 0
    _stepped: int | None = None
    _since: int = 0

    def judge(self, said: Discipline, wall: int, since_boot: int) -> Discipline:
        """Return what the clock is worth now."""
        if wall < BUILT:
            self._offset = None
            return said._replace(synchronised=False, reason="before_build")
        if not said.synchronised:  # whatever it is set to next is as good
            self._offset = None
            return said
        offset = wall - since_boot
        if self._offset is None or _near(offset, self._offset, since_boot - self._at):
            return self._believe(said, offset, since_boot)
        if self._stepped is None or not _near(offset, self._stepped, since_boot - self._since):
            self._stepped, self._since = offset, since_boot
        if since_boot - self._since >= BELIEVED:
            return self._believe(said, offset, since_boot)
        return said._replace(synchronised=False, reason="stepped")

    def _believe(self, said: Discipline, offset: int, since_boot: int) -> Discipline:
        self._offset, self._at, self._stepped = offset, since_boot, None
        return said


def _near(offset: int, other: int, elapsed: int) -> bool:
    return abs(offset - other) <= STEP + max(0, elapsed) * SLEW // 1_000_000
