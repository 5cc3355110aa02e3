"""What one rule's levels mean for others: they are counted by some, and let others rest."""

from collections.abc import Collection, Iterable

from central.alarms.counting import Counting
from central.alarms.moves import Moves
from central.alarms.suppressing import Known, Suppressing
from central.alarms.tracked import Tracked


class Relations:
    """Of all rules that judge; `awake` gives one unless it sleeps: then no level of it stands."""

    def __init__(self, awake: Known) -> None:
        self.suppressing = Suppressing(awake)
        self._counting = Counting(awake)

    def place(self, tracked: Tracked, *, active: bool) -> None:
        """Let a rule be about the others it names, or about none any more."""
        self._counting.place(tracked, active=active)
        self.suppressing.place(tracked, active=active)

    def spread(self, moves: Moves, changed: Iterable[Tracked]) -> dict[str, Tracked]:
        """Feed rules that count what changed, and so on; return every rule that was fed."""
        changed = list(changed)
        fed = self._counting.spread(moves, changed)
        self.heard(moves, changed)
        self.heard(moves, fed.values())
        return fed

    def heard(self, moves: Moves, changed: Collection[Tracked]) -> None:
        """Take that rules were stepped that nobody counts by it."""
        self.suppressing.heard(changed, moves.told)
