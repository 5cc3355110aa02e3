"""What may stand in a gateway's configuration file, key by key (see config/edge.example.yaml)."""

from typing import Annotated

from pydantic import Field

from edge.schema.buses import BusModel
from protocols.catalogue import domains
from protocols.schema.fields import Choice, Format, LabelModel, Line, Matching, Name, Strict
from protocols.schema.patterns import HOST, REGION

Port = Annotated[int, Field(ge=1, le=65_535)]


class GatewayModel(Strict):
    """Who this gateway is; the name is for ever, replaced hardware keeps it."""

    name: Name
    label: LabelModel
    site: Name


class CollectorModel(Strict):
    """Where the readings go."""

    url: Line
    token_file: Line | None = None
    identity_folder: Line | None = None
    proxy: Line | None = None
    proxy_credentials_file: Line | None = None
    timeout: Annotated[float, Field(ge=1, le=600)] = 30.0
    allow_plain_http: bool = False


class BufferModel(Strict):
    """Where what was not yet acknowledged is kept."""

    folder: Line
    quota_mib: Annotated[int, Field(ge=2, le=4_194_304)] | None = None
    segment_mib: Annotated[int, Field(ge=1, le=1024)] = 64
    memory_mib: Annotated[int, Field(ge=1, le=4096)] = 32


class HealthModel(Strict):
    """Where the gateway answers `/health`, for people and supervisors on the spot."""

    host: Annotated[str, Matching("HOST_FORMAT", HOST)] = "127.0.0.1"
    port: Port = 8089


class SiteModel(Strict):
    """A place with devices (监测场所)."""

    name: Name
    label: LabelModel
    region: Annotated[str, Matching("REGION_FORMAT", REGION)]
    domain: Annotated[str, Choice(tuple(domains()))]
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None


class ObjectModel(Strict):
    """What a rule speaks of: a tank, a reservoir, a crane (监测对象)."""

    site: Name
    name: Name
    kind: Name
    label: LabelModel


class EdgeModel(Strict):
    """The whole file."""

    format: Format
    gateway: GatewayModel
    purpose: Annotated[str, Choice(("production", "test", "drill"))] = "production"
    collector: CollectorModel
    buffer: BufferModel
    health: HealthModel = HealthModel()
    profiles: Line | None = None
    sites: Annotated[list[SiteModel], Field(min_length=1, max_length=1_000)]
    objects: Annotated[list[ObjectModel], Field(max_length=5_000, default_factory=list)]
    buses: Annotated[list[BusModel], Field(min_length=1, max_length=64)]
