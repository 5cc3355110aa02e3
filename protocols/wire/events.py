"""Batches of events (docs/wire.md section 4.3): what happened to the gateway itself."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from protocols.errors import WireError
from protocols.wire.bounds import EVENT_BYTES
from protocols.wire.canonical import dump, load
from protocols.wire.columns import put_times, read_times
from protocols.wire.fields import Fields
from protocols.wire.header import BatchKind, Header, Stamp, finish_batch, put_header
from protocols.wire.reader import Reader
from protocols.wire.varint import put_uvar
from protocols.words import Event, Value

WHERE: Final = "event"
_KEYS: Final = frozenset({"code", "subject", "params"})
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsBatch:
    """Decoded events in `seq` order; times are the gateway's monotonic clock, params by key."""

    header: Header
    events: list[Event]


def encode_events(stamp: Stamp, events: Sequence[Event]) -> bytes:
    """Return the only form of these events. Raises WireError."""
    out, part = bytearray(), bytearray()
    put_header(out, BatchKind.EVENTS, stamp, len(events))
    put_times(part, [event.time for event in events], stamp.mono0)
    put_uvar(out, len(part))
    out += part
    for event in events:
        data = _event_json(event)
        put_uvar(out, len(data))
        out += data
    return finish_batch(out)


def decode_events(data: bytes, header: Header, at: int) -> EventsBatch:
    """Return the batch whose body begins at `at`. Raises WireError."""
    reader = Reader(data, "events", at)
    part = reader.part("times")
    times = read_times(part, header.n, header.mono0)
    part.finish()
    events = [_read_event(reader.take(reader.uvar(0, EVENT_BYTES)), time) for time in times]
    reader.finish()
    return EventsBatch(header=header, events=events)


def _event_json(event: Event) -> bytes:
    params = dict(event.params)
    if len(params) != len(event.params):
        raise WireError("WIRE_JSON", where=WHERE, what="keys")
    data = dump({"code": event.code, "subject": event.subject, "params": params}, WHERE)
    _read_event(data, event.time)
    return data


def _read_event(data: bytes, time: int) -> Event:
    fields = Fields(load(data, WHERE, EVENT_BYTES), WHERE, _KEYS)
    params: list[tuple[str, Value]] = []
    for key, value in Fields(fields.any("params"), WHERE).data.items():
        if isinstance(value, list | dict):
            raise WireError("WIRE_JSON", where=WHERE, what="field", key=key[:200])
        params.append((key, value))
    return Event(fields.text("code", _CODE), fields.text("subject"), time, tuple(params))
