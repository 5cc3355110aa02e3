"""The profile format v1: YAML to `protocols.profile.Profile`, or every mistake in it at once.

One page for those who write profiles: firmware-profiles/README.md.
"""

from collections.abc import Sequence
from pathlib import Path as FilePath
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError

from protocols.modbus.forms import MAX_REGISTERS
from protocols.profile import PROFILES, Address, ModbusAddress, Profile, ProfilePoint
from protocols.schema.addresses import (
    ModbusAddressModel,
    MqttAddressModel,
    OpcUaAddressModel,
    check_modbus,
    check_overlaps,
    check_same,
)
from protocols.schema.fields import Format, LabelModel, Line, Strict, duplicates
from protocols.schema.points import PointModel, check_point
from protocols.schema.report import Report
from protocols.schema.yaml_source import Path, Source, read

Text = Annotated[str, Field(min_length=1, max_length=400)]
MAX_POINTS: Final = 5_000
MAX_GAP: Final = 8
MAX_BLOCK: Final = 120
PROFILE_LIMIT: Final = 4 * 1024 * 1024
"""Bytes of a profile: a controller with thousands of points still fits."""


class ProfileModel(Strict):
    """What every profile says, whatever it speaks."""

    format: Format
    label: LabelModel
    vendor: Line
    model: Line
    firmware: Line
    source: Text
    scan: Annotated[float, Field(ge=0.05, le=3600)] = 1.0


class ModbusPointModel(PointModel):
    """A point in registers or coils."""

    address: ModbusAddressModel

    def struct(self, _profile: "AnyProfile") -> ProfilePoint:
        """Return the frozen struct."""
        return self.sheet(self.address.address_struct())


class OpcUaPointModel(PointModel):
    """A point that is an OPC UA variable."""

    address: OpcUaAddressModel

    def struct(self, profile: "AnyProfile") -> ProfilePoint:
        """Return the frozen struct."""
        return self.sheet(self.address.address_struct(getattr(profile, "namespace", None)))


class MqttPointModel(PointModel):
    """A point inside a JSON message."""

    address: MqttAddressModel

    def struct(self, _profile: "AnyProfile") -> ProfilePoint:
        """Return the frozen struct."""
        return self.sheet(self.address.address_struct())


class ModbusProfile(ProfileModel):
    """A device read in blocks."""

    protocol: Literal["modbus"]
    max_gap: Annotated[int, Field(ge=0, le=MAX_REGISTERS)] = MAX_GAP
    max_block: Annotated[int, Field(ge=1, le=MAX_REGISTERS)] = MAX_BLOCK
    points: Annotated[list[ModbusPointModel], Field(min_length=1, max_length=MAX_POINTS)]


class OpcUaProfile(ProfileModel):
    """A server that is subscribed to."""

    protocol: Literal["opcua"]
    namespace: Line | None = None
    points: Annotated[list[OpcUaPointModel], Field(min_length=1, max_length=MAX_POINTS)]


class MqttProfile(ProfileModel):
    """A device that publishes."""

    protocol: Literal["mqtt"]
    points: Annotated[list[MqttPointModel], Field(min_length=1, max_length=MAX_POINTS)]


AnyProfile = ModbusProfile | OpcUaProfile | MqttProfile

MODELS: Final[dict[str, type[AnyProfile]]] = {
    "modbus": ModbusProfile,
    "opcua": OpcUaProfile,
    "mqtt": MqttProfile,
}
_POINTS: Final[dict[str, type[ModbusPointModel | OpcUaPointModel | MqttPointModel]]] = {
    "modbus": ModbusPointModel,
    "opcua": OpcUaPointModel,
    "mqtt": MqttPointModel,
}


def load_profile(which: str | FilePath) -> Profile:
    """Read a profile by its name (`example/crane-mqtt`) or from a file.

    Raises ConfigError with every problem. A file below firmware-profiles is known by its path
    there, any other by its stem.
    """
    if isinstance(which, str) and not which.endswith(".yaml"):
        return load_profile_file(PROFILES / f"{which}.yaml", which)
    path = FilePath(which)
    return load_profile_file(path, profile_name(path))


def profile_name(path: FilePath) -> str:
    """Return the name that the profile in the file `path` goes by."""
    whole = path.resolve()
    if whole.is_relative_to(PROFILES):
        return whole.relative_to(PROFILES).with_suffix("").as_posix()
    return path.stem


def load_profile_file(path: FilePath, name: str) -> Profile:
    """Read the profile at `path`, to be known as `name`. Raises ConfigError with every problem."""
    return build_profile(read(path, limit=PROFILE_LIMIT), name)


def build_profile(source: Source, name: str) -> Profile:
    """Make a Profile of a file that was read. Raises ConfigError with every problem."""
    report = Report(source)
    data = source.data
    if not isinstance(data, dict):
        report.at((), "TYPE_MAPPING")
        report.finish()
    protocol = data.get("protocol")
    if not isinstance(protocol, str) or protocol not in MODELS:
        code = "VALUE_CHOICE" if "protocol" in data else "KEY_MISSING"
        report.at(("protocol",), code, MODELS, value=str(protocol or "protocol"))
        report.finish()
    model = report.check(MODELS[protocol], data)
    _check_points(report, data, protocol)
    report.finish()
    assert model is not None  # noqa: S101  # else `finish` has raised
    return _struct(model, name)


def _struct(model: AnyProfile, name: str) -> Profile:
    return Profile(
        name=name,
        protocol=model.protocol,
        label=model.label.label(),
        vendor=model.vendor,
        model=model.model,
        firmware=model.firmware,
        source=model.source,
        points=tuple(point.struct(model) for point in model.points),
        scan=model.scan,
        max_gap=getattr(model, "max_gap", MAX_GAP),
        max_block=getattr(model, "max_block", MAX_BLOCK),
    )


def _check_points(report: Report, data: dict[str, Any], protocol: str) -> None:
    points = data.get("points")
    items = [
        (i, item)
        for i, item in enumerate(points if isinstance(points, list) else [])
        if isinstance(item, dict)
    ]
    names = ((i, item["name"]) for i, item in items if isinstance(item.get("name"), str))
    for i, name, first in duplicates(names):
        line = report.source.line(("points", first, "name"))
        report.at(("points", i, "name"), "NAME_TWICE", value=name, first=line)
    for i, item in items:
        check_point(report, ("points", i), item)
    _check_addresses(report, items, data, protocol)


def _check_addresses(
    report: Report, items: Sequence[tuple[int, dict[str, Any]]], data: dict[str, Any], protocol: str
) -> None:
    """Check every address that can be read by itself, and all of them together."""
    model = _POINTS[protocol].model_fields["address"].annotation
    found: list[tuple[Path, str, Any, str]] = []
    for i, item in items:
        try:
            address = model.model_validate(item.get("address"))  # type: ignore[union-attr]
        except ValidationError:
            continue  # named when the whole file was validated
        point_type = item.get("type", "float")
        found.append((("points", i), str(item.get("name", i)), address, str(point_type)))
    if protocol == "modbus":
        _check_registers(report, found)
        return
    if protocol == "opcua":
        for path, _, address, _ in found:
            if not (address.namespace or data.get("namespace")):
                report.at((*path, "address", "namespace"), "NAMESPACE_MISSING")
    namespace = data.get("namespace") if isinstance(data.get("namespace"), str) else None
    check_same(report, [(path, name, _plain(item, namespace)) for path, name, item, _ in found])


def _plain(model: Any, namespace: str | None) -> Any:
    if isinstance(model, OpcUaAddressModel):
        return model.address_struct(namespace)
    return model.address_struct()


def _check_registers(report: Report, found: Sequence[tuple[Path, str, Any, str]]) -> None:
    possible: list[tuple[Path, str, ModbusAddress]] = []
    for path, name, model, point_type in found:
        address: Address = model.address_struct()
        fits = point_type in ("float", "int", "bool", "enum", "text")
        if not isinstance(address, ModbusAddress) or not fits:
            continue
        if check_modbus(report, (*path, "address"), address, point_type):
            possible.append((path, name, address))
    check_overlaps(report, possible)
