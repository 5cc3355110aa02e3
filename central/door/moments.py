"""Times as others write them (pure, total): RFC 3339 with an offset, or whole microseconds UTC.

Numbers are taken only where the sender said `time_us`: seconds or milliseconds in a field of
microseconds would lie in 1970, and nobody would notice.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from central.door.reasons import NO_TIME, Reason, code
from central.door.stamps import listed, stamps
from central.store.columns import Integers

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
_FORM: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-5][0-9])"
)
_DIGITS: Final = re.compile(r"[0-9]{1,18}")
LEAST: Final = 100_000_000_000_000
"""March 1973 in microseconds; what is below was in another unit."""
MOST: Final = 253_402_214_400_000_000
"""The last moment (µs UTC) that can be written as a date in any offset."""
FORMS: Final = 4
"""Lengths of texts in one column up to which those of one length are read together."""

Moment = int | Reason


def written(text: object) -> Moment:
    """Return the microseconds of an RFC 3339 text (its digits beyond microseconds are cut)."""
    if type(text) is not str or not _FORM.fullmatch(text):
        return Reason.BAD_TIME
    try:
        return (datetime.fromisoformat(text.upper()) - EPOCH) // MICROSECOND
    except (ValueError, OverflowError):
        return Reason.BAD_TIME


def counted(number: object) -> Moment:
    """Return whole microseconds since 1970."""
    if type(number) is not int or not LEAST <= number <= MOST:
        return Reason.BAD_TIME
    return number


def counted_text(text: str) -> Moment:
    """Return the same from digits."""
    return counted(int(text)) if _DIGITS.fullmatch(text) else Reason.BAD_TIME


def listed_texts(data: bytes, n: int) -> Integers | None:
    """Return a JSON list of `n` RFC 3339 texts of one form, as it was sent; None: it is another."""
    return listed(data, n, _written)


def texts(cells: Sequence[str]) -> Integers:
    """Return a column of RFC 3339 texts, as `written` reads each; NO_TIME where it is none."""
    found = alike(cells)
    if found is not None:
        return found
    known = {text: _written(text) for text in set(cells)}
    return np.fromiter(map(known.__getitem__, cells), np.int64, len(cells))


def alike(cells: Sequence[str]) -> Integers | None:
    """Return the same where the texts are of one form, or of few lengths; None: they are not."""
    found = stamps(cells, _written) if cells else np.zeros(0, np.int64)
    if found is not None:
        return found
    lengths = list(map(len, cells))
    if not 1 < len(set(lengths)) <= FORMS:  # a fraction of nothing is left out by many
        return None
    column = np.empty(len(cells), np.int64)
    for length in set(lengths):
        places = [at for at, each in enumerate(lengths) if each == length]
        part = stamps([cells[at] for at in places], _written)
        if part is None:
            return None
        column[places] = part
    return column


def _written(text: str) -> int:
    return code(written(text))


def numbers(cells: Sequence[int]) -> Integers:
    """Return a column of whole microseconds, as `counted` reads each; NO_TIME where it is none."""
    try:
        column = np.array(cells, np.int64)
    except OverflowError:
        return np.array([code(counted(cell)) for cell in cells], np.int64)
    column[(column < LEAST) | (column > MOST)] = NO_TIME
    return column
