"""How values lie in registers: the list of types and the four orders (pure).

A *register* is a 16-bit cell. Bytes are named by weight: A is the most significant. A value of two
registers lies in the device as

    ABCD   r0=AB r1=CD   big-endian: what the standard draws
    CDAB   r0=CD r1=AB   words exchanged: the most common surprise
    BADC   r0=BA r1=DC   bytes of each register exchanged
    DCBA   r0=DC r1=BA   both: little-endian

and a value of four registers as ABCDEFGH, GHEFCDAB, BADCFEHG, HGFEDCBA. In one register only the
byte exchange shows (BADC, DCBA); a text never exchanges words.
"""

from dataclasses import dataclass
from typing import Final

from protocols.profile import ModbusAddress

REGISTER_TABLES: Final = ("holding", "input")
BIT_TABLES: Final = ("coil", "discrete")
TABLES: Final = BIT_TABLES + REGISTER_TABLES
ORDERS: Final = ("ABCD", "CDAB", "BADC", "DCBA")

MAX_REGISTERS: Final = 125
"""Most registers one request may read (Modbus Application Protocol V1.1b3, 6.3)."""
MAX_BITS: Final = 2000
"""Most coils one request may read (6.1)."""
LAST_ADDRESS: Final = 65_535


@dataclass(frozen=True, slots=True)
class Form:
    """`code`: the struct item of the value's big-endian bytes; `kind`: what is in it.

    `kind`: number (as it stands), bit, bits, bcd, sign (sign and magnitude), m10k, text, mask.
    """

    code: str
    registers: int
    kind: str = "number"
    encoding: str = ""
    bits: int = 0


FIXED: Final[dict[str, Form]] = {
    "bool": Form("H", 1, "bit"),
    "int8h": Form("bx", 1),
    "int8l": Form("xb", 1),
    "uint8h": Form("Bx", 1),
    "uint8l": Form("xB", 1),
    "int16": Form("h", 1),
    "uint16": Form("H", 1),
    "int32": Form("i", 2),
    "uint32": Form("I", 2),
    "int64": Form("q", 4),
    "uint64": Form("Q", 4),
    "float16": Form("e", 1),
    "float32": Form("f", 2),
    "float64": Form("d", 4),
    "bcd16": Form("H", 1, "bcd"),
    "bcd32": Form("I", 2, "bcd"),
    "bcd64": Form("Q", 4, "bcd"),
    "sm16": Form("H", 1, "sign", bits=16),
    "sm32": Form("I", 2, "sign", bits=32),
    **{f"bits{n}": Form("H", 1, "bits", bits=n) for n in range(2, 16)},
}
"""Types whose length is fixed."""

COUNTED: Final = ("bitfield", "m10k", "gb18030", "utf8")
"""Types as long as the address's `count`: bitfield 1, 2 or 4 registers, m10k 2 to 4, text any."""

TYPES: Final = (*FIXED, *COUNTED)
"""Every name `ModbusAddress.type` may have."""

_COUNTED_LIMITS: Final = {"bitfield": (1, 2, 4), "m10k": (2, 3, 4)}


def form_of(address: ModbusAddress) -> Form:
    """Return how the value at `address` lies in registers. Raises ValueError for a wrong sheet."""
    fixed = FIXED.get(address.type)
    if fixed is not None:
        return fixed
    count = address.count
    if address.type not in COUNTED:
        raise ValueError(f"type {address.type!r} is not one of {', '.join(TYPES)}")
    allowed = _COUNTED_LIMITS.get(address.type, range(1, MAX_REGISTERS + 1))
    if count not in allowed:
        raise ValueError(f"{address.type} of {count} registers")
    if address.type == "bitfield":
        return Form({1: "H", 2: "I", 4: "Q"}[count], count, "mask")
    if address.type == "m10k":
        return Form(f"{2 * count}s", count, "m10k")
    return Form(f"{2 * count}s", count, "text", encoding=address.type)


def width_of(address: ModbusAddress) -> int:
    """Return how many cells the value takes: registers, or bits of coil and discrete."""
    check_address(address)
    if address.table in BIT_TABLES:
        return address.count
    return form_of(address).registers


def check_address(address: ModbusAddress) -> None:
    """Raise ValueError saying what of `address` no device can have."""
    if address.table not in TABLES:
        raise ValueError(f"table {address.table!r} is not one of {', '.join(TABLES)}")
    if address.order not in ORDERS:
        raise ValueError(f"order {address.order!r} is not one of {', '.join(ORDERS)}")
    if address.table in BIT_TABLES:
        _check_bits(address)
        last = address.address + address.count - 1
    else:
        form = form_of(address)
        _check_bit_number(address, form)
        last = address.address + form.registers - 1
    if address.address < 0 or last > LAST_ADDRESS:
        raise ValueError(
            f"addresses {address.address} to {last} are not within 0 to {LAST_ADDRESS}"
        )


def _check_bits(address: ModbusAddress) -> None:
    if address.type not in ("bool", "bitfield"):
        raise ValueError(f"table {address.table} holds bool or bitfield, not {address.type}")
    if not 1 <= address.count <= 64 or (address.type == "bool" and address.count != 1):
        raise ValueError(f"{address.type} of {address.count} bits")


def _check_bit_number(address: ModbusAddress, form: Form) -> None:
    if address.bit is None:
        if form.kind == "bits":
            raise ValueError(f"{address.type} needs its lowest bit")
        return
    if form.kind not in ("bit", "bits"):
        raise ValueError(f"{address.type} has no bit number")
    if not 0 <= address.bit <= 16 - max(1, form.bits):
        raise ValueError(f"bit {address.bit} of {address.type} is outside the register")
