"""Buses and the devices on them: which settings each field language has, and which go together."""

from typing import Annotated, Final, Literal

from pydantic import Field

from protocols.modbus.settings import MAX_TIMEOUT, PARITIES, TRANSPORTS
from protocols.opcua.settings import MODES, POLICIES
from protocols.schema.fields import Choice, Date, LabelModel, Line, Matching, Name, Seconds, Strict
from protocols.schema.levels import LevelModel
from protocols.schema.patterns import ENDPOINT, HOST, PREFIX, PROFILE, SERIAL

Port = Annotated[int, Field(ge=1, le=65_535)]
Timeout = Annotated[float, Field(ge=0.05, le=MAX_TIMEOUT)]
Pause = Annotated[float, Field(ge=0, le=10)]
Host = Annotated[str, Matching("HOST_FORMAT", HOST)]


class ConfirmedModel(Strict):
    """A person says: these limits are right for this place. Until then they only are an offer."""

    by: Line
    on: Date


class OverrideModel(Strict):
    """What this place has otherwise than the data sheet says."""

    label: LabelModel | None = None
    object: Name | None = None
    deadband: Annotated[float, Field(ge=0)] | None = None
    heartbeat: Annotated[Seconds, Field(gt=0)] | None = None
    stale: Annotated[Seconds, Field(gt=0)] | None = None
    limits: Annotated[list[LevelModel], Field(max_length=16)] | None = None
    limits_confirmed: ConfirmedModel | None = None


class DeviceModel(Strict):
    """One addressable thing; `object` and `limits_confirmed` hold for all its points."""

    name: Name
    label: LabelModel | None = None
    site: Name | None = None
    profile: Annotated[str, Matching("PROFILE_FORMAT", PROFILE)]
    scan: Annotated[float, Field(ge=0.05, le=3600)] | None = None
    object: Name | None = None
    limits_confirmed: ConfirmedModel | None = None
    points: Annotated[dict[str, OverrideModel], Field(default_factory=dict)]


class ModbusDeviceModel(DeviceModel):
    """A device on a Modbus line; `device_id` is its address there (设备地址)."""

    device_id: Annotated[int, Field(ge=0, le=255)] = 1


class MqttDeviceModel(DeviceModel):
    """A device that publishes below `prefix`; `partial` messages may leave points out."""

    prefix: Annotated[str, Matching("PREFIX_FORMAT", PREFIX)] | None = None
    partial: bool | None = None


class NamedBus(Strict):
    """What every bus has."""

    name: Name


class ModbusBusModel(NamedBus):
    """One Modbus TCP connection, RTU frames over TCP, or a serial line."""

    protocol: Literal["modbus"]
    transport: Annotated[str, Choice(TRANSPORTS)] = "tcp"
    host: Host | None = None
    port: Port | None = None
    path: Annotated[str, Matching("SERIAL_FORMAT", SERIAL)] | None = None
    baudrate: Annotated[int, Field(ge=300, le=4_000_000)] | None = None
    bytesize: Annotated[int, Field(ge=7, le=8)] | None = None
    parity: Annotated[str, Choice(PARITIES)] | None = None
    stopbits: Annotated[int, Field(ge=1, le=2)] | None = None
    timeout: Timeout | None = None
    pause: Pause | None = None
    settle: Pause | None = None
    strict_transaction: bool | None = None
    devices: Annotated[list[ModbusDeviceModel], Field(min_length=1, max_length=256)]


class OpcUaBusModel(NamedBus):
    """One OPC UA server."""

    protocol: Literal["opcua"]
    endpoint: Annotated[str, Matching("ENDPOINT_FORMAT", ENDPOINT)]
    timeout: Timeout | None = None
    username: Line | None = None
    password_file: Line | None = None
    policy: Annotated[str, Choice(("None", *POLICIES))] | None = None
    mode: Annotated[str, Choice(MODES)] | None = None
    certificate: Line | None = None
    private_key: Line | None = None
    server_certificate: Line | None = None
    devices: Annotated[list[DeviceModel], Field(min_length=1, max_length=256)]


class MqttBusModel(NamedBus):
    """One MQTT broker."""

    protocol: Literal["mqtt"]
    host: Host
    port: Port | None = None
    timeout: Timeout | None = None
    client_id: Line | None = None
    tls: bool | None = None
    ca_file: Line | None = None
    certificate: Line | None = None
    private_key: Line | None = None
    username: Line | None = None
    password_file: Line | None = None
    devices: Annotated[list[MqttDeviceModel], Field(min_length=1, max_length=1_000)]


AnyBus = ModbusBusModel | OpcUaBusModel | MqttBusModel

BusModel = Annotated[AnyBus, Field(discriminator="protocol")]

BUSES: Final[dict[str, type[AnyBus]]] = {
    "modbus": ModbusBusModel,
    "opcua": OpcUaBusModel,
    "mqtt": MqttBusModel,
}
