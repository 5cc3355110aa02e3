"""Canonical JSON (docs/wire.md section 1): one byte string for one value.

Sorted keys, no white space, UTF-8 unescaped, floats as Python's `repr` writes them.
"""

import json
from collections.abc import Callable
from math import isfinite
from typing import Final

from protocols.errors import WireError

JsonValue = bool | int | float | str | None | list["JsonValue"] | dict[str, "JsonValue"]

_INT_LOW: Final = -(1 << 63)
_INT_HIGH: Final = (1 << 64) - 1


def dump(value: object, where: str) -> bytes:
    """Return the canonical bytes of `value`. Raises WireError: NaN, infinity, lone surrogates."""
    try:
        text = json.dumps(
            value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
        )
        return text.encode()
    except (ValueError, TypeError, RecursionError) as exc:
        raise WireError("WIRE_JSON", where=where, what=type(exc).__name__) from exc


def load(data: bytes, where: str, limit: int) -> JsonValue:
    """Return what `data` says. Raises WireError: not canonical, more than `limit` bytes."""
    # What is too large for a float is infinite then, and `dump` refuses it: no look at each number.
    value = _parsed(data, where, limit, float)
    if dump(value, where) != data:
        raise WireError("WIRE_FORM", where=where, rule="json")
    return value


def load_any(data: bytes, where: str, limit: int) -> JsonValue:
    """Return what `data` says in any JSON form; integers from -2**63 to 2**64 - 1, finite floats.

    Raises WireError.
    """
    return _parsed(data, where, limit, _finite)


def _parsed(data: bytes, where: str, limit: int, number: Callable[[str], float]) -> JsonValue:
    if len(data) > limit:
        raise WireError("WIRE_TOO_LARGE", where=where, size=len(data), limit=limit)
    try:
        value: JsonValue = json.loads(
            data.decode(), parse_int=_integer, parse_float=number, parse_constant=_refuse
        )
    except (ValueError, RecursionError) as exc:
        raise WireError("WIRE_JSON", where=where, what=type(exc).__name__) from exc
    return value


def _integer(digits: str) -> int:
    # Python itself refuses more than 4,300 digits (ValueError).
    number = int(digits)
    if not _INT_LOW <= number <= _INT_HIGH:
        raise ValueError("integer out of range")
    return number


def _finite(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise ValueError("number out of range")
    return number


def _refuse(word: str) -> None:
    raise ValueError(word)
