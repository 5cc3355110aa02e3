"""Where points lie: an address model for each field language, and what two points may not share."""

from collections.abc import Iterator, Sequence
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
    check_address,
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


class ModbusAddressModel(Strict):
    """Zero based as on the wire: holding register 40001 of a paper sheet is `address: 0`."""

    table: Annotated[str, Choice(TABLES)]
    address: Annotated[int, Field(ge=0, le=LAST_ADDRESS)]
    type: Annotated[str, Choice(TYPES)]
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
        report.at((*path, "type"), "ADDRESS_TYPE", fits, point_type=point_type, table=address.table)
        return False
    kind = FIXED[address.type].kind if address.type in FIXED else ""
    if address.bit is None and kind == "bits":
        report.at((*path, "bit"), "BIT_MISSING", ("0 … 15",), value=address.type)
        return False
    if address.bit is not None and (kind not in ("bit", "bits") or address.table in BIT_TABLES):
        report.at((*path, "bit"), "BIT_UNUSED", type=address.type)
        return False
    if address.count != 1 and address.type not in COUNTED:
        report.at((*path, "count"), "COUNT_UNUSED", type=address.type)
        return False
    try:
        check_address(address)
    except ValueError as exc:
        report.at(path, "ADDRESS_IMPOSSIBLE", reason=str(exc))
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
