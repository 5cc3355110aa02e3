"""From a message's bytes to a JSON document, and by a pointer into it (pure, bounded, total).

JSON: RFC 8259. Pointer: RFC 6901. Stamps: RFC 3339, or milliseconds UTC since 1970.
"""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

LARGEST: Final = 256 * 1024
"""Bytes of a payload worth reading; a larger one is refused as a whole."""
DEEPEST: Final = 64
"""Levels of nesting; deeper is an attack or a fault."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
EARLIEST_MS: Final = 100_000_000_000
LATEST_MS: Final = 7_258_118_400_000
"""1973 to 2200: seconds taken for milliseconds fall below, microseconds above."""

_QUOTED: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_INDEX: Final = re.compile(r"0|[1-9][0-9]*")

Pointer = tuple[str, ...]


class Undecodable(Exception):
    """The bytes are not a JSON document within the bounds."""


class Missing(Exception):
    """The document has nothing at the pointer."""


def parse(payload: bytes) -> object:
    """Return the document. Raises Undecodable."""
    if len(payload) > LARGEST or _depth(payload) > DEEPEST:
        raise Undecodable
    try:
        return json.loads(payload)
    except (ValueError, RecursionError) as exc:
        raise Undecodable from exc


def pointer(text: str) -> Pointer:
    """Return the tokens of a JSON pointer. Raises ValueError unless empty or starting with `/`."""
    if not text:
        return ()
    if not text.startswith("/"):
        raise ValueError(f"{text!r} is not a JSON pointer")
    return tuple(
        token.replace("~1", "/").replace("~0", "~") for token in text.removeprefix("/").split("/")
    )


def at(document: object, tokens: Sequence[str]) -> object:
    """Return what `document` holds at the pointer. Raises Missing."""
    for token in tokens:
        if isinstance(document, dict) and token in document:
            document = document[token]
        elif isinstance(document, list) and _INDEX.fullmatch(token) and len(token) < 8:
            place = int(token)
            if place >= len(document):
                raise Missing
            document = document[place]
        else:
            raise Missing
    return document


def microseconds(stamp: object) -> int | None:
    """Return µs UTC of a device's stamp, or None where it says no certain moment.

    A time of day without an offset is none: nobody knows which zone it means.
    """
    if isinstance(stamp, bool):
        return None
    if isinstance(stamp, (int, float)):
        return round(stamp * 1_000) if EARLIEST_MS <= stamp <= LATEST_MS else None
    if not isinstance(stamp, str) or len(stamp) > 40:
        return None
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    stamped = (moment - EPOCH) // MICROSECOND
    return stamped if EARLIEST_MS <= stamped // 1_000 <= LATEST_MS else None


def _depth(payload: bytes) -> int:
    openers = payload.count(b"[") + payload.count(b"{")
    if openers <= DEEPEST:
        return openers
    depth = deepest = 0
    for byte in _QUOTED.sub(b"", payload):
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest
