"""Which readings of a commit cannot change any alarm, found for whole columns at once.

The engine keeps for every point the bounds between which a good value changes nothing. When all of
a point's good values in a commit lie between them, in rising time, the machine would only have
noted the newest: that is done here, in arrays. The other points go through the machine whole,
reading by reading. Both ways give the same (the tests hold them against each other).
"""

from typing import Final, NamedTuple

import numpy as np

from central.alarms.still import Booleans, Floats, Integers, Live, Past
from central.store.columns import Columns
from central.store.interface import FLAG_ESTIMATED
from central.store.points import GOOD_BELOW
from central.store.values import NONE, OTHER
from protocols.alarms.condition import LIVE_DELAY

_NARROW: Final = 1 << 16
NOBODY: Final = np.empty(0, np.int64)


class Good(NamedTuple):
    """Good samples, those of a point in order of arrival."""

    points: Integers
    times: Integers
    values: Floats

    def after(self, since: int) -> "Good":
        """Return those after `since`."""
        later = self.times > since
        kept = np.count_nonzero(later)
        if kept == len(later):
            return self
        return self.where(later) if kept else NO_SAMPLES

    def where(self, chosen: Booleans) -> "Good":
        """Return the samples that are `chosen`."""
        return Good(self.points[chosen], self.times[chosen], self.values[chosen])


NO_SAMPLES: Final = Good(NOBODY, NOBODY, np.empty(0, np.float64))


class Coming(NamedTuple):
    """A commit's readings of one stream; `past` where it is an older one that is known."""

    rows: Columns
    stream: int
    arrival: int
    past: Past | None


class Sifted(NamedTuple):
    """The places left for the machine, in order, and the good samples that passed."""

    left: Integers
    good: Good


def sift(live: Live, coming: Coming) -> Sifted:
    """Note what cannot change anything, and return the rest."""
    rows = coming.rows
    try:
        own = live.streams[rows.points] == coming.stream
    except IndexError:
        live.reach(int(rows.points.max()))
        own = live.streams[rows.points] == coming.stream
    calm = _calm(live, coming, own)
    # What is no number is no value that lies between bounds.
    if np.count_nonzero(calm) < len(calm) or not _plain(rows):
        return _part(live, coming, own, calm)
    samples = Good(rows.points, rows.times, rows.values.numbers)
    if len(_fallen(live, samples)):
        return _part(live, coming, own, calm)
    _note(live, coming, own, samples)
    return Sifted(NOBODY, samples)


def _part(live: Live, coming: Coming, own: Booleans, calm: Booleans) -> Sifted:
    """Tell points that pass from those of which something does not."""
    rows = coming.rows
    points = rows.points
    watched = live.watched[points]
    heard = watched & ((rows.flags & FLAG_ESTIMATED) == 0)
    good = rows.qualities < GOOD_BELOW
    known = heard & good & _numbers(rows, heard)
    odd = known & ~calm
    bad = heard & ~good
    if bad.any():
        odd |= bad & ~_able(live, coming, own)
    fine = np.flatnonzero(known & calm)
    samples = Good(points[fine], rows.times[fine], rows.values.numbers[fine])
    odd[fine[_fallen(live, samples)]] = True
    apart = points[odd]
    live.marks[apart] = True
    left = live.marks[points] & watched
    live.marks[apart] = False
    passed = ~left[fine]
    samples = samples.where(passed)
    _note(live, coming, own[fine[passed]], samples)
    return Sifted(np.flatnonzero(left), samples)


def _plain(rows: Columns) -> bool:
    """Whether all are of good quality, and their times were known."""
    if np.bitwise_or.reduce(rows.flags) & FLAG_ESTIMATED:
        return False
    return bool(np.count_nonzero(rows.qualities < GOOD_BELOW) == len(rows.qualities))


def _numbers(rows: Columns, heard: Booleans) -> Booleans:
    """Return which values are numbers; of what nobody hears it does not matter."""
    values = rows.values
    numbers: Booleans = values.kinds != NONE
    if values.others and (heard & (values.kinds == OTHER)).any():
        texts = [place for place, value in values.others.items() if isinstance(value, str)]
        numbers[texts] = False
    return numbers


def _calm(live: Live, coming: Coming, own: Booleans) -> Booleans:
    """Return which values, each by itself, are newer and change nothing."""
    number = np.count_nonzero(own)
    if number == len(own):
        return _calm_live(live, coming)
    if not number:
        return _calm_past(live, coming)
    return np.where(own, _calm_live(live, coming), _calm_past(live, coming))


def _calm_live(live: Live, coming: Coming) -> Booleans:
    points, times, numbers = coming.rows.points, coming.rows.times, coming.rows.values.numbers
    calm: Booleans = numbers > live.low[points]
    calm &= numbers < live.high[points]
    calm &= times > live.times[points]
    prompt = coming.arrival - LIVE_DELAY
    late = times < prompt
    if np.count_nonzero(late):
        # What stands and is late may be told otherwise once it catches up.
        calm &= ~(late & live.stands[points])
    return calm


def _calm_past(live: Live, coming: Coming) -> Booleans:
    points, times, numbers = coming.rows.points, coming.rows.times, coming.rows.values.numbers
    past = coming.past
    if past is None:
        return np.zeros(len(points), np.bool_)
    places = live.places[points]
    try:
        calm: Booleans = numbers > past.low[places]
    except IndexError:
        past.reach(int(places.max()))
        calm = numbers > past.low[places]
    calm &= numbers < past.high[places]
    calm &= times > past.times[places]
    calm &= times <= live.times[points]
    return calm


def _able(live: Live, coming: Coming, own: Booleans) -> Booleans:
    """Return of which readings bad quality changes nothing."""
    points, past = coming.rows.points, coming.past
    able: Booleans = own & (live.low[points] < live.high[points])
    if past is not None:
        places = live.places[points]
        older = (past.low[places] < past.high[places]) & (coming.rows.times < live.times[points])
        able |= ~own & older
    return able


def _fallen(live: Live, samples: Good) -> Integers:
    """Return the places of samples that are not newer than the one of their point before them."""
    points, times = samples.points, samples.times
    if _goes_up(times, points) or _goes_up(points, times):
        return NOBODY
    at = np.arange(len(points))
    live.spots[points] = at
    if np.count_nonzero(live.spots[points] == at) == len(at):
        return NOBODY  # one of each
    order = _by_point(points)
    points, times = points[order], times[order]
    fallen = (times[1:] <= times[:-1]) & (points[1:] == points[:-1])
    return order[1:][fallen] if fallen.any() else NOBODY


def _goes_up(first: Integers, then: Integers) -> bool:
    """Whether the pairs rise from one to the next: scan by scan, or point by point."""
    before, after = first[:-1], first[1:]
    up = (after == before) & (then[1:] > then[:-1])
    up |= after > before
    return bool(np.count_nonzero(up) == len(up))


def _by_point(points: Integers) -> Integers:
    """Return the places by point, those of a point in order of arrival."""
    above = points - points.min()
    # Narrow numbers are sorted by radix, three times as fast.
    narrow = above.astype(np.uint16) if above.max() < _NARROW else above
    order: Integers = narrow.argsort(kind="stable")
    return order


def _note(live: Live, coming: Coming, own: Booleans, samples: Good) -> None:
    """Keep the newest of each point: of several the last, which rise."""
    number = np.count_nonzero(own)
    if number < len(own):
        points, times, _ = samples
        if number:
            points, times = points[~own], times[~own]
            samples = samples.where(own)
        past = coming.past
        if past is not None:
            places = live.places[points]
            past.times[places] = times
            past.moved[places] = True
            past.changed = True
    if number:
        points, times, values = samples
        live.times[points] = times
        live.values[points] = values
        live.arrived[points] = coming.arrival
