"""Where points lie: an address model for each field language, and what two points may not share."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Final

from pydantic import Field

from protocols.modbus.forms import (
    BIT_TABLES,
    COUNTED,
    FIXED,
    LAST_ADDRESS,
    MAX_REGISTERS,
    ORDERS,
    TABLES,
    TYPES,
    width_of,
)
from protocols.profile import ModbusAddress, MqttAddress, OpcUaAddress
from protocols.schema.fields import Choice, Line, Matching, Strict
from protocols.schema.patterns import NODE, POINTER, TOPIC
from protocols.schema.report import Report
from protocols.schema.yaml_source import Path

TEXTS: Final = ("gb18030", "utf8")
FLOATS: Final = ("float16", "float32", "float64")
FITS: Final[dict[str, tuple[str, ...]]] = {
    "bool": ("bool",),
    "text": TEXTS,
    "enum": tuple(kind for kind in TYPES if kind not in TEXTS + FLOATS),
    "int": tuple(kind for kind in TYPES if kind not in (*TEXTS, *FLOATS, "bool")),
    "float": tuple(kind for kind in TYPES if kind not in (*TEXTS, "bool", "bitfield")),
}
"""Type of a point to the register types that can carry it."""


COUNTS: Final[dict[str, tuple[int, ...]]] = {"bitfield": (1, 2, 4), "m10k": (2, 3, 4)}
"""Registers that the counted types may take; texts any."""


def abridged(kinds: Sequence[str]) -> tuple[str, ...]:
    """Return the types as people read them: one entry for all the bits2 ... bits15."""
    bits = [kind for kind in kinds if kind in FIXED and FIXED[kind].kind == "bits"]
    shown = [kind for kind in kinds if kind not in bits]
    return (*shown, f"{bits[0]}…{bits[-1]}") if bits else tuple(shown)


class ModbusAddressModel(Strict):
    """Zero based as on the wire: holding register 40001 of a paper sheet is `address: 0`."""

    table: Annotated[str, Choice(TABLES)]
    address: Annotated[int, Field(ge=0, le=LAST_ADDRESS)]
    type: Annotated[str, Choice(TYPES, abridged(TYPES))]
    order: Annotated[str, Choice(ORDERS)] = "ABCD"
    count: Annotated[int, Field(ge=1, le=MAX_REGISTERS)] = 1
    bit: Annotated[int, Field(ge=0, le=15)] | None = None
    sentinels: Annotated[list[int], Field(max_length=8, default_factory=list)]

    def address_struct(self) -> ModbusAddress:
        """Return the frozen struct."""
        return ModbusAddress(
            table=self.table,
            address=self.address,
            type=self.type,
            order=self.order,
            count=self.count,
            bit=self.bit,
            sentinels=tuple(self.sentinels),
        )


class OpcUaAddressModel(Strict):
    """A NodeId without its namespace index; `namespace` is a URI (default: the profile's)."""

    node: Annotated[str, Matching("NODE_FORMAT", NODE)]
    namespace: Line | None = None

    def address_struct(self, namespace: str | None) -> OpcUaAddress:
        """Return the frozen struct; `namespace` stands in where the point names none."""
        return OpcUaAddress(node=self.node, namespace=self.namespace or namespace or "")


class MqttAddressModel(Strict):
    """A topic below the device's prefix and JSON pointers into its payload (RFC 6901)."""

    topic: Annotated[str, Matching("TOPIC_FORMAT", TOPIC)]
    pointer: Annotated[str, Matching("POINTER_FORMAT", POINTER)] = ""
    time: Annotated[str, Matching("POINTER_FORMAT", POINTER)] | None = None
    quality: Annotated[str, Matching("POINTER_FORMAT", POINTER)] | None = None

    def address_struct(self) -> MqttAddress:
        """Return the frozen struct."""
        return MqttAddress(
            topic=self.topic, pointer=self.pointer, time=self.time, quality=self.quality
        )


def check_modbus(report: Report, path: Path, address: ModbusAddress, point_type: str) -> bool:
    """Check what the fields alone cannot tell; return whether the address can exist."""
    fits = FITS[point_type]
    if address.table in BIT_TABLES:
        fits = tuple(kind for kind in fits if kind in ("bool", "bitfield"))
    if address.type not in fits:
        table = address.table
        shown = abridged(fits)
        report.at((*path, "type"), "ADDRESS_TYPE", shown, point_type=point_type, table=table)
        return False
    if not (_check_bit(report, path, address) and _check_count(report, path, address)):
        return False
    last = address.address + width_of(replace(address, address=0)) - 1
    if last > LAST_ADDRESS:
        here = (*path, "address")
        report.at(here, "ADDRESS_END", (f"0 … {LAST_ADDRESS}",), last=last, type=address.type)
        return False
    return True


def _check_bit(report: Report, path: Path, address: ModbusAddress) -> bool:
    form = FIXED.get(address.type)
    kind = form.kind if form else ""
    width = max(1, form.bits) if form else 1
    here = (*path, "bit")
    if address.bit is None:
        if kind == "bits":
            report.at(here, "BIT_MISSING", (f"0 … {16 - width}",), value=address.type)
        return kind != "bits"
    if kind not in ("bit", "bits") or address.table in BIT_TABLES:
        report.at(here, "BIT_UNUSED", type=address.type)
        return False
    if address.bit + width > 16:
        report.at(here, "BIT_OUTSIDE", (f"0 … {16 - width}",), type=address.type)
        return False
    return True


def _check_count(report: Report, path: Path, address: ModbusAddress) -> bool:
    here = (*path, "count")
    if address.type not in COUNTED:
        if address.count != 1:
            report.at(here, "COUNT_UNUSED", type=address.type)
        return address.count == 1
    most = range(1, 65) if address.table in BIT_TABLES else COUNTS.get(address.type)
    if most is not None and address.count not in most:
        shown = ("1 … 64",) if isinstance(most, range) else map(str, most)
        report.at(here, "COUNT_ALLOWED", shown, value=address.count, type=address.type)
        return False
    return True


def check_overlaps(report: Report, points: Sequence[tuple[Path, str, ModbusAddress]]) -> None:
    """Two points may share a register only if they use different bits of it."""
    taken: dict[tuple[str, int], list[tuple[int, str]]] = {}
    for path, name, address in points:
        named: set[str] = set()
        for cell, mask in _cells(address):
            users = taken.setdefault((address.table, cell), [])
            for other_mask, other in users:
                if mask & other_mask and other not in named:
                    named.add(other)
                    report.at((*path, "address"), "OVERLAP", value=cell, other=other, name=name)
            users.append((mask, name))


def _cells(address: ModbusAddress) -> Iterator[tuple[int, int]]:
    """Return every cell of the value with the bits used of it."""
    width = width_of(address)
    mask = 0xFFFF
    if address.table not in BIT_TABLES:
        form = FIXED.get(address.type)
        if form is not None and address.bit is not None:
            mask = (1 << max(1, form.bits)) - 1 << address.bit
        elif address.type.endswith("8h"):
            mask = 0xFF00
        elif address.type.endswith("8l"):
            mask = 0x00FF
    return ((address.address + offset, mask) for offset in range(width))


def check_same(
    report: Report, points: Sequence[tuple[Path, str, OpcUaAddress | MqttAddress]]
) -> None:
    """Two points that read the same thing are a slip of the pen."""
    taken: dict[OpcUaAddress | MqttAddress, str] = {}
    for path, name, address in points:
        other = taken.setdefault(address, name)
        if other != name:
            value = address.node if isinstance(address, OpcUaAddress) else address.topic
            report.at((*path, "address"), "SAME_ADDRESS", value=value, other=other, name=name)
