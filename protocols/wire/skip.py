"""Skips (docs/wire.md section 4.2): they take the numbers of what is gone and say what it was."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from protocols.errors import WireError
from protocols.wire.bounds import BATCH_BYTES, POINTS, SKIP_ITEMS, TIME
from protocols.wire.canonical import JsonValue, dump, load
from protocols.wire.fields import Fields
from protocols.wire.header import BatchKind, Header, Stamp, finish_batch, put_header
from protocols.wire.reader import Reader
from protocols.wire.varint import put_uvar

WHERE: Final = "ledger"
_KEYS: Final = frozenset({"point", "from", "to", "count"})


class SkipReason(IntEnum):
    """Why the numbers come without their data."""

    QUOTA = 1
    CORRUPT = 2
    GONE_AT_COLLECTOR = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLine:
    """One line of the loss ledger (数据缺失台账).

    `point` is an index in the manifest, None when unknown; `start` and `end` are microseconds UTC,
    both inclusive, None when unknown; `count` readings or events are gone.
    """

    point: int | None
    start: int | None
    end: int | None
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SkipBatch:
    """A decoded skip of `header.n` numbers; lines lie in the order of their fields."""

    header: Header
    reason: SkipReason
    ledger: list[LedgerLine]


_REASONS: Final = {reason.value: reason for reason in SkipReason}


def encode_skip(stamp: Stamp, reason: SkipReason, ledger: Sequence[LedgerLine]) -> bytes:
    """Return the only form of this skip; it takes as many numbers as the lines count together.

    Raises WireError: no lines, numbers outside their bounds, more than 1 MiB.
    """
    lines = sorted(ledger, key=_order)
    out = bytearray()
    put_header(out, BatchKind.SKIP, stamp, sum(line.count for line in lines))
    data = dump([_line_json(line) for line in lines], WHERE)
    _read_ledger(data)
    out.append(reason)
    put_uvar(out, len(data))
    out += data
    return finish_batch(out)


def decode_skip(data: bytes, header: Header, at: int) -> SkipBatch:
    """Return the skip whose body begins at `at`. Raises WireError."""
    reader = Reader(data, "skip", at)
    reason = _REASONS.get(reader.u8())
    if reason is None:
        raise reader.error("WIRE_UNKNOWN", value=data[at])
    ledger = _read_ledger(reader.take(reader.uvar(0, BATCH_BYTES)))
    reader.finish()
    total = sum(line.count for line in ledger)
    if total != header.n:
        raise reader.error("WIRE_SUM", value=total, expected=header.n)
    return SkipBatch(header=header, reason=reason, ledger=ledger)


def _order(line: LedgerLine) -> tuple[tuple[bool, int], ...]:
    # None comes before every number.
    cells = (line.point, line.start, line.end, line.count)
    return tuple((cell is not None, cell or 0) for cell in cells)


def _line_json(line: LedgerLine) -> JsonValue:
    return {"point": line.point, "from": line.start, "to": line.end, "count": line.count}


def _read_ledger(data: bytes) -> list[LedgerLine]:
    value = load(data, WHERE, BATCH_BYTES)
    if not isinstance(value, list):
        raise WireError("WIRE_JSON", where=WHERE, what="list")
    ledger = [_read_line(item) for item in value]
    if ledger != sorted(ledger, key=_order):
        raise WireError("WIRE_FORM", where=WHERE, rule="order")
    return ledger


def _read_line(value: JsonValue) -> LedgerLine:
    fields = Fields(value, WHERE, _KEYS)
    start = fields.optional_integer("from", -TIME, TIME)
    end = fields.optional_integer("to", -TIME, TIME)
    if start is not None and end is not None and end < start:
        raise fields.wrong("to")
    return LedgerLine(
        point=fields.optional_integer("point", 0, POINTS - 1),
        start=start,
        end=end,
        count=fields.integer("count", 1, SKIP_ITEMS),
    )
