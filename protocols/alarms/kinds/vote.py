"""How many inputs vote, against levels such as >= 2 (2 of 3); within some minutes of each other."""

from dataclasses import dataclass
from typing import NamedTuple

from protocols.alarms.kinds.kind import Reading, Taken
from protocols.alarms.kinds.several import Clause, Known, put
from protocols.alarms.rule import Level
from protocols.clock import SECOND


class Votes(NamedTuple):
    """What is known of each input, and when each clause (by its place) last held."""

    known: Known = ()
    held: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """How many inputs vote.

    A head that is out of order cannot vote: it votes with those that do, so that two of three
    become one of two; on heads that are all out of order nothing is known. `within`: a head that
    held votes on for so many seconds while another holds, whatever it says since.
    """

    clauses: tuple[Clause, ...]
    within: float | None = None
    lateness: float = 0.0

    def begin(self) -> Known | Votes:
        """Return that no input is known."""
        return () if self.within is None else Votes()

    def take(self, memory: Known | Votes, reading: Reading, levels: tuple[Level, ...]) -> Taken:
        """Take one input."""
        votes = self._until(_votes(memory), reading.time)
        known = put(votes.known, reading.input, reading.value)
        return self._counted(votes._replace(known=known), reading.time, levels)

    def again(self, before: "Vote", held: Taken, levels: tuple[Level, ...], time: int) -> Taken:
        """Let what is known vote by these clauses."""
        votes = _votes(held.memory)
        if before.clauses != self.clauses:
            votes = votes._replace(held=())
        return self._counted(votes, time, levels)

    def lose(self, memory: Known | Votes, name: str, time: int) -> Known | Votes:
        """Forget one input; that it held until now is not forgotten."""
        votes = self._until(_votes(memory), time)
        return self._kept(votes._replace(known=put(votes.known, name, None)))

    def _counted(self, votes: Votes, time: int, levels: tuple[Level, ...]) -> Taken:
        votes = self._until(votes, time)
        lately, values = dict(votes.held), dict(votes.known)
        said = [
            (place in lately, clause.holds(values))
            for place, clause in enumerate(self.clauses)
            if clause.input in values
        ]
        # Where nothing holds any more, and no head is lost that held just now, it is over.
        stands = any(now or (now is None and late) for late, now in said)
        held = [True if stands and late else now for late, now in said]
        voted, lost = held.count(True), held.count(None)
        memory = self._kept(votes)
        if lost == len(held) or len(held) < len(self.clauses):
            return Taken(memory, (float(voted) if voted else None,) * len(levels))
        return Taken(memory, (float(voted + lost) if voted else 0.0,) * len(levels))

    def _until(self, votes: Votes, time: int) -> Votes:
        """Return the votes at a time: what holds has held until then, what is too old is gone."""
        if self.within is None:
            return votes._replace(held=())
        first, values = time - round(self.within * SECOND), dict(votes.known)
        last = {place: at for place, at in votes.held if at >= first}
        for place, clause in enumerate(self.clauses):
            if clause.holds(values):
                last[place] = max(time, last.get(place, time))
        return votes._replace(held=tuple(sorted(last.items())))

    def _kept(self, votes: Votes) -> Known | Votes:
        return votes.known if self.within is None else votes


def _votes(memory: Known | Votes) -> Votes:
    return memory if isinstance(memory, Votes) else Votes(memory)
