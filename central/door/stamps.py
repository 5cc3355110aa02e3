"""Many RFC 3339 texts of one form at once (pure).

A twin of `central.door.moments.written` for the common case: all texts as long as the first, and
where many differ with the same signs and the same offset. Whatever is not plainly a date and a time
it leaves to that one.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from central.store.columns import Integers

_SECOND: Final = 1_000_000
_DAY: Final = 86_400 * _SECOND
_YEAR_ONE: Final = -62_135_596_800 * _SECOND
_FORM: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"(?P<zone>[Zz]|(?P<sign>[+-])(?P<hours>[0-9]{2}):(?P<minutes>[0-5][0-9]))"
)
MANY: Final = 8
"""Different texts from which on arrays cost less."""
_DATE_AND_TIME: Final = 19
"""Letters of `2026-06-12T22:00:00`."""
_MICROSECONDS: Final = 26
"""Letters of `2026-06-12T22:00:00.000000`: what follows is cut."""
_DATE: Final = 10
_SIGNS: Final = (4, 7, _DATE, 13, 16, _DATE_AND_TIME)
Letters = NDArray[np.uint8]
Read = Callable[[str], int]


def stamps(texts: Sequence[str], written: Read) -> Integers | None:
    """Return the microseconds of at least one text; None: they are not alike.

    A scan says one text many times in a row: `written` reads it once.
    """
    first, n = texts[0], len(texts)
    joined = "".join(texts)
    if not joined.isascii() or len(joined) != n * len(first) or len(set(map(len, texts))) > 1:
        return None
    return _column(np.frombuffer(joined.encode(), np.uint8).reshape(n, -1), written)


def listed(data: bytes, n: int, written: Read) -> Integers | None:
    """Return the microseconds of a JSON list of `n` texts, as it was sent; None: not alike.

    No text is made of any: its letters are where the first one says they are.
    """
    size = data.find(b'"', 2) - 2
    if size < _DATE_AND_TIME or data[:2] != b'["' or data[-2:] != b'"]':
        return None
    between = data[size + 3 : data.find(b'"', size + 3)] if n > 1 else b","
    step = size + 2 + len(between)
    if between not in (b",", b", ") or len(data) != n * step - len(between) + 2:
        return None
    # Cells are as long as the first and what is behind it; so each begins where one should, or
    # differs from the one before in what is around it.
    letters = np.frombuffer(data[1:-1] + between, np.uint8)
    starts = _starts(letters[step:] != letters[:-step], step)
    cells = letters.reshape(n, step)[starts]
    around = np.frombuffer(b'"' + between, np.uint8)
    if (cells[:, 0] != around[0]).any() or (cells[:, size + 1 :] != around).any():
        return None
    found = _moments_of(cells[:, 1 : size + 1], written)
    if found is None or int(np.minimum.reduce(found)) < _YEAR_ONE - _DAY:
        return None
    return _spread(found, starts, n)


def _column(letters: Letters, written: Read) -> Integers | None:
    """Return the microseconds of rows of letters."""
    n, size = letters.shape
    flat = letters.reshape(-1)
    starts = _starts(flat[size:] != flat[:-size], size)
    found = _moments_of(letters[starts], written)
    return None if found is None else _spread(found, starts, n)


def _starts(differs: NDArray[np.bool_], step: int) -> Integers:
    """Return the rows in which a letter differs from the same one of the row before; and 0."""
    rows = differs.nonzero()[0] // step + 1
    starting = np.ones(len(rows) + 1, np.bool_)
    np.not_equal(rows[1:], rows[:-1], out=starting[2:])
    starts = np.zeros(len(rows) + 1, np.int64)
    starts[1:] = rows
    return starts[starting]


def _spread(found: Integers, starts: Integers, n: int) -> Integers:
    if len(starts) == n:
        return found
    counts = np.empty(len(starts), np.int64)
    np.subtract(starts[1:], starts[:-1], out=counts[:-1])
    counts[-1] = n - starts[-1]
    return np.repeat(found, counts)


def _moments_of(letters: Letters, written: Read) -> Integers | None:
    """Return the microseconds of rows, each of which differs from the one before."""
    if len(letters) < MANY:
        each = (written(_text(row)) for row in letters)
        return np.fromiter(each, np.int64, len(letters))
    return _read(letters)


def _text(row: Any) -> str:
    return bytes(row).decode("latin-1")


def _read(letters: Letters) -> Integers | None:
    """Return the microseconds of texts of one length."""
    first = _text(letters[0])
    form = _FORM.fullmatch(first)
    if form is None:
        return None
    digits, signs = _places(form.start("zone"), len(first))
    if (letters[:, signs] != letters[0, signs]).any():
        return None
    figures = letters[:, digits] - np.uint8(48)  # what is below turns over
    if np.maximum.reduce(figures, axis=None) > 9:
        return None
    offset = 0
    if form["hours"] is not None:
        offset = (int(form["hours"]) * 60 + int(form["minutes"])) * 60 * _SECOND
        if offset >= _DAY:
            return None
    found = _moments(letters[:, : min(form.start("zone"), _MICROSECONDS)])
    return found if found is None else found - (-offset if form["sign"] == "-" else offset)


@lru_cache(maxsize=64)
def _places(zone: int, size: int) -> tuple[Integers, Integers]:
    """Return where the digits are of a text whose zone begins there, and where all else is."""
    there = np.zeros(size, np.bool_)
    there[:zone] = True
    there[[at for at in _SIGNS if at < zone]] = False
    return there.nonzero()[0], (~there).nonzero()[0]


def _moments(letters: Letters) -> Integers | None:
    """Return the microseconds of dates and times whose digits are digits."""
    written = letters.copy()
    written[:, _DATE] = ord("T")
    texts = written.view(f"S{written.shape[1]}")[:, 0]
    try:
        found: Integers = texts.astype("datetime64[us]").astype(np.int64)
    except ValueError:  # no such day or hour
        return None
    return None if int(np.minimum.reduce(found)) < _YEAR_ONE else found
