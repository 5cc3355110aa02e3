"""A profile (设备模板): the data sheet of a device type and firmware, nothing site specific.

These are the frozen structs the running gateway sees. The YAML format v1 is validated by
`protocols.schema` in a child process: it needs libraries the gateway must not load.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from protocols.alarms.rule import Level
from protocols.words import Label

PROFILES: Final = Path(__file__).resolve().parents[1] / "firmware-profiles"
"""Same relative place in a checkout, an editable install and a wheel."""

FORMAT: Final = "v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusAddress:
    """Where and how a point lies in a Modbus device (Modbus Application Protocol V1.1b3).

    `address` is zero based as on the wire; `count` is in registers (bits for coils).
    """

    table: str  # coil | discrete | input | holding
    address: int
    type: str  # see protocols/modbus/codec.py
    order: str = "ABCD"
    count: int = 1
    bit: int | None = None
    sentinels: tuple[int, ...] = ()
    """Raw register values (unscaled) that mean: no measurement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpcUaAddress:
    """A variable by its NodeId; `ns` is looked up by namespace URI at the server."""

    node: str  # `s=RSV.WL` or `i=1001`
    namespace: str  # URI


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttAddress:
    """A value inside a JSON payload: topic below the device's prefix, and a pointer (RFC 6901).

    `time` points at the device's own stamp (RFC 3339 or UTC milliseconds), `quality` at a boolean
    or a word listed in the driver's README.
    """

    topic: str
    pointer: str = ""
    time: str | None = None
    quality: str | None = None


Address = ModbusAddress | OpcUaAddress | MqttAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Raw to engineering value: `raw * factor + offset` (a two-point mapping becomes this)."""

    factor: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfilePoint:
    """One measured variable of a device type.

    `type` is what the value is to people: bool, int, float, enum, text. `decimals` is the fixed
    number shown and sent. `deadband` is the least change worth reporting (unit of the point, 0 any
    change); `heartbeat` and `stale` are seconds. `lane` `alarm` marks what must not wait behind
    routine data. `low`/`high` is the measuring range (EURange).
    """

    name: str
    label: Label
    quantity: str
    address: Address
    unit: str = ""
    type: str = "float"
    decimals: int | None = None
    low: float | None = None
    high: float | None = None
    deadband: float = 0.0
    heartbeat: float = 60.0
    stale: float = 180.0
    lane: str = "data"
    scale: Scale | None = None
    enumeration: tuple[tuple[int, Label], ...] = ()
    limits: tuple[Level, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A device type and firmware. `name` is the path below firmware-profiles without `.yaml`."""

    name: str
    protocol: str  # modbus | opcua | mqtt
    label: Label
    vendor: str
    model: str
    firmware: str
    source: str
    points: tuple[ProfilePoint, ...]
    scan: float = 1.0
    """Seconds between reads (polled) or sampling interval asked for (subscribed)."""
    max_gap: int = 8
    """Modbus: unused registers worth reading to save a request."""
    max_block: int = 120
    """Modbus: registers a single read may ask of this device (at most 125)."""
