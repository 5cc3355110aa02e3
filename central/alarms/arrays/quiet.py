"""Which readings of a commit cannot change any alarm, found for whole columns at once.

The engine keeps for every point the bounds between which a good value changes nothing. When all of
a point's good values in a commit lie between them, in rising time, the machine would only have
noted the newest: that is done here, in arrays. The other points go through the machine whole,
reading by reading. Both ways give the same (the tests hold them against each other).
"""

from typing import Final, NamedTuple

import numpy as np

from central.alarms.arrays.scan import scanned
from central.alarms.arrays.scans import sifted
from central.alarms.arrays.still import Booleans, Floats, Integers, Live
from central.alarms.samples import NO_SAMPLES as NO_SAMPLES
from central.alarms.samples import NOBODY, NOTHING, Coming, Good, Sifted
from central.database_queue import Heavy
from central.store.interface import FLAG_ESTIMATED
from central.store.points import GOOD_BELOW
from central.store.values import NONE, OTHER
from protocols.alarms.condition import LIVE_DELAY

_NARROW: Final = 1 << 16


class _Heard(NamedTuple):
    """The columns of readings some rule judges, and what is known of their stream."""

    points: Integers
    times: Integers
    numbers: Floats
    qualities: Integers
    flags: Integers
    own: Booleans
    """Whether the stream is the point's live one, or may become it."""
    coming: Coming
    places: Integers | None
    """Theirs in the commit; None: all of it."""
    fresh: Booleans | None = None
    """Which would make the stream the live one."""


def sift(live: Live, coming: Coming) -> Sifted:
    """Note what cannot change anything, and return the rest.

    Raises Heavy, with nothing noted, where more is left than may be.
    """
    usual = scanned(live, coming) or sifted(live, coming)
    if usual is not None:
        return usual
    points = coming.rows.points
    try:
        own = live.streams[points] == coming.stream
    except IndexError:
        live.reach(int(points.max()))
        own = live.streams[points] == coming.stream
    heard = _hear(live, coming, own)
    if not len(heard.points):
        return NOTHING
    calm = _calm(live, heard)
    # What is no number is no value that lies between bounds.
    if np.count_nonzero(calm) < len(calm) or not _plain(heard):
        return _part(live, heard, calm)
    samples = Good(heard.points, heard.times, heard.numbers)
    if len(_fallen(live, samples)):
        return _part(live, heard, calm)
    _note(live, heard, heard.own, samples)
    return Sifted(NOBODY, samples, _take_over(live, heard, heard.fresh, samples))


def _hear(live: Live, coming: Coming, own: Booleans) -> _Heard:
    """Leave out what no rule judges."""
    rows = coming.rows
    points, times, numbers = rows.points, rows.times, rows.values.numbers
    qualities, flags = rows.qualities, rows.flags
    places = None
    if np.count_nonzero(own) == len(own):
        return _Heard(points, times, numbers, qualities, flags, own, coming, places)
    watched = live.watched[points]
    if np.count_nonzero(watched) < len(watched):
        places = np.flatnonzero(watched)
        points, times, numbers = points[places], times[places], numbers[places]
        qualities, flags, own = qualities[places], flags[places], own[places]
    fresh = _fresh(live, own, points, times)
    if fresh is not None:
        own = own | fresh
    return _Heard(points, times, numbers, qualities, flags, own, coming, places, fresh)


def _fresh(live: Live, own: Booleans, points: Integers, times: Integers) -> Booleans | None:
    """Return what would make the stream the live one and leaves no branch behind."""
    fresh = live.free[points]
    if not np.count_nonzero(fresh):
        return None
    fresh &= ~own
    fresh &= times > live.times[points]
    return fresh if np.count_nonzero(fresh) else None


def _part(live: Live, heard: _Heard, calm: Booleans) -> Sifted:
    """Tell points that pass from those of which something does not."""
    points = heard.points
    timed = (heard.flags & FLAG_ESTIMATED) == 0
    good = heard.qualities < GOOD_BELOW
    known = timed & good & _numbers(heard)
    odd = known & ~calm
    bad = timed & ~good
    if bad.any():
        odd |= bad & ~_able(live, heard)
    fine = np.flatnonzero(known & calm)
    samples = Good(points[fine], heard.times[fine], heard.numbers[fine])
    odd[fine[_fallen(live, samples)]] = True
    left = NOBODY
    if odd.any():
        apart = points[odd]
        live.marks[apart] = True
        mixed = live.marks[points]
        live.marks[apart] = False
        left = np.flatnonzero(mixed)
        if heard.coming.most is not None and len(left) > heard.coming.most:
            raise Heavy
        fine, samples = fine[~mixed[fine]], samples.where(~mixed[fine])
    _note(live, heard, heard.own[fine], samples)
    fresh = None if heard.fresh is None else heard.fresh[fine]
    over = _take_over(live, heard, fresh, samples)
    return Sifted(left if heard.places is None else heard.places[left], samples, over)


def _plain(heard: _Heard) -> bool:
    """Whether all are of good quality, and their times were known."""
    if np.bitwise_or.reduce(heard.flags) & FLAG_ESTIMATED:
        return False
    return bool(np.count_nonzero(heard.qualities < GOOD_BELOW) == len(heard.qualities))


def _numbers(heard: _Heard) -> Booleans:
    """Return which values are numbers, large ones too."""
    values, places = heard.coming.rows.values, heard.places
    kinds = values.kinds if places is None else values.kinds[places]
    numbers: Booleans = kinds != NONE
    if values.others and (kinds == OTHER).any():
        texts = [place for place, value in values.others.items() if isinstance(value, str)]
        numbers[np.isin(np.arange(len(values)) if places is None else places, texts)] = False
    return numbers


def _calm(live: Live, heard: _Heard) -> Booleans:
    """Return which values, each by itself, are newer and change nothing."""
    number = np.count_nonzero(heard.own)
    if number == len(heard.own):
        return _calm_live(live, heard)
    if not number:
        return _calm_past(live, heard)
    return np.where(heard.own, _calm_live(live, heard), _calm_past(live, heard))


def _calm_live(live: Live, heard: _Heard) -> Booleans:
    points, times, numbers = heard.points, heard.times, heard.numbers
    calm: Booleans = numbers > live.low[points]
    calm &= numbers < live.high[points]
    calm &= times > live.times[points]
    prompt = heard.coming.arrival - LIVE_DELAY
    late = times < prompt
    if np.count_nonzero(late):
        # What stands and is late may be told otherwise once it catches up.
        calm &= ~(late & live.stands[points])
    return calm


def _calm_past(live: Live, heard: _Heard) -> Booleans:
    points, times, numbers = heard.points, heard.times, heard.numbers
    past = heard.coming.past
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


def _able(live: Live, heard: _Heard) -> Booleans:
    """Return of which readings bad quality changes nothing."""
    points, past = heard.points, heard.coming.past
    able: Booleans = heard.own & (live.low[points] < live.high[points])
    able |= live.free[points]
    if past is not None:
        places = live.places[points]
        past.reach(int(places.max()))
        older = (past.low[places] < past.high[places]) & (heard.times < live.times[points])
        able |= ~heard.own & older
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


def _note(live: Live, heard: _Heard, own: Booleans, samples: Good) -> None:
    """Keep the newest of each point: of several the last, which rise."""
    number = np.count_nonzero(own)
    if number < len(own):
        points, times, _ = samples
        if number:
            points, times = points[~own], times[~own]
            samples = samples.where(own)
        past = heard.coming.past
        if past is not None:
            places = live.places[points]
            past.times[places] = times
            past.moved[places] = True
            past.changed = True
    if number:
        points, times, values = samples
        live.times[points] = times
        live.values[points] = values
        live.arrived[points] = heard.coming.arrival


def _take_over(live: Live, heard: _Heard, fresh: Booleans | None, samples: Good) -> Integers:
    """Make the stream the live one where that is `fresh`; return those points, each once."""
    if fresh is None or not np.count_nonzero(fresh):
        return NOBODY
    points, times = samples.points[fresh], samples.times[fresh]
    live.streams[points] = heard.coming.stream
    at = np.arange(len(points))
    live.spots[points[::-1]] = at[::-1]  # of several the first
    first = live.spots[points] == at
    taken: Integers = points[first]
    live.since[taken] = times[first]
    return taken
