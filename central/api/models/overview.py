"""What is wrong now, and what cannot be seen."""

from typing import Literal

from central.api.models.words import Answer, ColourName, Label
from central.api.times import Time


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
    """The collector's own state; null is not measured yet.

    `backup_time` and `backup_bytes` are those of the newest verified backup; unless
    `backup_identity` says `included`, the collector's own keys are not with it. `evidence_bytes`
    of batches are kept as evidence; the oldest provable moment is `evidence_oldest`. `disk`: what
    the collector's disk has room for: `all`, `no_backfill` (backfill and other systems wait) or
    `alarms` (alarms and people only). `damaged_chunks` stored pieces cannot be read.
    """

    ingest_p99_ms: float | None
    backlog_readings: int
    backup: Literal["not_configured", "waiting", "ok", "late", "failed", "gone"]
    backup_time: Time | None
    backup_bytes: int | None
    backup_running: bool
    backup_identity: Literal["included", "left_out", "exposed", "failed", "missing"] | None
    evidence_bytes: int
    evidence_oldest: Time | None
    readings_per_s: float
    loss_today: int
    quarantined_today: int
    last_evaluation: Time | None
    disk: Literal["all", "no_backfill", "alarms"]
    disk_free_bytes: int
    disk_reserve_bytes: int
    damaged_chunks: int


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
