"""Lines of the gateway's journal: as they are kept, and told to the collector."""

from typing import Final

from edge.alarms.standing import Times, between
from edge.alarms.state_file import Line, RuleRow
from edge.alarms.stepping import Happened
from protocols.wire.alarm_events import GatewayAlarm, Said

GATEWAY: Final = 1
"""The place of the gateway in a point's id: its own events do not name it."""
POINT: Final = 4
"""Names in a point's id."""


def line_of(n: int, happened: Happened, times: Times) -> Line:
    """Return a line of what happened; what the collector knows is told already."""
    standing = happened.standing
    age = None if standing.began is None else max(0, happened.time - standing.began)
    body = {
        "word": happened.word.value,
        "standing": standing.key,
        "level": standing.level,
        "value": standing.value,
        "age": age,
        "scan": happened.rule.scan,
        "by": happened.by,
    }
    if happened.reason:
        body["reason"] = happened.reason
    return Line(n, times, happened.time, happened.rule.id, body, happened.known)


def ended(row: RuleRow, now: Times, at: int) -> list[Line]:
    """Return the line, not numbered yet, that puts down what stood by a rule that is gone."""
    standing = (row.body or {}).get("standing")
    by = between(row.times, now)
    match standing:
        case [str(key), began, str(level), *_]:
            age = at - int(began) - by if isinstance(began, int) and by is not None else None
            body: dict[str, object] = {"word": Said.REST.value, "standing": key, "level": level}
            body |= {"value": None, "age": None if age is None else max(0, age)}
            body |= {"scan": 0.0, "by": ""}
            return [Line(0, now, at, row.rule, body)]
    return []


def said_of(line: Line, now: Times, mono: int) -> GatewayAlarm:
    """Return what to tell of a line; `mono` is now. Raises ValueError, KeyError, TypeError: nobody
    of ours wrote it.

    Where nobody can tell when it was, it is told under the time of now.
    """
    subject, _, side = line.rule.rpartition(":")
    parts = subject.split("/")
    if len(parts) == POINT:
        del parts[GATEWAY]
    body, by = line.body, between(line.times, now)
    age = body["age"]
    return GatewayAlarm(
        word=Said(body["word"]),
        subject=tuple(parts),
        side=side,
        standing=body["standing"],
        level=body["level"],
        value=body["value"],
        time=mono if by is None else min(mono, line.time + by - now.offset),
        age=None if by is None or age is None else int(age),
        scan=float(body["scan"]),
        by=body["by"],
    )
