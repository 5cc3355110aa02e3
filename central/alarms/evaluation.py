"""What the engine is given of a commit, and what it makes of it."""

from dataclasses import dataclass, field
from typing import NamedTuple

from central.alarms.acts.overlays import Laid
from central.alarms.journal.records import EpisodeRow
from central.alarms.samples import Good
from central.store.columns import Columns
from protocols.words import Purpose


class Evaluation(NamedTuple):
    """A commit's rows of one stream, in order of seq, with UTC times; `arrival` is now.

    `most`: readings the machine may look at one by one; None: as many as there are.
    """

    stream: int
    purpose: Purpose
    arrival: int
    rows: Columns
    most: int | None = None


@dataclass(slots=True)
class Judged:
    """Effects: changed episodes, good samples of the last minutes, and the next timer's time.

    `laid`: what lies over rules of which that changed.
    """

    episodes: list[EpisodeRow] = field(default_factory=list)
    good: list[Good] = field(default_factory=list)
    due: int | None = None
    laid: list[Laid] = field(default_factory=list)
