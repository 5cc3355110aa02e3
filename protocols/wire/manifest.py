"""The manifest (docs/wire.md section 3): what a gateway's batches speak of, named by its digest.

Thresholds travel with the point, so that a new point is watched at the centre without a second
configuration.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from protocols.device import Bus
from protocols.errors import WireError
from protocols.wire.bounds import FORMAT, MANIFEST_BYTES, POINTS
from protocols.wire.canonical import dump, load
from protocols.wire.chain import digest
from protocols.wire.fields import Fields
from protocols.wire.manifest_parts import (
    Alike,
    ManifestDevice,
    ManifestObject,
    ManifestPoint,
    ManifestSite,
    ObjectLike,
    SiteLike,
    device_json,
    label_json,
    object_json,
    point_json,
    read_device,
    read_object,
    read_point,
    read_site,
    site_json,
)
from protocols.words import Label, PointId

__all__ = [
    "Manifest",
    "ManifestDevice",
    "ManifestObject",
    "ManifestPoint",
    "ManifestSite",
    "decode_manifest",
    "encode_manifest",
    "manifest_digest",
]

WHERE: Final = "manifest"
_KEYS: Final = frozenset({"format", "gateway", "sites", "objects", "devices", "points"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Everything a gateway's readings can speak of; a reading names a point by its place here."""

    gateway: str
    label: Label
    sites: tuple[ManifestSite, ...]
    objects: tuple[ManifestObject, ...]
    devices: tuple[ManifestDevice, ...]
    points: tuple[ManifestPoint, ...]

    def point_id(self, index: int) -> PointId:
        """Return the id of the point at `index`. IndexError: no such point."""
        point = self.points[index]
        return PointId(point.site, self.gateway, point.device, point.name)


def encode_manifest(
    gateway: str,
    label: Label,
    sites: Sequence[SiteLike],
    objects: Sequence[ObjectLike],
    buses: Sequence[Bus],
) -> bytes:
    """Return the manifest's only form; every point lies at its `index`.

    Raises WireError: indices that are not 0, 1, 2 ..., a name twice, a name that nothing has.
    """
    points = [point for bus in buses for device in bus.devices for point in device.points]
    points.sort(key=lambda point: point.index)
    if [point.index for point in points] != list(range(len(points))):
        raise WireError("WIRE_REFERENCE", where="points", key="index")
    data = dump(
        {
            "format": FORMAT,
            "gateway": {"name": gateway, "label": label_json(label)},
            "sites": [site_json(site) for site in sites],
            "objects": [object_json(item) for item in objects],
            "devices": [device_json(bus, device) for bus in buses for device in bus.devices],
            "points": [point_json(point) for point in points],
        },
        WHERE,
    )
    decode_manifest(data)
    return data


def decode_manifest(data: bytes) -> Manifest:
    """Return the manifest. Raises WireError."""
    value = load(data, WHERE, MANIFEST_BYTES)
    fields = Fields(value, WHERE, _KEYS)
    if fields.integer("format") != FORMAT:
        raise WireError("WIRE_UNKNOWN", where=WHERE, value=fields.integer("format"))
    gateway = Fields(fields.any("gateway"), "gateway", frozenset({"name", "label"}))
    alike: Alike = {}
    manifest = Manifest(
        gateway=gateway.name("name"),
        label=gateway.label("label"),
        sites=tuple(read_site(item) for item in fields.items("sites", POINTS)),
        objects=tuple(read_object(item) for item in fields.items("objects", POINTS)),
        devices=tuple(read_device(item) for item in fields.items("devices", POINTS)),
        points=tuple(read_point(item, alike) for item in fields.items("points", POINTS)),
    )
    _check_references(manifest)
    return manifest


def manifest_digest(data: bytes) -> str:
    """Return the name of a manifest: the sha256 of its bytes in hex."""
    return digest(data).hex()


def _check_references(manifest: Manifest) -> None:
    sites = _unique("sites", (site.name for site in manifest.sites))
    objects = _unique("objects", ((item.site, item.name) for item in manifest.objects))
    devices = _unique("devices", ((item.site, item.name) for item in manifest.devices))
    _unique("points", ((item.site, item.device, item.name) for item in manifest.points))
    _all_known("objects", sites, (item.site for item in manifest.objects))
    _all_known("devices", sites, (item.site for item in manifest.devices))
    _all_known("points", devices, ((item.site, item.device) for item in manifest.points))
    held = ((item.site, item.object) for item in manifest.points if item.object is not None)
    _all_known("points", objects, held)


def _unique(where: str, names: Iterable[Hashable]) -> set[Hashable]:
    known: set[Hashable] = set()
    for name in names:
        if name in known:
            raise WireError("WIRE_REFERENCE", where=where, key=str(name))
        known.add(name)
    return known


def _all_known(where: str, known: set[Hashable], names: Iterable[Hashable]) -> None:
    for name in names:
        if name not in known:
            raise WireError("WIRE_REFERENCE", where=where, key=str(name))
