"""A value into registers: the codec backwards, for the simulator and for tests (pure)."""

import math
import struct
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Final

from protocols.modbus.codec import bytes_swapped, modbus_address, register_order
from protocols.modbus.forms import BIT_TABLES, Form, form_of
from protocols.profile import ModbusAddress, ProfilePoint
from protocols.words import Value

Encode = Callable[[Value], list[int]]
Fractions = tuple[Fraction, Fraction] | None
"""Factor and offset."""

NAN: Final = float("nan")


def encode(value: Value, sheet: ProfilePoint) -> list[int]:
    """Return the cells that decode to `value` (engineering unit), in the device's own order.

    None becomes the point's first sentinel, or NaN in a float. A value of part of a register
    leaves the other bits 0. Raises ValueError if the point cannot hold the value.
    """
    return encoder(sheet)(value)


def encoder(sheet: ProfilePoint) -> Encode:
    """Return `encode` for one point, made once. Raises ValueError for a wrong sheet."""
    address = modbus_address(sheet)
    scale = _fractions(sheet)
    if address.table in BIT_TABLES:
        return lambda value: _bits(_whole(value, scale), address.count)
    form = form_of(address)
    order = register_order(address, form)
    words = struct.Struct(f"{'<' if bytes_swapped(address) else '>'}{form.registers}H")

    def encode_registers(value: Value) -> list[int]:
        body = _sentinel(address, form) if value is None else _body(value, scale, address, form)
        cells = [0] * form.registers
        for word, place in zip(words.unpack(body), order, strict=True):
            cells[place] = word
        return cells

    return encode_registers


def _bits(number: int, count: int) -> list[int]:
    if not 0 <= number < 1 << count:
        raise ValueError(f"{number} does not fit {count} bits")
    return [number >> place & 1 for place in range(count)]


def _sentinel(address: ModbusAddress, form: Form) -> bytes:
    if address.sentinels:
        return _sentinel_bytes(address.sentinels[0], form)
    if form.code in ("e", "f", "d"):
        return struct.pack(f">{form.code}", NAN)
    raise ValueError(f"{address.type} without a sentinel cannot say that there is no value")


def _sentinel_bytes(sentinel: int, form: Form) -> bytes:
    if form.code.endswith("s"):
        return (sentinel & 0xFFFF).to_bytes(2, "big") * form.registers
    if form.code in ("e", "f", "d") and sentinel < 0:
        return struct.pack(f">{form.code}", float(sentinel))
    if form.code in ("bx", "Bx"):
        return bytes([sentinel & 0xFF, 0])
    size = 2 * form.registers
    mask = 0xFF if form.code in ("xb", "xB") else (1 << 8 * size) - 1
    return (sentinel & mask).to_bytes(size, "big")


def _body(value: Value, scale: Fractions, address: ModbusAddress, form: Form) -> bytes:
    if form.kind == "text":
        return _text(value, form)
    try:
        if form.code in ("e", "f", "d"):
            return struct.pack(f">{form.code}", _unscaled(value, scale))
        return _integer(_whole(value, scale), address, form)
    except (struct.error, OverflowError) as exc:
        raise ValueError(f"{value!r} does not fit {address.type}") from exc


def _text(value: Value, form: Form) -> bytes:
    body = str(value).encode(form.encoding)
    if len(body) > 2 * form.registers:
        raise ValueError(f"{value!r} is longer than {form.registers} registers")
    return body.ljust(2 * form.registers, b"\0")


def _fractions(sheet: ProfilePoint) -> Fractions:
    if sheet.scale is None:
        return None
    return _fraction(sheet.scale.factor), _fraction(sheet.scale.offset)


def _fraction(number: float) -> Fraction:
    """Return the decimal that is written, not the float64 nearest to it."""
    return Fraction(Decimal(repr(number)) if isinstance(number, float) else int(number))


def _unscaled(value: Value, scale: Fractions) -> float:
    if isinstance(value, str) or value is None:
        raise ValueError(f"{value!r} is not a number")
    if scale is None or not math.isfinite(value):
        return float(value)
    return float((_fraction(value) - scale[1]) / scale[0])


def _whole(value: Value, scale: Fractions) -> int:
    if isinstance(value, str) or value is None or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a number a register holds")
    if scale is not None:
        return round((_fraction(value) - scale[1]) / scale[0])
    return round(value)


def _integer(number: int, address: ModbusAddress, form: Form) -> bytes:
    if form.kind == "m10k":
        return _m10k(number, form)
    if form.kind in ("bit", "bits"):
        number = _shifted(number, address, form)
    elif form.kind == "bcd":
        number = _bcd(number)
    elif form.kind == "sign":
        number = _signed(number, form)
    return struct.pack(f">{form.code}", number)


def _shifted(number: int, address: ModbusAddress, form: Form) -> int:
    if not 0 <= number < 1 << max(1, form.bits):
        raise ValueError(f"{number} does not fit {address.type}")
    return number << (address.bit or 0)


def _bcd(number: int) -> int:
    if number < 0:
        raise ValueError(f"{number}: BCD has no sign")
    return int(str(number), 16)


def _signed(number: int, form: Form) -> int:
    top = 1 << form.bits - 1
    if abs(number) >= top:
        raise ValueError(f"{number} does not fit sign and magnitude of {form.bits} bits")
    return number if number >= 0 else top - number


def _m10k(number: int, form: Form) -> bytes:
    sign, rest, digits = (-1 if number < 0 else 1), abs(number), []
    for _ in range(form.registers):
        rest, digit = divmod(rest, 10_000)
        digits.append(sign * digit)
    if rest:
        raise ValueError(f"{number} does not fit m10k of {form.registers} registers")
    return struct.pack(f">{form.registers}h", *reversed(digits))
