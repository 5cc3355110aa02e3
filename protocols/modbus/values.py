"""From the raw number in the registers to a value with a quality (pure).

Order of the steps: illegal digits, sentinels, scale, NaN and infinity, range. What a device sends
never raises: it becomes a quality. Scaling is exact in decimals: raw 1234 by 0.01 is `12.34`.
"""

import math
import struct
import sys
from collections.abc import Callable, Hashable
from decimal import Decimal
from typing import Any, Final

from protocols.modbus.forms import Form
from protocols.profile import ModbusAddress, ProfilePoint, Scale
from protocols.quality import Quality
from protocols.words import Value

Result = tuple[Value, int]
Finish = Callable[[Any], Result]
"""Takes the item struct gave for the point's form. Any: an int, a float or bytes, by the form."""
Parse = Callable[[Any], int | None]
"""Finds the number in the raw item; None: its digits are illegal."""

GOOD: Final = int(Quality.GOOD)
NO_MEASUREMENT: Final[Result] = (None, int(Quality.BAD_SENSOR_FAILURE))
NOT_DECODED: Final[Result] = (None, int(Quality.BAD_DECODING_ERROR))

EXCEEDED: Final = int(Quality.UNCERTAIN_ENGINEERING_UNITS_EXCEEDED)

LARGEST: Final = sys.float_info.max
EXACT: Final = float(2**53)
"""Above this a float64 no longer holds every integer: rounding to decimals means nothing."""
MOST_PLACES: Final = 30
"""Decimal places of factor and offset up to which scaling is exact; no real factor has more."""


def finisher(sheet: ProfilePoint, address: ModbusAddress, form: Form) -> Finish:
    """Return the steps of one point, chosen once. Raises ValueError for a wrong sheet."""
    if form.kind == "text":
        return _text(address, form)
    parse = _parser(address, form)
    if parse is None and not sheet.enumeration:
        return _plain(sheet, address, form)
    return _checked(sheet, address, form, parse or int)


def _plain(sheet: ProfilePoint, address: ModbusAddress, form: Form) -> Finish:
    scale = _scaler(sheet, form)
    low, high = _limits(sheet)
    sentinels = sentinel_items(address, form)

    def finish(raw: Any) -> Result:
        if raw in sentinels:
            return NO_MEASUREMENT
        value = raw if scale is None else scale(raw)
        # False for NaN and infinity too, as the widest limits are the largest finite numbers.
        if low <= value <= high:
            return value, GOOD
        return _outside(value)

    return finish


def _checked(sheet: ProfilePoint, address: ModbusAddress, form: Form, parse: Parse) -> Finish:
    scale = _scaler(sheet, form)
    low, high = _limits(sheet)
    sentinels = sentinel_items(address, form)
    known = frozenset(code for code, _ in sheet.enumeration)

    def finish(raw: Any) -> Result:
        if raw in sentinels:
            return NO_MEASUREMENT
        number = parse(raw)
        if number is None:
            return NOT_DECODED
        value = number if scale is None else scale(number)
        if known and value not in known:
            return value, EXCEEDED
        return (value, GOOD) if low <= value <= high else _outside(value)

    return finish


def _limits(sheet: ProfilePoint) -> tuple[float, float]:
    """Return the measuring range; open ends are the largest finite numbers."""
    if sheet.type == "bool":
        return -LARGEST, LARGEST
    low = -LARGEST if sheet.low is None else sheet.low
    return low, LARGEST if sheet.high is None else sheet.high


def _outside(value: float) -> Result:
    if isinstance(value, float) and not math.isfinite(value):
        return NO_MEASUREMENT
    return value, EXCEEDED


def _text(address: ModbusAddress, form: Form) -> Finish:
    empty = sentinel_items(address, form)

    def finish(raw: bytes) -> Result:
        if raw in empty:
            return NO_MEASUREMENT
        body = raw.partition(b"\0")[0].rstrip(b" \xff")
        try:
            return body.decode(form.encoding), GOOD
        except UnicodeDecodeError:
            # Cut in the middle of a character, or another encoding than the sheet says.
            return body.decode(form.encoding, errors="replace"), int(Quality.UNCERTAIN)

    return finish


# --- the number in the raw item -----------------------------------------------------------------


def _parser(address: ModbusAddress, form: Form) -> Parse | None:
    shift = address.bit
    if form.kind == "bit":
        return (lambda raw: int(raw != 0)) if shift is None else lambda raw: raw >> shift & 1
    if form.kind == "bits" and shift is not None:
        mask = (1 << form.bits) - 1
        return lambda raw: raw >> shift & mask
    if form.kind == "sign":
        top = 1 << form.bits - 1
        return lambda raw: raw if raw < top else top - raw
    return _DIGITS.get(form.kind)


def _bcd(raw: int) -> int | None:
    try:
        return int(f"{raw:x}")
    except ValueError:
        return None


def _m10k(raw: bytes) -> int | None:
    total = 0
    digits = struct.unpack(f">{len(raw) // 2}h", raw)
    for digit in digits:
        total = total * 10_000 + digit
    if max(digits) > 9_999 or min(digits) < -9_999 or min(digits) < 0 < max(digits):
        return None
    return total


_DIGITS: Final[dict[str, Parse]] = {"bcd": _bcd, "m10k": _m10k}


# --- sentinels ----------------------------------------------------------------------------------


def sentinel_items(address: ModbusAddress, form: Form) -> frozenset[Hashable]:
    """Return the raw items that mean "no measurement", as struct would give them."""
    items: set[Hashable] = set()
    for sentinel in address.sentinels:
        items |= _items_of(sentinel, form)
    return frozenset(items)


def _items_of(sentinel: int, form: Form) -> set[Hashable]:
    if form.code.endswith("s"):
        return {(sentinel & 0xFFFF).to_bytes(2, "big") * form.registers}
    size = struct.calcsize(f">{form.code.strip('x')}")
    bits = (sentinel & (1 << 8 * size) - 1).to_bytes(size, "big")
    item: Hashable = struct.unpack(f">{form.code.strip('x')}", bits)[0]
    # A sheet may give a float's sentinel as bits (0x7FC00000) or as the number shown (-9999).
    return {item, float(sentinel)} if isinstance(item, float) else {item}


# --- scale --------------------------------------------------------------------------------------


def two_point(raw: tuple[float, float], value: tuple[float, float]) -> Scale:
    """Return the scale that maps raw[0] to value[0] and raw[1] to value[1] (4 mA, 20 mA)."""
    (r0, r1), (v0, v1) = (map(_decimal, raw), map(_decimal, value))
    if r0 == r1:
        raise ValueError("two points with one raw value")
    factor = (v1 - v0) / (r1 - r0)
    return Scale(factor=float(factor), offset=float(v0 - r0 * factor))


def _decimal(number: float) -> Decimal:
    exact = Decimal(repr(number))
    if not exact.is_finite():
        raise ValueError(f"{number!r} in a scale")
    return exact


def fraction(scale: Scale) -> tuple[int, int, int] | None:
    """Return n, m, d with value = (raw*n + m) / d exactly; None if that needs too many places."""
    factor, offset = _decimal(scale.factor), _decimal(scale.offset)
    places = max(0, -int(factor.as_tuple().exponent), -int(offset.as_tuple().exponent))
    if places > MOST_PLACES or max(factor.adjusted(), offset.adjusted()) > MOST_PLACES:
        return None
    power = Decimal(10) ** places
    return int(factor * power), int(offset * power), int(power)


def _scaler(sheet: ProfilePoint, form: Form) -> Callable[[Any], Any] | None:
    if sheet.type == "bool":
        return bool
    whole = form.code not in ("e", "f", "d")
    if sheet.scale is None or sheet.scale == Scale():
        if not whole:
            return None if sheet.decimals is None else _rounded(1.0, 0.0, sheet.decimals)
        return float if sheet.type == "float" else None
    exact = fraction(sheet.scale) if whole else None
    if exact is None:
        return _rounded(sheet.scale.factor, sheet.scale.offset, sheet.decimals)
    return _exact(exact, sheet)


def _exact(exact: tuple[int, int, int], sheet: ProfilePoint) -> Callable[[int], float]:
    n, m, d = exact
    if d == 1:
        if sheet.type == "float":
            return lambda raw: float(raw * n + m)
        return lambda raw: raw * n + m
    if sheet.decimals is None or 10**sheet.decimals >= d:
        # Division of integers is correctly rounded: the nearest float64 to the decimal.
        return lambda raw: (raw * n + m) / d
    power = 10**sheet.decimals
    return lambda raw: round((raw * n + m) * power / d) / power


def _rounded(factor: float, offset: float, decimals: int | None) -> Callable[[float], float]:
    if decimals is None:
        return lambda raw: raw * factor + offset
    power = 10.0**decimals

    def scale(raw: float) -> float:
        value = raw * factor + offset
        ticks = value * power
        # False for NaN and infinity, which go on as they are and become a quality.
        return round(ticks) / power if -EXACT < ticks < EXACT else value

    return scale
