"""From what a self-describing device said to a point's value and quality (pure).

OPC UA and JSON bring typed values and often their own quality; this makes of them what the profile
promises: the point's type, its decimals, its unit. Total: nothing a device sends raises.

| said | becomes |
|---|---|
| own quality bad | no value, own quality |
| nothing (null) where a value is due, NaN, infinity | no value, Bad_SensorFailure |
| another type than the profile's, and not plainly convertible | no value, Bad_DecodingError |
| a whole number beyond 64 bits | no value, Bad_OutOfRange |
| out of range, or a code the enumeration lacks | the value, Uncertain_EngineeringUnitsExceeded* |
| text longer than the wire carries | its beginning, Uncertain* |

* only where the device's own quality is good: it knows better what is wrong.
"""

import math
from collections.abc import Callable
from typing import Final

from protocols.profile import ProfilePoint
from protocols.quality import Quality, is_bad, is_good
from protocols.words import Value

Result = tuple[Value, int]
Normalise = Callable[[object, int], Result]
"""Takes the value as decoded and the device's own quality."""

GOOD: Final = int(Quality.GOOD)
FAILED: Final = int(Quality.BAD_SENSOR_FAILURE)
UNDECODED: Final = int(Quality.BAD_DECODING_ERROR)
TOO_LARGE: Final = int(Quality.BAD_OUT_OF_RANGE)
EXCEEDED: Final = int(Quality.UNCERTAIN_ENGINEERING_UNITS_EXCEEDED)
CUT: Final = int(Quality.UNCERTAIN)

TEXT_BYTES: Final = 4_096
"""docs/wire.md section 1."""

INT64: Final = range(-(2**63), 2**63)

YES: Final = frozenset({"true", "on", "1"})
NO: Final = frozenset({"false", "off", "0"})


def normaliser(sheet: ProfilePoint) -> Normalise:
    """Return the steps for one point, chosen once."""
    steps = {"bool": _boolean, "enum": _enumerated, "text": _text}
    return steps.get(sheet.type, _number)(sheet)


def _boolean(_sheet: ProfilePoint) -> Normalise:
    def finish(raw: object, quality: int) -> Result:
        if is_bad(quality):
            return None, quality
        if isinstance(raw, bool):
            return raw, quality
        if isinstance(raw, (int, float)) and raw in (0, 1):
            return bool(raw), quality
        if isinstance(raw, str) and (word := raw.strip().lower()) in YES | NO:
            return word in YES, quality
        return None, _why_not(raw)

    return finish


def _enumerated(sheet: ProfilePoint) -> Normalise:
    codes = {code for code, _ in sheet.enumeration}
    words = {
        word.lower(): code
        for code, label in sheet.enumeration
        for word in (label.zh, label.en)
        if word
    }

    def finish(raw: object, quality: int) -> Result:
        if is_bad(quality):
            return None, quality
        code: object = words.get(raw.strip().lower(), raw) if isinstance(raw, str) else raw
        number = _as_number(code)
        if number is None or number != number or not float(number).is_integer():
            return None, _why_not(raw)
        whole = int(number)
        if whole not in INT64:
            return None, TOO_LARGE
        fits = whole in codes or not codes or not is_good(quality)
        return whole, quality if fits else EXCEEDED

    return finish


def _text(_sheet: ProfilePoint) -> Normalise:
    def finish(raw: object, quality: int) -> Result:
        if is_bad(quality):
            return None, quality
        if isinstance(raw, bool):
            raw = "true" if raw else "false"
        if not isinstance(raw, (str, int, float)):
            return None, _why_not(raw)
        try:
            data = str(raw).encode()
        except UnicodeEncodeError:  # half of a surrogate pair, which no UTF-8 can carry
            return None, UNDECODED
        if len(data) <= TEXT_BYTES:
            return str(raw), quality
        return data[:TEXT_BYTES].decode(errors="ignore"), CUT if is_good(quality) else quality

    return finish


def _number(sheet: ProfilePoint) -> Normalise:
    finish_value = _whole(sheet) if sheet.type == "int" else _rounded(sheet)
    low = -math.inf if sheet.low is None else sheet.low
    high = math.inf if sheet.high is None else sheet.high
    scale = sheet.scale

    def finish(raw: object, quality: int) -> Result:
        if is_bad(quality):
            return None, quality
        number = raw if type(raw) is float else _as_number(raw)
        if number is None:
            return None, _why_not(raw)
        if scale is not None:
            number = number * scale.factor + scale.offset
        if number - number != 0:  # NaN and infinity, the cheapest test for both
            return None, FAILED
        value = finish_value(number)
        if isinstance(value, int) and value not in INT64:
            return None, TOO_LARGE
        inside = low <= value <= high or not is_good(quality)
        return value, quality if inside else EXCEEDED

    return finish


def _whole(_sheet: ProfilePoint) -> Callable[[float], float]:
    return lambda number: number if type(number) is int else round(number)


def _rounded(sheet: ProfilePoint) -> Callable[[float], float]:
    decimals = sheet.decimals
    if decimals is None:
        return float
    # Adding 0.0 turns the "-0.0" that rounding may leave into 0.0.
    return lambda number: round(float(number), decimals) + 0.0


def _as_number(raw: object) -> int | float | None:
    """Return the number `raw` plainly is: a number, a truth value, or a decimal written as text."""
    if isinstance(raw, bool):
        return int(raw)
    if isinstance(raw, int):
        # Beyond what float64 reaches no later step may convert it.
        return raw if raw.bit_length() <= 1_000 else math.inf
    if isinstance(raw, float):
        return raw
    if isinstance(raw, str) and "_" not in raw and len(raw) <= 64:
        try:
            return float(raw)
        except ValueError:
            return None
    return None


def _why_not(raw: object) -> int:
    # JavaScript writes a NaN as null: nothing where a value is due is a failed sensor.
    if raw is None or (isinstance(raw, float) and not math.isfinite(raw)):
        return FAILED
    return UNDECODED
