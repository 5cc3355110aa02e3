"""Columns of times as JSON, without an object for each: as `times.rfc3339` writes one.

Digits come out of tables by the second of the day and the thousand: some ten array operations for
a whole column.
"""

from datetime import timedelta
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from central.api.times import EPOCH, MICROSECOND, ZONE
from protocols.clock import SECOND

Integers = NDArray[np.int64]
Texts = NDArray[np.bytes_]
_AHEAD: Final = ZONE.utcoffset(None) // MICROSECOND
_OFFSET: Final = EPOCH.astimezone(ZONE).isoformat()[-6:]
_DAY: Final = 86_400 * SECOND
_FORM: Final = np.dtype(
    [
        ("quote", "S1"),
        ("date", "S10"),
        ("t", "S1"),
        ("clock", "S8"),
        ("point", "S1"),
        ("thousands", "S3"),
        ("rest", "S3"),
        ("end", "S8"),
    ]
)
_ROW: Final = f'"0000-00-00T00:00:00.000000{_OFFSET}",'.encode()


def time_column(times: Integers) -> bytes:
    """Return µs UTC as a JSON array of RFC 3339 texts; years 1000 to 9999."""
    if not len(times):
        return b"[]"
    local = times + _AHEAD
    days = local // _DAY
    seconds, micros = np.divmod(local - days * _DAY, SECOND)
    thousands, rest = np.divmod(micros, 1_000)
    text = bytearray(_ROW * len(times))
    rows = np.frombuffer(text, _FORM)
    rows["date"] = _dates(days)
    rows["clock"] = _clock().take(seconds)
    rows["thousands"] = _digits().take(thousands)
    rows["rest"] = _digits().take(rest)
    return b"[" + text[:-1] + b"]"


def _dates(days: Integers) -> Texts | bytes:
    first = int(days[0])
    if int(days[-1]) == first and (days == first).all():
        return _date(first)
    which, places = np.unique(days, return_inverse=True)
    return np.array([_date(day) for day in which.tolist()])[places]


def _date(day: int) -> bytes:
    return str((EPOCH + timedelta(days=day)).date()).encode()


@cache
def _clock() -> Texts:
    """Return `HH:MM:SS` of every second of a day: array operations, as a page waits."""
    seconds = np.arange(86_400)
    text = np.full((len(seconds), 8), ord(":"), np.uint8)
    for place, part in enumerate((seconds // 3600, seconds // 60 % 60, seconds % 60)):
        text[:, 3 * place] = ord("0") + part // 10
        text[:, 3 * place + 1] = ord("0") + part % 10
    return text.view("S8").ravel()


@cache
def _digits() -> Texts:
    """Return `000` to `999`."""
    return np.array([f"{number:03}" for number in range(1_000)], "S3")
