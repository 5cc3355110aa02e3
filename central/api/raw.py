"""Answers of queries as JSON, columns encoded at once, as the models of the same name describe.

Called in the thread that asked the store: nothing large is made on the event loop.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from pydantic_core import to_json

from central.api.time_columns import time_column
from central.store.columns import Integers
from central.store.interface import FLAG_ESTIMATED, FLAG_LATE
from central.store.parts import Part
from central.store.queries.aggregate import Aggregates
from central.store.queries.counts import Counts, Gap, truncated_percent
from central.store.queries.many import Counted, State
from central.store.queries.queries import Delivered, Reckoned
from central.store.queries.ranges import RawPage
from central.store.queries.trend import Trend
from protocols.clock import SECOND

_NULL: Final = b"null"
_PAGE: Final = (
    b'{"columns":{"time":[%b],"value":[%b],"quality":[%b],"received":[%b],"late":[%b],'
    b'"estimated":[%b]},"next":%b}'
)
_EMPTY: Final = (b"",) * 6
_COMMA: Final = ord(",")
_plain: Final = msgspec.json.Encoder().encode
"""Of numbers, NaN as null."""


def encode_page(page: RawPage) -> bytes:
    """Return `models.Readings`; what a part is as text is remembered with it."""
    texts = [part.text or _as_text(part) for part in page.parts]
    if len(texts) == 1:
        columns = texts[0]
    else:
        columns = tuple(map(b",".join, zip(*texts, strict=True))) or _EMPTY
    return _PAGE % (*columns, _NULL if page.next is None else _json(page.next))


def _as_text(part: Part) -> tuple[bytes, ...]:
    """Return the columns of a part (there is at least one reading), without their brackets."""
    if part.cut is not None and not part.cut[0].readings.values.others:
        whole, first, last = part.cut
        texts = whole.text or _as_text(whole)
        part.text = tuple(_rows(text, first, last, whole.count) for text in texts)
        return part.text
    readings = part.readings
    columns = (
        time_column(readings.times),
        _json(readings.values.tolist()),
        _whole(readings.qualities),
        time_column(readings.received),
        _flags(readings.flags, FLAG_LATE),
        _flags(readings.flags, FLAG_ESTIMATED),
    )
    part.text = tuple(column[1:-1] for column in columns)
    return part.text


def _rows(text: bytes, first: int, last: int, count: int) -> bytes:
    """Return some of the cells of a column, none of which has a comma."""
    if text[:1] == b'"':  # a time: all are of one length
        width = (len(text) + 1) // count
        return text[first * width : last * width - 1]
    ends = (np.frombuffer(text, np.uint8) == _COMMA).nonzero()[0]
    start = int(ends[first - 1]) + 1 if first else 0
    return text[start : int(ends[last - 1]) if last < count else len(text)]


def encode_trend(found: Trend) -> bytes:
    """Return `models.Buckets`."""
    columns = {
        "time": time_column(found.starts),
        "min": _numbers(found.least),
        "max": _numbers(found.most),
        "mean": _numbers(found.mean),
        "last": _json(found.last),
        "count": _whole(found.counts),
        "quality": _whole(found.worst),
        "late": _whole(found.late),
        "estimated": _whole(found.estimated),
    }
    return _object({"columns": _object(columns), "tier": _json(found.tier)})


def encode_periods(found: Reckoned, unknown: Sequence[str]) -> bytes:
    """Return `models.Periods`: every period of every point."""
    items = [
        _object(
            {
                "point": _json(point),
                "columns": _object(_period_columns(one)),
                "tier": _json(one.tier),
            }
        )
        for point, one in found.points.items()
    ]
    return _object(
        {
            "start": time_column(found.edges[:-1]),
            "end": time_column(found.edges[1:]),
            "items": b"[" + b",".join(items) + b"]",
            "unknown": _json(list(unknown)),
        }
    )


def encode_counts(found: Delivered, unknown: Sequence[str]) -> bytes:
    """Return `models.Deliveries`."""
    items = [_object(_count_fields(point, one)) for point, one in found.points.items()]
    return _object(
        {
            "from": _time(found.start),
            "to": _time(found.end),
            "items": b"[" + b",".join(items) + b"]",
            "unknown": _json(list(unknown)),
        }
    )


def encode_state(found: State, unknown: Sequence[str]) -> bytes:
    """Return `models.State`."""
    readings = found.readings
    columns = {
        "point": _json(found.held),
        "value": _json(readings.values.tolist()),
        "quality": _json(readings.qualities.tolist()),
        "source_time": time_column(readings.times),
        "received_time": time_column(readings.received),
        "late": _flags(readings.flags, FLAG_LATE),
        "estimated": _flags(readings.flags, FLAG_ESTIMATED),
    }
    return _object(
        {
            "columns": _object(columns),
            "without": _json(found.without),
            "unknown": _json(list(unknown)),
        }
    )


def encode_counted(found: Counted) -> bytes:
    """Return `models.Counts`."""
    columns = {"point": _json(found.points), "count": _json(found.counts.tolist())}
    return _object({"columns": _object(columns), "total": _json(int(found.counts.sum()))})


def _period_columns(one: Aggregates) -> dict[str, bytes]:
    some = one.count > 0
    worst: list[int | None] = np.where(some, one.worst, -1).tolist()
    return {
        "count": _json(one.count.tolist()),
        "good": _json(one.good.tolist()),
        "min": _numbers(one.least),
        "max": _numbers(one.most),
        "mean": _numbers(one.mean),
        "sum": _numbers(one.sum),
        "first": _json(one.first),
        "first_time": _times_or_null(one.first_times, some),
        "last": _json(one.last),
        "last_time": _times_or_null(one.last_times, some),
        "quality": _json([None if code == -1 else code for code in worst]),
        "late": _json(one.late.tolist()),
        "estimated": _json(one.estimated.tolist()),
        "excluded_s": _seconds(one.excluded),
    }


def _count_fields(point: str, one: Counts) -> dict[str, bytes]:
    edges = [one.first, one.last]
    first, last = (_NULL if t is None else _time(t) for t in edges)
    plain: dict[str, Any] = {
        "point": point,
        "count": one.count,
        "good": one.good,
        "uncertain": one.uncertain,
        "bad": one.bad,
        "late": one.late,
        "estimated": one.estimated,
        "gap_count": one.gap_count,
        "gap_total_s": one.gap_total / SECOND,
        "gap_longest_s": one.gap_longest / SECOND,
        "owed_s": one.owed / SECOND,
        "slots_owed": one.slots_owed,
        "slots_filled": one.slots_filled,
        "completeness_percent": truncated_percent(one.slots_filled, one.slots_owed),
        "online_s": one.online / SECOND,
        "online_percent": truncated_percent(one.online, one.owed) if one.slots_owed else None,
    }
    gaps = b"[" + b",".join(map(_gap, one.gaps)) + b"]"
    fields = {name: _json(value) for name, value in plain.items()}
    return fields | {"first": first, "last": last, "gaps": gaps}


def _gap(gap: Gap) -> bytes:
    counted = _json(gap.counted / SECOND)
    return _object({"from": _time(gap.start), "to": _time(gap.end), "counted_s": counted})


def _object(fields: Mapping[str, bytes]) -> bytes:
    return b"{" + b",".join(b'"%b":%b' % (k.encode(), v) for k, v in fields.items()) + b"}"


def _json(value: Any) -> bytes:
    return to_json(value)


def _time(time: int) -> bytes:
    return time_column(np.array([time]))[1:-1]


def _numbers(column: Any) -> bytes:
    return _plain(column.tolist())


def _whole(column: Integers) -> bytes:
    first = int(column[0]) if len(column) else 0
    if (column == first).all():
        return b"[%b]" % (b"%d," % first * len(column))[:-1]
    return _plain(column.tolist())


def _seconds(column: Integers) -> bytes:
    return to_json((column / SECOND).tolist())


def _flags(flags: Integers, flag: int) -> bytes:
    held = flags & flag != 0
    return to_json(held.tolist()) if held.any() else b"[%b]" % (b"false," * len(held))[:-1]


def _times_or_null(times: Integers, some: Any) -> bytes:
    if some.all():
        return time_column(times)
    parts = time_column(np.where(some, times, 0))[1:-1].split(b",")
    shown = (part if held else _NULL for part, held in zip(parts, some.tolist(), strict=True))
    return b"[" + b",".join(shown) + b"]"
