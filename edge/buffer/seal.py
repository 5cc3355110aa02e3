"""From readings or events to sealed batches (pure)."""

from collections.abc import Sequence
from typing import cast

from edge.buffer.file import Row
from edge.buffer.model import Group
from protocols.errors import WireError
from protocols.quality import Quality
from protocols.wire.batch import Stamp, encode_events, encode_readings
from protocols.wire.bounds import BATCH_ITEMS
from protocols.words import Event, Reading

Items = Sequence[Reading] | Sequence[Event]


def seal(group: Group, number: int, seq0: int, decimals: Sequence[int | None]) -> list[Row]:
    """Return the group's batches for stream `number`, numbered from `seq0` on.

    Too large a group becomes several batches. A reading that the wire cannot carry goes out as
    Bad_InternalError without its value: one poisoned item never holds back the others.
    """
    rows: list[Row] = []
    for start in range(0, len(group.items), BATCH_ITEMS):
        rows += _seal(group, group.items[start : start + BATCH_ITEMS], number, seq0 + start,
                      decimals)  # fmt: skip
    return rows


def _seal(
    group: Group, items: Items, number: int, seq0: int, decimals: Sequence[int | None]
) -> list[Row]:
    stamp = Stamp(
        clock_state=group.clock_state,
        number=number,
        seq0=seq0,
        mono0=group.mono0,
        wall0=group.wall0,
    )
    try:
        return [Row(seq0, len(items), _encode(stamp, items, decimals))]
    except WireError:
        if len(items) == 1:
            return [Row(seq0, 1, _encode(stamp, _harmless(items, group.mono0), decimals))]
    half = len(items) // 2
    return [
        *_seal(group, items[:half], number, seq0, decimals),
        *_seal(group, items[half:], number, seq0 + half, decimals),
    ]


def _encode(stamp: Stamp, items: Items, decimals: Sequence[int | None]) -> bytes:
    if isinstance(items[0], Event):
        return encode_events(stamp, cast(Sequence[Event], items))
    return encode_readings(stamp, cast(Sequence[Reading], items), decimals)


def _harmless(items: Items, mono0: int) -> Items:
    item = items[0]
    if isinstance(item, Event):
        return [Event(item.code[:64], item.subject[:1024], mono0)]
    return [Reading(item.point, None, Quality.BAD_INTERNAL_ERROR, mono0)]
