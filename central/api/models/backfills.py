"""What gateways delivered late (补传): one item for each gateway and delivery."""

from central.api.models.many import ColourCounts
from central.api.models.words import Answer, Label, PurposeName
from central.api.times import Time


class BackfillPeak(Answer):
    """The worst value of the point whose alarm was the most urgent one that stood meanwhile."""

    point: str
    label: Label
    value: float
    unit: str
    time: Time


class Backfill(Answer):
    """A delivery of the past that is over: what it held, and what alarms it told of.

    `first` to `newest` are the times of its readings, null where alarms alone came. `counts` are
    the alarms it raised at sites in scope, `standing` those among them that have not returned;
    `alarms` names the most urgent of them. None of it sounds. `message` says it in a sentence.
    """

    id: int
    gateway: str
    gateway_label: Label
    sites: list[str]
    purpose: PurposeName
    began: Time
    ended: Time
    first: Time | None
    newest: Time | None
    readings: int
    points: int
    lost: int
    counts: ColourCounts
    standing: int
    total: int
    alarms: list[str]
    peak: BackfillPeak | None
    message: Label


class Backfills(Answer):
    """Newest first; `next` goes on."""

    items: list[Backfill]
    next: str | None
