"""Many different RFC 3339 texts of one form at once (pure).

A twin of `central.door.moments.written` for the common case: all texts as long as the first, and
where many differ with the same signs and the same offset. Whatever is not plainly a date and a time
it leaves to that one.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from central.store.columns import Integers

_SECOND: Final = 1_000_000
_DAY: Final = 86_400 * _SECOND
_FORM: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"(?P<zone>[Zz]|(?P<sign>[+-])(?P<hours>[0-9]{2}):(?P<minutes>[0-5][0-9]))"
)
MANY: Final = 24
"""Different texts from which on arrays cost less."""
_DATE_AND_TIME: Final = 19
"""Letters of `2026-06-12T22:00:00`."""


def stamps(texts: Sequence[str], written: Callable[[str], int]) -> Integers | None:
    """Return the microseconds of at least one text; None: they are not alike.

    A scan says one text many times in a row: `written` reads it once.
    """
    first, n = texts[0], len(texts)
    joined = "".join(texts)
    if not joined.isascii() or len(joined) != n * len(first) or len(set(map(len, texts))) > 1:
        return None
    if len(first) < _DATE_AND_TIME:
        return None
    letters = np.frombuffer(joined.encode(), np.uint8).reshape(n, len(first))
    starting = np.zeros(n, np.bool_)
    starting[0] = True
    starting[np.flatnonzero(letters[1:] != letters[:-1]) // len(first) + 1] = True
    starts = np.flatnonzero(starting)
    if len(starts) < MANY:
        found = np.array([written(texts[at]) for at in starts.tolist()], np.int64)
    else:
        different = _read(letters[starts], first)
        if different is None:
            return None
        found = different
    return found if len(starts) == n else np.repeat(found, np.diff(starts, append=n))


def _read(letters: NDArray[np.uint8], first: str) -> Integers | None:
    """Return the microseconds of rows of letters, of which the first is `first`."""
    form = _FORM.fullmatch(first)
    if form is None:
        return None
    digits = [place for place in range(form.start("zone")) if first[place].isdigit()]
    signs = [place for place in range(len(first)) if place not in digits]
    if (letters[:, signs] != letters[0, signs]).any():
        return None
    figures = np.ascontiguousarray(letters[:, digits].T).astype(np.int64) - 48
    if ((figures < 0) | (figures > 9)).any():
        return None
    offset = 0
    if form["hours"] is not None:
        offset = (int(form["hours"]) * 60 + int(form["minutes"])) * 60 * _SECOND
        if offset >= _DAY:
            return None
    found = _moments(figures)
    return found if found is None else found - (-offset if form["sign"] == "-" else offset)


def _moments(figures: Integers) -> Integers | None:
    """Return the microseconds of rows of digits: 4 of the year, 2 each, the rest a fraction."""
    year = _number(figures[:4])
    month, day, hour, minute, second = (
        _number(figures[at : at + 2]) for at in range(4, _DATE_AND_TIME - 5, 2)
    )
    if year.min() < 1 or month.min() < 1 or month.max() > 12 or day.min() < 1:
        return None
    if hour.max() > 23 or minute.max() > 59 or second.max() > 59:
        return None
    months = (year - 1970) * 12 + month - 1
    starts = _first_days(np.stack([months, months + 1]))
    if (day > starts[1] - starts[0]).any():
        return None
    seconds = ((starts[0] + day - 1) * 24 + hour) * 3_600 + minute * 60 + second
    fraction = figures[14:20]
    scale = 10 ** (6 - len(fraction))
    found: Integers = seconds * _SECOND + (_number(fraction) * scale if len(fraction) else 0)
    return found


def _number(figures: Integers) -> Integers:
    number: Integers = figures[0].copy()
    for row in figures[1:]:
        number *= 10
        number += row
    return number


def _first_days(months: Integers) -> Integers:
    """Return the days since 1970 with which months since 1970 begin."""
    days: Integers = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return days
