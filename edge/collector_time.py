"""How far this gateway's wall clock is from the collector's, by the times its answers carry."""

from dataclasses import dataclass
from typing import Any, Final

from protocols.clock import MINUTE, SECOND

FRESH: Final = 10 * MINUTE
"""A closer measurement stands for so long (gateway's clock); clocks drift."""


@dataclass(slots=True)
class CollectorTime:
    """All µs. `offset` is ours minus the collector's, right to within `within`: half the time
    between the request and its answer. `round_trip` is that of the last report of health.
    """

    offset: int | None = None
    within: int | None = None
    measured: int = 0
    round_trip: int | None = None

    def note(self, sent: tuple[int, int], here: tuple[int, int], said: int) -> None:
        """Take an answer's time; `sent` and `here`: monotonic and wall clock before and after."""
        between = here[0] - sent[0]
        if between < 0 or abs((here[1] - sent[1]) - between) > SECOND:
            return  # the wall clock was set meanwhile
        within = between // 2
        if self.within is None or within <= self.within or here[0] - self.measured > FRESH:
            self.offset, self.within, self.measured = here[1] - within - said, within, here[0]

    def picture(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {"offset": self.offset, "within": self.within, "round_trip": self.round_trip}
