"""Many RFC 3339 texts of one form at once (pure).

A twin of `central.door.moments.written` for the common case: all texts as long as the first, and
where many differ with the same signs and the same offset. Whatever is not plainly a date and a time
it leaves to that one.
"""

import re
from collections.abc import Callable, Sequence
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
    # The last text has nothing behind it; with the bracket it is one short or more.
    cells = np.frombuffer(data[1:-1] + between, np.uint8).reshape(n, step)
    around = np.frombuffer(b'"' + between + b'"', np.uint8)
    if (cells[:, 0] != around[0]).any() or (cells[:, size + 1 :] != around[:-1]).any():
        return None
    found = _column(cells[:, 1 : size + 1], written)
    return None if found is None or int(np.minimum.reduce(found)) < _YEAR_ONE - _DAY else found


def _column(letters: Letters, written: Read) -> Integers | None:
    """Return the microseconds of rows of letters."""
    n, size = letters.shape
    if size < _DATE_AND_TIME:
        return None
    starting = np.ones(n, np.bool_)
    cells = np.ascontiguousarray(letters).view(f"S{size}")[:, 0]
    np.not_equal(cells[1:], cells[:-1], out=starting[1:])
    starts = starting.nonzero()[0]
    if len(starts) < MANY:
        each = (written(_text(letters[at])) for at in starts.tolist())
        found = np.fromiter(each, np.int64, len(starts))
    else:
        different = _read(letters[starts])
        if different is None:
            return None
        found = different
    return found if len(starts) == n else np.repeat(found, np.diff(starts, append=n))


def _text(row: Any) -> str:
    return bytes(row).decode("latin-1")


def _read(letters: Letters) -> Integers | None:
    """Return the microseconds of texts of one length."""
    first = _text(letters[0])
    form = _FORM.fullmatch(first)
    if form is None:
        return None
    digits = [place for place in range(form.start("zone")) if first[place].isdigit()]
    signs = [place for place in range(len(first)) if place not in digits]
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
