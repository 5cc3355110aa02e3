"""Time zones by name or offset, and times written in them, a whole column at once."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from central.store.columns import Integers
from protocols.errors import FengsuiError

_OFFSET: Final = re.compile(r"([+-])([01][0-9]|2[0-3]):([0-5][0-9])")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_+/-]{0,63}")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_QUARTER: Final = 900_000_000
"""µs: no zone changes its offset but at a quarter of an hour."""
_DAY: Final = 86_400_000_000
_EXCEL_1970: Final = 25_569


class ZoneUnknown(FengsuiError):
    """Neither an offset like `+08:00` nor a name like `Asia/Shanghai`."""

    code = "EXPORT_ZONE"


class Zone:
    """A zone people live in. Raises ZoneUnknown."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._info = _info(text)

    def offsets(self, times: Integers) -> Integers:
        """Return how far the zone is ahead of UTC at each of `times` (µs UTC), in µs."""
        quarters, places = np.unique(times // _QUARTER, return_inverse=True)
        ahead = [self._ahead(quarter * _QUARTER) for quarter in quarters.tolist()]
        return np.array(ahead, np.int64)[places]

    def rfc3339(self, times: Integers) -> list[str]:
        """Return `times` as `2026-06-12T22:06:00.000000+08:00`."""
        ahead = self.offsets(times)
        local = np.datetime_as_string((times + ahead).astype("datetime64[us]")).tolist()
        endings = {each: _ending(each) for each in set(ahead.tolist())}
        return [text + endings[each] for text, each in zip(local, ahead.tolist(), strict=True)]

    def days(self, times: Integers) -> list[float]:
        """Return `times` as a spreadsheet's days since 1900, on the clocks of the zone."""
        found: list[float] = ((times + self.offsets(times)) / _DAY + _EXCEL_1970).tolist()
        return found

    def _ahead(self, time: int) -> int:
        offset = (_EPOCH + time * _MICROSECOND).astimezone(self._info).utcoffset()
        return (offset or timedelta()) // _MICROSECOND


def _info(text: str) -> tzinfo:
    if found := _OFFSET.fullmatch(text):
        span = timedelta(hours=int(found[2]), minutes=int(found[3]))
        return timezone(span if found[1] == "+" else -span)
    if not _NAME.fullmatch(text):
        raise ZoneUnknown(zone=text)
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise ZoneUnknown(zone=text) from exc


def _ending(ahead: int) -> str:
    return (_EPOCH.astimezone(timezone(ahead * _MICROSECOND)).isoformat())[19:]
