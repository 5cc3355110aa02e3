"""`modbus-decode.json`: registers, type, order, scale to a value, by `protocols.modbus.codec`."""

import math
import struct
from typing import Any, Final

from protocols.modbus.codec import decode
from protocols.modbus.forms import form_of
from protocols.profile import ModbusAddress, ProfilePoint, Scale
from protocols.quality import Quality
from protocols.words import Label, Value

TYPES: Final = {"BIT": "bool", "STRING": "utf8"}
TEXTS: Final = ("utf8", "gb18030")
FLOATS: Final = ("e", "f", "d")
TOLERANCE: Final = 1e-9


def run(case: dict[str, Any]) -> str | None:
    """Return None if the product gives what the case expects, else what it gave instead."""
    try:
        value, quality = decode(case["registers"], sheet_of(case))
    except (ValueError, KeyError, TypeError) as exc:
        return f"{type(exc).__name__}: {exc}"
    if quality != Quality.GOOD:
        return f"quality {quality:#010x}"
    return None if _same(value, case) else f"{value!r}, expected {case['expected']!r}"


def sheet_of(case: dict[str, Any]) -> ProfilePoint:
    """Return the case as a point of a profile."""
    kind = TYPES.get(case["type"], case["type"].lower())
    address = ModbusAddress(
        table="holding",
        address=0,
        type=kind,
        order=case["order"],
        count=case.get("length") or 1,
        bit=case.get("bit"),
    )
    factor = case.get("scale")
    return ProfilePoint(
        name="case",
        label=Label("case"),
        quantity="case",
        address=address,
        type=_value_type(kind, address, factor),
        scale=None if factor is None else Scale(factor=factor),
    )


def _value_type(kind: str, address: ModbusAddress, factor: float | None) -> str:
    if kind in TEXTS:
        return "text"
    # The source of the cases gives every scaled value as a float64.
    whole = factor is None and form_of(address).code not in FLOATS
    return "int" if whole else "float"


def _same(value: Value, case: dict[str, Any]) -> bool:
    expected = case["expected"]
    if isinstance(expected, str) or isinstance(value, str) or value is None:
        return bool(value == expected)
    if isinstance(value, int) and isinstance(expected, int):
        return int(value) == int(expected)
    if case["type"] == "FLOAT32" and struct.pack(">f", value) == struct.pack(">f", expected):
        # The case gives the shortest decimal of the float32, the product the float32 itself.
        return True
    return math.isclose(value, expected, rel_tol=TOLERANCE)
