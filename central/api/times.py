"""Times at the border: microseconds inside, RFC 3339 with offset outside.

Written in China Standard Time (UTC+8, no summer time), as the people who read them live; read in
any offset, and never without one.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any, Final

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, PlainSerializer, WithJsonSchema

from central.health import LATEST
from protocols.words import Value

ZONE: Final = timezone(timedelta(hours=8))
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
_FIRST: Final = datetime(1, 1, 2, tzinfo=UTC)
_LAST: Final = datetime(9999, 12, 30, tzinfo=UTC)
_TIMES: Final = frozenset({"at", "since", "from", "to"})
"""Parameters that hold microseconds."""


def rfc3339(time: int) -> str:
    """Return microseconds UTC as `2026-06-12T22:06:00.000000+08:00`."""
    return (EPOCH + time * MICROSECOND).astimezone(ZONE).isoformat(timespec="microseconds")


def shown(params: Mapping[str, Value]) -> dict[str, Value]:
    """Return parameters of a sentence with their times as RFC 3339 too.

    A gateway's own event may hold anything under these names: what is no time stays as it is.
    """
    return {
        key: rfc3339(value)
        if key in _TIMES and type(value) is int and 0 <= value <= LATEST
        else value
        for key, value in params.items()
    }


def microseconds(time: datetime) -> int:
    """Return an aware datetime as microseconds UTC."""
    return (time - EPOCH) // MICROSECOND


def _repair(value: Any) -> Any:
    # A plus sign that was not percent-encoded in a query arrives as a blank.
    return value.replace(" ", "+") if isinstance(value, str) and "T" in value else value


def _written(time: datetime) -> datetime:
    """Keep a time within what can be written at any offset: nothing ever happened beyond."""
    return min(max(time, _FIRST), _LAST)


Time = Annotated[
    int,
    PlainSerializer(rfc3339, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A field that holds microseconds and is written as RFC 3339."""

AskedTime = Annotated[AwareDatetime, BeforeValidator(_repair), AfterValidator(_written)]
"""A time in a query; `microseconds()` turns it into our own."""
