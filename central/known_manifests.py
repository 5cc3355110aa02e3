"""Reads a manifest that was taken before: what it says was proved when it came.

A city's collector reads tens of megabytes of them before its first answer. What is still what its
digest names has its form and its references; anything else goes to the decoder of all forms.
"""

import json
from functools import lru_cache
from sys import intern
from typing import Final

import msgspec

from protocols.alarms.rule import Level
from protocols.wire.bounds import FORMAT
from protocols.wire.manifest import (
    Manifest,
    ManifestDevice,
    ManifestObject,
    ManifestPoint,
    ManifestSite,
    decode_manifest,
    manifest_digest,
)
from protocols.wire.manifest_parts import read_level
from protocols.words import Label

_LADDERS: Final = 4_096
"""Ladders remembered: most points of a plant share theirs with many."""


class _Gateway(msgspec.Struct, gc=False):
    name: str
    label: Label


class _Word(msgspec.Struct, gc=False):
    value: int
    label: Label


class _Point(msgspec.Struct, gc=False):
    site: str
    device: str
    name: str
    label: Label
    quantity: str
    unit: str
    low: float | None
    high: float | None
    type: str
    decimals: int | None
    stale: float
    lane: str
    object: str | None
    enumeration: list[_Word]
    limits: msgspec.Raw


class _Manifest(msgspec.Struct):
    format: int
    gateway: _Gateway
    sites: tuple[ManifestSite, ...]
    objects: tuple[ManifestObject, ...]
    devices: tuple[ManifestDevice, ...]
    points: list[_Point]


_DECODER: Final = msgspec.json.Decoder(_Manifest)


def read_known(data: bytes, known: str) -> Manifest:
    """Return the manifest that was taken under the digest `known`. Raises WireError."""
    if manifest_digest(data) != known:
        return decode_manifest(data)
    try:
        read = _DECODER.decode(data)
    except (msgspec.MsgspecError, ValueError):
        return decode_manifest(data)
    if read.format != FORMAT:
        return decode_manifest(data)
    return Manifest(
        gateway=read.gateway.name,
        label=read.gateway.label,
        sites=read.sites,
        objects=read.objects,
        devices=read.devices,
        points=tuple(map(_point, read.points)),
    )


def _point(read: _Point) -> ManifestPoint:
    return ManifestPoint(
        site=intern(read.site),
        device=intern(read.device),
        name=intern(read.name),
        label=read.label,
        quantity=intern(read.quantity),
        unit=intern(read.unit),
        low=read.low,
        high=read.high,
        type=intern(read.type),
        decimals=read.decimals,
        stale=read.stale,
        lane=intern(read.lane),
        object=read.object,
        enumeration=tuple([(word.value, word.label) for word in read.enumeration]),
        limits=_limits(bytes(read.limits)),
    )


@lru_cache(maxsize=_LADDERS)
def _limits(written: bytes) -> tuple[Level, ...]:
    return tuple(map(read_level, json.loads(written)))
