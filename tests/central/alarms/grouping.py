"""What the list in a flood has to be, made in memory: the product makes it of an index.

Red and orange stay single, the others are shown by site. Every alarm is one row or counted in
exactly one group, which says how many of it nobody has seen and which was first.
"""

from collections.abc import Iterable
from typing import NamedTuple

from central.alarms.shown.grouped import SINGLE
from protocols.alarms.rule import Colour


class Standing(NamedTuple):
    """An alarm of the list; `raised` in µs UTC."""

    id: str
    site: str
    colour: Colour
    raised: int
    unseen: bool = True


class SiteGroup(NamedTuple):
    """The alarms of one site that are shown as one row; `first` is the first of them.

    `counts` are of blue, yellow, orange and red; `ids` in the order in which they were raised.
    """

    site: str
    first: str
    counts: tuple[int, int, int, int]
    unseen: int
    raised: tuple[int, int]
    ids: tuple[str, ...]

    @property
    def worst(self) -> Colour:
        """The most severe colour in it."""
        return max(colour for colour in Colour if self.counts[colour - 1])


class Grouped(NamedTuple):
    """`single`: most severe first, of one colour the oldest first; `groups`: by site, alike."""

    single: tuple[Standing, ...]
    groups: tuple[SiteGroup, ...]


def grouped(alarms: Iterable[Standing], *, flood: bool) -> Grouped:
    """Return what is shown; without a flood every alarm by itself."""
    single: list[Standing] = []
    sites: dict[str, list[Standing]] = {}
    for each in alarms:
        if not flood or each.colour >= SINGLE:
            single.append(each)
        else:
            sites.setdefault(each.site, []).append(each)
    groups = [_group(site, found) for site, found in sites.items()]
    groups.sort(key=lambda group: (-group.worst, group.raised[0], group.site))
    single.sort(key=lambda each: (-each.colour, each.raised, each.id))
    return Grouped(tuple(single), tuple(groups))


def _group(site: str, alarms: list[Standing]) -> SiteGroup:
    alarms.sort(key=lambda each: (each.raised, each.id))
    colours = [each.colour for each in alarms]
    blue, yellow, orange, red = (colours.count(colour) for colour in Colour)
    return SiteGroup(
        site=site,
        first=alarms[0].id,
        counts=(blue, yellow, orange, red),
        unseen=sum(each.unseen for each in alarms),
        raised=(alarms[0].raised, alarms[-1].raised),
        ids=tuple(each.id for each in alarms),
    )
