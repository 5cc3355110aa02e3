"""From a monitored item's DataValue to readings, and from silence to the unchanged value (pure).

A server sends a variable when it changes. A subscription that publishes but says nothing of a
variable says that it did not change (OPC 10000-4, 5.14.1): `Held.unchanged` turns that into a
reading at the point's heartbeat, so that a steady value never looks like a lost one.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from protocols.clock import SECOND
from protocols.device import Point
from protocols.normalise import normaliser
from protocols.words import Reading, TimeMark

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
OVERFLOW: Final = 0x0480
"""InfoType DataValue with the overflow bit: the server's queue lost values (10000-4, 7.39.1)."""


class StatusLike(Protocol):
    """A StatusCode."""

    @property
    def value(self) -> int: ...


class VariantLike(Protocol):
    """A Variant."""

    @property
    def Value(self) -> object: ...  # noqa: N802  # the standard's names


class DataValueLike(Protocol):
    """OPC 10000-4, 7.11, as the library gives it; a Protocol so that this file needs no library."""

    @property
    def Value(self) -> VariantLike | None: ...  # noqa: N802
    @property
    def StatusCode(self) -> StatusLike | None: ...  # noqa: N802
    @property
    def SourceTimestamp(self) -> datetime | None: ...  # noqa: N802


class Held:
    """One point of the subscription: what it last said, and since when by the gateway's clock."""

    __slots__ = ("_at", "_beat", "_finish", "_heard", "_last", "index")

    def __init__(self, point: Point) -> None:
        self.index = point.index
        self._beat = int(point.sheet.heartbeat * SECOND)
        self._finish = normaliser(point.sheet)
        self._last: Reading | None = None
        self._heard = False
        self._at = 0

    def said(self, data: DataValueLike, mono: int, wall: int) -> Reading:
        """Return the reading of a notification that arrived at `mono` (µs; `wall` is UTC).

        The first value of a subscription may have been written long ago: it is the value *now*, so
        one older than the point's heartbeat carries the gateway's time.
        """
        quality = 0 if data.StatusCode is None else data.StatusCode.value
        raw = None if data.Value is None else data.Value.Value
        value, quality = self._finish(_plain(raw), quality)
        stamp = microseconds(data.SourceTimestamp)
        first, self._heard = not self._heard, True
        if stamp is None or (first and wall - stamp > self._beat):
            return self._keep(Reading(self.index, value, quality, mono), mono)
        return self._keep(Reading(self.index, value, quality, stamp, TimeMark.SOURCE), mono)

    def refused(self, quality: int, mono: int) -> Reading:
        """Return the reading of a variable that the server does not let us watch."""
        return self._keep(Reading(self.index, None, quality, mono), mono)

    def unchanged(self, mono: int) -> Reading | None:
        """Return the last reading moved on to now, if a heartbeat has passed since."""
        last = self._last
        if last is None or mono - self._at < self._beat:
            return None
        # On the clock it came with: a device's own time goes on by what the gateway measured.
        return self._keep(last._replace(time=last.time + mono - self._at), mono)

    def _keep(self, reading: Reading, mono: int) -> Reading:
        self._last, self._at = reading, mono
        return reading


def unchanged(held: Iterable[Held], mono: int) -> list[Reading]:
    """Return the heartbeat readings that are due at `mono`."""
    return [reading for each in held if (reading := each.unchanged(mono)) is not None]


def overflowed(data: DataValueLike) -> bool:
    """Return whether the server says that values before this one were lost."""
    return data.StatusCode is not None and data.StatusCode.value & OVERFLOW == OVERFLOW


def microseconds(stamp: datetime | None) -> int | None:
    """Return µs UTC, or None for no stamp or one no clock ever showed (before 1970, after 2200)."""
    if stamp is None:
        return None
    aware = stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)
    return (aware - EPOCH) // MICROSECOND if EPOCH < aware < LATEST else None


def _plain(raw: object) -> object:
    """LocalizedText carries its text; dates are shown as people write them."""
    if isinstance(raw, datetime):
        return raw.isoformat()
    return getattr(raw, "Text", raw)
