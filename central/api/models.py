"""What the API says and hears: codes and parameters, never sentences.

The OpenAPI document, and so the page's types, are made from these. Answers hold microseconds and
are written as RFC 3339; what is sent to us may hold no key we do not know.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from central.api.times import Time
from central.identity.roles import Role

Value = bool | int | float | str | None
Params = dict[str, Any]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$")]
ColourName = Literal["blue", "yellow", "orange", "red"]
PurposeName = Literal["production", "test", "drill"]
ClockName = Literal["unsynchronised", "synchronised", "story"]
EpisodeState = Literal["UNACK", "ACKED", "RTN_UNACK", "NORMAL"]
HappeningKind = Literal["fault", "loss", "quarantine", "security"]


class Answer(BaseModel):
    """What goes out; every field is always there."""

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


class Asked(BaseModel):
    """What comes in; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Error(Answer):
    """Every refusal: `code` is a key of the text catalogue, `request` finds it in the log."""

    code: str
    params: Params
    request: str


class Label(Answer):
    """A name for people; an empty `en` falls back to `zh`."""

    zh: str
    en: str


# --- people ---


class Scope(Answer):
    """The sites a person may see."""

    sites: list[str]


class Person(Answer):
    """Who is logged in; `scope` null is every site."""

    name: str
    roles: list[Role]
    scope: Scope | None


class ClockNow(Answer):
    """The collector's clock, so that the page's ages follow it."""

    now: Time
    factor: float
    story: bool


class Session(Answer):
    """The person behind the cookie, and the collector's clock."""

    person: Person
    version: str
    clock: ClockNow


class Login(Asked):
    """Name and password."""

    name: str = Field(min_length=1, max_length=128)
    password: str = Field(min_length=1, max_length=1024)


class LinkLogin(Asked):
    """The code of a one-time login link."""

    code: str = Field(min_length=1, max_length=128)


class Token(Answer):
    """An API token; its secret is shown once, at creation."""

    id: str
    name: str
    kind: Literal["person", "system", "gateway"]
    roles: list[Role]
    scope: Scope | None
    gateway: str | None
    person: str | None
    created: Time
    created_by: str
    revoked: Time | None


class Tokens(Answer):
    """Every API token, newest first."""

    items: list[Token]


class NewToken(Asked):
    """A token to make: `person` acts for its maker, `system` for a machine of the city's."""

    name: str = Field(min_length=1, max_length=64)
    kind: Literal["person", "system"]
    roles: list[Role] = Field(min_length=1, max_length=len(Role))
    sites: list[Name] | None = Field(default=None, max_length=1000)


class TokenMade(Answer):
    """A new token; this is the only time its secret is shown."""

    id: str
    name: str
    token: str


class AuditLine(Answer):
    """One act; `hash` is sha256 over the line before and this one."""

    id: int
    time: Time
    actor: str
    action: str
    subject: str
    detail: Params
    prev: str
    hash: str


class AuditPage(Answer):
    """Newest first; `next` is the cursor of the following page."""

    items: list[AuditLine]
    next: str | None


# --- levels, points, values ---


class Level(Answer):
    """One step of a ladder (protocols/alarms/rule.py)."""

    name: str
    colour: ColourName
    op: str
    limit: float
    deadband: float
    on_delay: float
    off_delay: float
    source: str
    clause: str | None
    status: str
    confirmed_by: str | None
    confirmed_on: str | None
    valid_from: str | None
    valid_to: str | None
    active: bool


class Choice(Answer):
    """One value of an enumeration."""

    value: int
    label: Label


class Point(Answer):
    """One measured variable (监测点位)."""

    id: str
    site: str
    gateway: str
    device: str
    label: Label
    device_label: Label
    object: str | None
    object_label: Label | None
    quantity: str
    unit: str
    low: float | None
    high: float | None
    type: str
    decimals: int | None
    stale: float
    enumeration: list[Choice]
    limits: list[Level]


class Points(Answer):
    """The points in scope."""

    items: list[Point]


class Quality(Answer):
    """OPC UA StatusCode, its class and the reason as a code (`BAD_NO_COMMUNICATION`)."""

    code: int
    class_: Literal["good", "uncertain", "bad"] = Field(alias="class")
    reason: str | None

    model_config = ConfigDict(frozen=True, populate_by_name=True)


class Latest(Answer):
    """The newest reading of a point.

    `late` came by backfill; `estimated` nobody knew the time, it is the received one.
    """

    point: str
    value: Value
    quality: Quality
    source_time: Time
    received_time: Time
    late: bool
    estimated: bool


class LatestValues(Answer):
    """The newest reading of every point asked for."""

    items: list[Latest]


class ReadingColumns(Answer):
    """Readings as columns of equal length; `quality` is the StatusCode."""

    time: list[Time]
    value: list[Value]
    quality: list[int]


class Readings(Answer):
    """One page of readings, oldest first."""

    columns: ReadingColumns
    next: str | None


class BucketColumns(Answer):
    """Buckets as columns: start, extremes, mean, last, count and worst StatusCode of each."""

    time: list[Time]
    min: list[float | None]
    max: list[float | None]
    mean: list[float | None]
    last: list[Value]
    count: list[int]
    quality: list[int]


class Buckets(Answer):
    """A trend in as many buckets as were asked for, empty ones left out."""

    columns: BucketColumns


# --- gateways ---


class Backlog(Answer):
    """What waits in a gateway's buffer."""

    readings: int
    oldest: Time | None
    alarm_readings: int


class DeviceState(Answer):
    """A device as its gateway last reported it."""

    name: str
    label: Label
    state: str
    since: Time | None


class BusState(Answer):
    """A bus and its devices."""

    name: str
    protocol: str
    state: str
    devices: list[DeviceState]


class Gateway(Answer):
    """A gateway; `last_contact` is the last request that was its own."""

    name: str
    label: Label
    site: str | None
    state: Literal["online", "offline", "never"]
    last_contact: Time | None
    offline_since: Time | None
    backlog: Backlog | None
    purpose: PurposeName | None
    version: str | None
    clock_state: ClockName | None
    points: int
    devices: int
    buses: list[BusState]


class Gateways(Answer):
    """The gateways in scope."""

    items: list[Gateway]


class AskedLabel(Asked):
    """A name for people."""

    zh: str = Field(min_length=1, max_length=128)
    en: str = Field(default="", max_length=128)


class NewGateway(Asked):
    """A gateway to create."""

    name: Name
    label: AskedLabel | None = None
    site: Name | None = None


class GatewayMade(Answer):
    """A new gateway and its token, shown this once."""

    name: str
    token: str


# --- alarms and events ---


class Acknowledged(Answer):
    """Who has seen it (确认收到)."""

    by: str
    at: Time
    comment: str


class TimeToNext(Answer):
    """At the present rate, seconds until the next level of the ladder."""

    level: str
    limit: float
    seconds: float


class Episode(Answer):
    """One alarm from raise to close (报警)."""

    id: str
    rule: str
    point: str
    site: str
    site_label: Label
    region: str
    object: str | None
    object_label: Label | None
    device: str
    device_label: Label
    label: Label
    quantity: str
    unit: str
    decimals: int | None
    level: Level
    state: EpisodeState
    raised: Time
    returned: Time | None
    closed: Time | None
    acknowledged: Acknowledged | None
    value: Value
    value_time: Time | None
    value_quality: Quality | None
    value_at_raise: Value
    occurrence: int
    late: bool
    purpose: PurposeName
    time_to_next: TimeToNext | None


class Episodes(Answer):
    """One page of alarms; `total` counts all that match."""

    items: list[Episode]
    total: int
    next: str | None


class JournalLine(Answer):
    """One alarm event: `time` it happened, `recorded` it was written."""

    time: Time
    recorded: Time
    event: str
    level: str | None
    value: Value
    actor: str | None
    comment: str | None


class EpisodeDetail(Episode):
    """An alarm with its journal and its whole ladder."""

    journal: list[JournalLine]
    levels: list[Level]


class Acknowledgement(Asked):
    """What the operator says on acknowledging; may be empty."""

    comment: str = Field(default="", max_length=500)


class Happening(Answer):
    """A fault, a loss, something put aside or a matter of security; never an alarm."""

    id: str
    time: Time
    kind: HappeningKind
    code: str
    subject: str
    params: Params


class Happenings(Answer):
    """Newest first."""

    items: list[Happening]
    next: str | None


# --- overview ---


class Levels(Answer):
    """Open alarms by colour."""

    red: int
    orange: int
    yellow: int
    blue: int


class GatewayCount(Answer):
    """Gateways in scope, and how many of them are offline."""

    total: int
    offline: int


class Platform(Answer):
    """The collector's own state; null is not measured yet."""

    ingest_p99_ms: float | None
    backlog_readings: int
    backup: str
    readings_per_s: float
    loss_today: int
    quarantined_today: int
    last_evaluation: Time | None


class SiteState(Answer):
    """A site on the overview; `blind` when nothing of it can be seen now."""

    name: str
    label: Label
    region: str
    domain: str
    longitude: float | None
    latitude: float | None
    worst: ColourName | None
    open: int
    unacknowledged: int
    levels: Levels
    blind: bool
    points: int


class Timeliness(Answer):
    """How many points are at most `upto_s` seconds old (null: older or never)."""

    upto_s: int | None
    count: int


class Overview(Answer):
    """What is wrong now, and what cannot be seen."""

    now: Time
    levels: Levels
    unacknowledged: int
    gateways: GatewayCount
    points: int
    platform: Platform
    sites: list[SiteState]
    timeliness: list[Timeliness]


class SiteValues(Answer):
    """What a site's points became within the last second (`values` of the stream)."""

    site: str
    values: list[Latest]


# --- demonstration ---


class Cable(Answer):
    """The network cable of a demonstration's gateway."""

    gateway: str
    connected: bool | None
    """Null: the cable's control does not answer."""


class Demo(Answer):
    """What only a demonstration has."""

    story: bool
    cables: list[Cable]


class SetCable(Asked):
    """Plug it in or pull it out."""

    connected: bool


class Health(Answer):
    """Whether the collector takes requests."""

    status: Literal["ok"]
