"""Makes small things tests need: points, devices, buses, configurations."""

from dataclasses import replace
from pathlib import Path

from edge.config import BufferSettings, CollectorLink, EdgeConfig, Site
from protocols.device import Bus, Device, Point
from protocols.profile import ModbusAddress, ProfilePoint
from protocols.wire.manifest import encode_manifest
from protocols.words import Label, PointId, Purpose, Value


def point(index: int, device: str = "tk-101", name: str | None = None, **sheet: object) -> Point:
    name = name or f"p{index}"
    made = ProfilePoint(
        name=name,
        label=Label(name),
        quantity="tank_level",
        address=ModbusAddress(table="holding", address=2 * index, type="float32", count=2),
        decimals=2,
    )
    return Point(
        index=index,
        id=PointId("s1", "gw-1", device, name),
        sheet=replace(made, **sheet),  # type: ignore[arg-type]
        label=Label(name),
    )


def device(name: str, points: tuple[Point, ...], scan: float = 1.0, **options: Value) -> Device:
    return Device(
        site="s1",
        name=name,
        label=Label(name),
        profile="example/x",
        points=points,
        scan=scan,
        options=tuple(options.items()),
    )


def bus(*devices: Device, name: str = "bus-1", protocol: str = "modbus", **options: Value) -> Bus:
    return Bus(name=name, protocol=protocol, devices=devices, options=tuple(options.items()))


def config(folder: Path, url: str, *buses: Bus, quota: int = 1 << 30) -> EdgeConfig:
    token = folder / "token"
    token.write_text("secret\n")
    site = Site(name="s1", label=Label("场所"), region="441502", domain="hazardous_chemicals")
    return EdgeConfig(
        file=folder / "edge.yaml",
        gateway="gw-1",
        label=Label("网关"),
        site="s1",
        purpose=Purpose.TEST,
        sites=(site,),
        objects=(),
        collector=CollectorLink(url=url, token_file=token, timeout=5.0),
        buffer=BufferSettings(folder=folder / "buffer", quota_bytes=quota),
        health_host="127.0.0.1",
        health_port=0,
        buses=buses,
        manifest=encode_manifest("gw-1", Label("网关"), [site], [], list(buses)),
    )
