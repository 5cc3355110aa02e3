"""From a configuration file to the frozen structs the gateway runs on, every profile resolved.

`build` returns an EdgeConfig or raises ConfigError with every problem of the file and of the
profiles it names.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any, Final

from edge.config import BufferSettings, CollectorLink, EdgeConfig, Site, SiteObject
from edge.schema.buses import AnyBus, ConfirmedModel, DeviceModel, OverrideModel
from edge.schema.cross_checks import check_all
from edge.schema.model import EdgeModel
from edge.schema.overrides import ProfileShelf, check_devices
from protocols.alarms.rule import Level
from protocols.device import Bus, Device, Point
from protocols.errors import WireError
from protocols.profile import Profile, ProfilePoint
from protocols.schema.levels import ladder
from protocols.schema.report import Report
from protocols.schema.yaml_source import Source
from protocols.wire.bounds import MANIFEST_BYTES, POINTS
from protocols.wire.compression import compress
from protocols.wire.manifest import encode_manifest
from protocols.words import PointId, Purpose, Value

MIB: Final = 1024 * 1024

_PATHS: Final = ("password_file", "ca_file", "certificate", "private_key", "server_certificate")
_OWN_KEYS: Final = frozenset({"name", "protocol", "devices"})
_DEVICE_OPTIONS: Final = ("device_id", "prefix", "partial")


def build(source: Source, file: FilePath) -> EdgeConfig:
    """Make the configuration of a file that was read. Raises ConfigError with every problem."""
    report = Report(source)
    data = source.data
    if not isinstance(data, dict):
        report.at((), "TYPE_MAPPING")
        report.finish()
    folder = file.absolute().parent
    model = report.check(EdgeModel, data)
    check_all(report, data, folder)
    shelf = ProfileShelf(report, data.get("profiles"), file.parent)
    check_devices(report, data, shelf)
    report.finish()
    assert model is not None  # noqa: S101  # else `finish` has raised
    buses = _Resolver(model, shelf.profiles, folder).buses()
    return _with_manifest(report, _config(model, file, buses, folder))


def _config(
    model: EdgeModel, file: FilePath, buses: tuple[Bus, ...], folder: FilePath
) -> EdgeConfig:
    sites = tuple(_site(item) for item in model.sites)
    objects = tuple(
        SiteObject(site=item.site, name=item.name, kind=item.kind, label=item.label.label())
        for item in model.objects
    )
    gateway = model.gateway
    return EdgeConfig(
        file=file,
        gateway=gateway.name,
        label=gateway.label.label(),
        site=gateway.site,
        purpose=Purpose[model.purpose.upper()],
        sites=sites,
        objects=objects,
        collector=_collector(model, folder),
        buffer=_buffer(model, folder),
        health_host=model.health.host,
        health_port=model.health.port,
        buses=buses,
        manifest=b"",
    )


def _site(item: Any) -> Site:
    return Site(
        name=item.name,
        label=item.label.label(),
        region=item.region,
        domain=item.domain,
        longitude=item.longitude,
        latitude=item.latitude,
    )


def _collector(model: EdgeModel, folder: FilePath) -> CollectorLink:
    link = model.collector
    beside = (folder / model.buffer.folder).parent / "identity"
    return CollectorLink(
        url=link.url.rstrip("/"),
        token_file=None if link.token_file is None else folder / link.token_file,
        identity_folder=beside if link.identity_folder is None else folder / link.identity_folder,
        proxy=link.proxy,
        proxy_credentials_file=(
            None if link.proxy_credentials_file is None else folder / link.proxy_credentials_file
        ),
        timeout=link.timeout,
        allow_plain_http=link.allow_plain_http,
    )


def _buffer(model: EdgeModel, folder: FilePath) -> BufferSettings:
    quota = model.buffer.quota_mib
    return BufferSettings(
        folder=folder / model.buffer.folder,
        quota_bytes=None if quota is None else quota * MIB,
        segment_bytes=model.buffer.segment_mib * MIB,
        memory_bytes=model.buffer.memory_mib * MIB,
    )


class _Resolver:
    """Gives every point of every device its index, in the order of the file."""

    def __init__(self, model: EdgeModel, profiles: Mapping[str, Profile], folder: FilePath) -> None:
        self._model = model
        self._profiles = profiles
        self._folder = folder
        self._next = 0

    def buses(self) -> tuple[Bus, ...]:
        """Return every bus with its devices and points."""
        return tuple(self._bus(bus) for bus in self._model.buses)

    def _bus(self, bus: AnyBus) -> Bus:
        return Bus(
            name=bus.name,
            protocol=bus.protocol,
            devices=tuple(self._device(device) for device in bus.devices),
            options=tuple(self._options(bus)),
        )

    def _options(self, bus: AnyBus) -> list[tuple[str, Value]]:
        given = bus.model_dump(exclude=set(_OWN_KEYS), exclude_none=True)
        for key in _PATHS:
            if key in given:
                given[key] = str(self._folder / given[key])
        return list(given.items())

    def _device(self, device: DeviceModel) -> Device:
        profile = self._profiles[device.profile]
        site = device.site or self._model.gateway.site
        options = {
            key: value
            for key in _DEVICE_OPTIONS
            if (value := getattr(device, key, None)) is not None
        }
        return Device(
            site=site,
            name=device.name,
            label=device.label.label() if device.label else profile.label,
            profile=profile.name,
            points=tuple(self._point(device, site, sheet) for sheet in profile.points),
            scan=profile.scan if device.scan is None else device.scan,
            options=tuple(options.items()),
            max_gap=profile.max_gap,
            max_block=profile.max_block,
        )

    def _point(self, device: DeviceModel, site: str, sheet: ProfilePoint) -> Point:
        own = device.points.get(sheet.name, OverrideModel())
        index, self._next = self._next, self._next + 1
        limits = sheet.limits if own.limits is None else ladder(own.limits)
        changed = {
            key: value
            for key in ("deadband", "heartbeat", "stale")
            if (value := getattr(own, key)) is not None
        }
        return Point(
            index=index,
            id=PointId(site, self._model.gateway.name, device.name, sheet.name),
            sheet=replace(sheet, **changed) if changed else sheet,
            label=own.label.label() if own.label else sheet.label,
            object=own.object or device.object,
            limits=_confirmed(limits, own.limits_confirmed or device.limits_confirmed),
        )


def _confirmed(limits: tuple[Level, ...], by: ConfirmedModel | None) -> tuple[Level, ...]:
    """Sign the levels that need a person: those verified in their source do not."""
    if by is None:
        return limits
    return tuple(
        level if level.status == "V" else replace(level, confirmed_by=by.by, confirmed_on=by.on)
        for level in limits
    )


def _with_manifest(report: Report, config: EdgeConfig) -> EdgeConfig:
    """Fill in the manifest; more than the wire carries is a problem of the file."""
    count = sum(len(device.points) for bus in config.buses for device in bus.devices)
    if count > POINTS:
        report.at(("buses",), "TOO_MANY_POINTS", value=count, limit=POINTS)
        report.finish()
    try:
        manifest = encode_manifest(
            config.gateway, config.label, config.sites, config.objects, config.buses
        )
        compress(manifest, limit=MANIFEST_BYTES)
    except WireError as exc:
        size, limit = exc.params.get("size"), exc.params.get("limit")
        if exc.code == "WIRE_TOO_LARGE" and isinstance(size, int) and isinstance(limit, int):
            report.at(("buses",), "MANIFEST_TOO_LARGE", value=size // 1024, limit=limit // 1024)
        else:
            report.at(("buses",), "MANIFEST_IMPOSSIBLE", reason=str(exc))
        report.finish()
        raise
    return replace(config, manifest=manifest)
