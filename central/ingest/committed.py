"""What a request led to, for whoever answers it and for the collector after its commit."""

from dataclasses import dataclass, field

from central.alarms.acts.overlays import Laid
from central.alarms.journal.records import EpisodeRow
from central.alarms.samples import Good
from central.effects import CollectorEvent
from central.ingest.request import Prepared
from central.store.unsealed import Block
from protocols.errors import IngestError


@dataclass(slots=True, kw_only=True)
class Committed:
    """What a request led to; `committed` is the stream's cursor after it.

    `safe` is what a verified backup covers of it.
    """

    committed: int = 0
    safe: int = 0
    purpose: str | None = None
    received: int = 0
    readings: int = 0
    quarantined: int = 0
    lost: int = 0
    duplicates: int = 0
    blocks: list[Block] = field(default_factory=list)
    """What is new in the store, in order of arrival."""
    due: int | None = None
    good: list[Good] = field(default_factory=list)
    episodes: list[EpisodeRow] = field(default_factory=list)
    laid: list[Laid] = field(default_factory=list)
    """What lies over rules now, of those where that changed."""
    events: list[CollectorEvent] = field(default_factory=list)
    error: IngestError | None = None
    fresh: bool = False
    """Whether it brought what was not here: nobody plays that back."""
    left: Prepared | None = None
    """What of a large request the next transaction has to take."""
