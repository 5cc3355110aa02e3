"""Short ways to write points, devices and buses of Modbus."""

from protocols.device import Bus, Device, Point
from protocols.profile import ModbusAddress, ProfilePoint
from protocols.words import Label, PointId


def sheet(name="p", kind="uint16", address=0, **options):
    """Return a point of a profile; keys of the address and of the point mixed."""
    of_address = {
        key: options.pop(key)
        for key in ("table", "order", "count", "bit", "sentinels")
        if key in options
    }
    options.setdefault("type", value_type(kind, options))
    return ProfilePoint(
        name=name,
        label=Label(name),
        quantity="any",
        address=ModbusAddress(
            **{"table": "holding", "address": address, "type": kind, **of_address}
        ),
        **options,
    )


def value_type(kind, options):
    if kind == "bool":
        return "bool"
    if kind in ("gb18030", "utf8"):
        return "text"
    return "float" if kind.startswith("float") or options.get("scale") else "int"


def at(index, of_profile, device_name="d"):
    """Return a profile's point as the manifest's `index`."""
    identity = PointId("site", "gw", device_name, of_profile.name)
    return Point(index=index, id=identity, sheet=of_profile, label=of_profile.label)


def point(index, *args, **options):
    """Return a point of a device."""
    return at(index, sheet(*args, **options))


def device(*sheets, name="d", device_id=1, first=0, **options):
    """Return a device with these points, numbered from `first`."""
    points = tuple(at(first + i, s, name) for i, s in enumerate(sheets))
    return Device(
        site="site",
        name=name,
        label=Label(name),
        profile="test",
        points=points,
        scan=1.0,
        options=(("device_id", device_id),),
        **options,
    )


def bus(*devices, **options):
    """Return a bus; the timeout is short, as tests wait for it."""
    options.setdefault("timeout", 0.4)
    return Bus(name="b", protocol="modbus", devices=devices, options=tuple(options.items()))
