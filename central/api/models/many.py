"""Many alarms at once: what is silent, the first of a group, floods, the list by site."""

from typing import Literal

from central.api.models.words import Answer, ColourName, Label
from central.api.times import Time


class FirstUp(Answer):
    """首出: `first` is the first of its group, `is_first` whether this is it; so many follow it."""

    first: str
    is_first: bool
    followers: int


class Fault(Answer):
    """What is silent (离线, 通信中断): since the last that was heard, and what lies below it.

    `concluded`: nobody said so, but all below it is silent.
    """

    place: Literal["gateway", "bus", "device"]
    gateway: str
    gateway_label: Label
    bus: str | None
    device: str | None
    device_label: Label | None
    since: Time
    gateways: int
    devices: int
    points: int
    concluded: bool


class FaultDevice(Answer):
    """A device below what is silent."""

    site: str
    device: str
    label: Label


class FaultPoint(Answer):
    """A point below what is silent."""

    point: str
    label: Label


class FaultPlaces(Answer):
    """What lies below: the devices of this page's points, and the points; `total` of these."""

    devices: list[FaultDevice]
    points: list[FaultPoint]
    total: int
    next: str | None


class FloodSpan(Answer):
    """A flood; `ended` null: it is on."""

    began: Time
    ended: Time | None
    alarms: int


class Flood(Answer):
    """Whether alarms are more than those on duty can take in.

    `alarms` were announced in this flood, `recent` within the window; test, drill and what was told
    of the past count in neither. `on_above` and `off_below` are for all on duty together. The
    newest floods first. `whole`: of the whole room; where that is not in scope, of the sites that
    are, for one operator.
    """

    whole: bool
    on: bool
    began: Time | None
    alarms: int
    recent: int
    operators: int
    window_minutes: float
    on_above: int
    off_below: int
    history: list[FloodSpan]


class ColourCounts(Answer):
    """Alarms by colour."""

    blue: int
    yellow: int
    orange: int
    red: int


class SiteGroup(Answer):
    """The open blue and yellow alarms of one site; `first` is the first of them."""

    site: str
    site_label: Label
    first: str
    first_raised: Time
    last_raised: Time
    counts: ColourCounts
    unseen: int
    total: int
    worst: ColourName
