"""The gateway's configuration as frozen plain structs.

Made from YAML by `edge.check` in a child process (validation needs libraries this process must not
load); see config/edge.example.yaml for every key.
"""

from dataclasses import dataclass
from pathlib import Path

from protocols.device import Bus
from protocols.words import Label, Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A place with devices (监测场所)."""

    name: str
    label: Label
    region: str
    domain: str
    longitude: float | None = None
    latitude: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteObject:
    """What a rule speaks of: a tank, a reservoir, a crane (监测对象)."""

    site: str
    name: str
    kind: str
    label: Label


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectorLink:
    """Where the collector is, and where lies what proves who we are.

    A gateway that was enrolled signs with the key in `identity_folder`; before that it may have a
    token, which stays in its file.
    """

    url: str
    token_file: Path | None = None
    identity_folder: Path | None = None
    proxy: str | None = None
    proxy_credentials_file: Path | None = None
    """`user:password` for the proxy; read at each request that needs it, when it changed."""
    timeout: float = 30.0
    allow_plain_http: bool = False
    """Plain HTTP to anything but loopback must be asked for by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BufferSettings:
    """Where the durable queue lives. `quota_bytes` None: 80 % of what is free plus our own."""

    folder: Path
    quota_bytes: int | None = None
    segment_bytes: int = 64 * 1024 * 1024
    memory_bytes: int = 32 * 1024 * 1024
    """What is held in memory at most while the medium fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeConfig:
    """Everything the gateway needs to run; `manifest` is docs/wire.md section 3, canonical."""

    file: Path
    gateway: str
    label: Label
    site: str
    purpose: Purpose
    sites: tuple[Site, ...]
    objects: tuple[SiteObject, ...]
    collector: CollectorLink
    buffer: BufferSettings
    health_host: str
    health_port: int
    buses: tuple[Bus, ...]
    manifest: bytes
