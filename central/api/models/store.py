"""How long the store keeps readings of each site, what it holds, and what has gone."""

from typing import Literal

from central.api.models.words import Answer
from central.api.times import Time

Whose = Literal["site", "domain", "general", "floor", "longest"]


class KeptTier(Answer):
    """`days` null: for ever. `whose` setting it is; `floor`: a source asks for more than ours."""

    days: int | None
    whose: Whose


class LeastKept(Answer):
    """Readings of the domain are kept at least so long by default, and where that is said.

    `source` is a key of the text catalogue; `status` V: read there, in a reprint.
    """

    days: int
    source: str
    status: str


class SiteKept(Answer):
    """A site: for how long readings and rollups are kept, and what of them there is.

    `domain` null: nobody knows it any more, and the longest of all domains holds.
    """

    site: str
    domain: str | None
    readings_kept: KeptTier
    minutes_kept: KeptTier
    hours_kept: KeptTier
    least: LeastKept | None
    chunks: int
    readings: int
    bytes: int
    rollup_bytes: int


class StoreKept(Answer):
    """Every site in scope; sizes are those of the last look, up to an hour ago."""

    items: list[SiteKept]


class RemovedDay(Answer):
    """What went of a site's day (UTC, from 08:00 in Beijing); `tier`: raw, 1min or 1h.

    `whose` setting, and what it said: `general:400d`.
    """

    site: str
    tier: str
    day: str
    readings: int
    bytes: int
    first: Time
    last: Time
    whose: str


class RemovedPage(Answer):
    """A page of the ledger of what has gone, the youngest days first."""

    items: list[RemovedDay]
    next: str | None
