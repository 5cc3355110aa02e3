"""What a commit brings to the alarms, and what is left of it for their machine."""

from typing import Final, NamedTuple

import numpy as np

from central.alarms.arrays.still import Booleans, Floats, Integers, Past
from central.store.columns import Columns

NOBODY: Final = np.empty(0, np.int64)


class Good(NamedTuple):
    """Good samples, those of a point in order of arrival."""

    points: Integers
    times: Integers
    values: Floats

    def after(self, since: int) -> "Good":
        """Return those after `since`."""
        later = self.times > since
        if np.logical_and.reduce(later):
            return self
        return self.where(later) if np.logical_or.reduce(later) else NO_SAMPLES

    def where(self, chosen: Booleans) -> "Good":
        """Return the samples that are `chosen`."""
        return Good(self.points[chosen], self.times[chosen], self.values[chosen])


NO_SAMPLES: Final = Good(NOBODY, NOBODY, np.empty(0, np.float64))


class Coming(NamedTuple):
    """A commit's readings of one stream; `past` where it is an older one that is known.

    `most`: readings that may be left for the machine; None: as many as there are.
    """

    rows: Columns
    stream: int
    arrival: int
    past: Past | None
    most: int | None = None


class Sifted(NamedTuple):
    """The places left for the machine, in order, and the good samples that passed.

    Of the points that are `over` the stream became the live one.
    """

    left: Integers
    good: Good
    over: Integers = NOBODY


NOTHING: Final = Sifted(NOBODY, NO_SAMPLES)
