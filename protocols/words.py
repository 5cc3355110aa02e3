"""The words both sides use: readings, samples, names (see the glossary in docs).

Plain frozen structs without I/O; only the standard library and each other.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

Value = bool | int | float | str | None
"""What a point can hold. NaN and infinity are never values: they become a quality."""

NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
"""A logical name: stable, lower case, fit for a URL and a file name."""
UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]"
)
"""Characters nobody sees, or that turn the order in which what follows is read."""


class Purpose(IntEnum):
    """Why data is sent (用途): test and drill go the whole way, page nobody, count in no figure."""

    PRODUCTION = 0
    TEST = 1
    DRILL = 2


class TimeMark(IntEnum):
    """Whose time a reading carries: only `GATEWAY` time is ever re-placed at the centre."""

    GATEWAY = 0
    SOURCE = 1


class Lane(IntEnum):
    """Order of sending (队列); chosen at sending, never part of a batch."""

    ALARM = 0
    LIVE = 1
    BACKFILL = 2


class StreamKind(IntEnum):
    """A stream carries either what must not wait or the routine data."""

    DATA = 0
    ALARM = 1


@dataclass(frozen=True, slots=True)
class Label:
    """A name for people; Chinese is the source, English falls back to it."""

    zh: str
    en: str = ""


class PointId(NamedTuple):
    """`site/gateway/device/point`: four stable logical names."""

    site: str
    gateway: str
    device: str
    point: str

    def __str__(self) -> str:
        return "/".join(self)

    @classmethod
    def parse(cls, text: str) -> "PointId":
        """Read `site/gateway/device/point`; raises ValueError naming the bad part."""
        parts = text.split("/")
        if len(parts) != 4:
            raise ValueError(f"{text!r} is not site/gateway/device/point")
        for part in parts:
            if not NAME.fullmatch(part):
                raise ValueError(f"{part!r} in {text!r} is not a logical name")
        return cls(*parts)


class Reading(NamedTuple):
    """A point's value, quality and time.

    `point` is the index of the point in the gateway's manifest; `time` is microseconds: the
    gateway's monotonic clock for `TimeMark.GATEWAY`, UTC for `TimeMark.SOURCE`. A tuple and not a
    dataclass because a gateway makes thousands of them a second.
    """

    point: int
    value: Value
    quality: int
    time: int
    mark: TimeMark = TimeMark.GATEWAY


@dataclass(frozen=True, slots=True)
class Sample:
    """What one read of a device brought.

    `acknowledge`, where present, must be awaited only after the readings have committed in the
    buffer: it tells the device (an MQTT broker, a panel) that it may forget them.
    """

    readings: Sequence[Reading]
    acknowledge: Callable[[], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the gateway itself; travels on the alarm stream.

    `code` is a key of the text catalogue (`DEVICE_UNREACHABLE`), `subject` a path of logical names,
    `time` as in `Reading`, `params` plain JSON values.
    """

    code: str
    subject: str
    time: int
    params: tuple[tuple[str, Value], ...] = ()
