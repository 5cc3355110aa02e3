"""Points by what people type: a text in their names, or the object they belong to.

What the points of a gateway are called stands in one text, made when somebody first asks and made
anew when the gateway is described anew: looking through the names of a city is a search in a few
megabytes, and is done where the list is read, never on the event loop.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple, Protocol, Self

from central.registry import Entry
from central.registry_records import PointRecord
from protocols.words import Label

BETWEEN: Final = "\n"
"""Stands between two names, so that nothing is found across them."""


class Named(Protocol):
    """What the registry knows of gateways and points."""

    def names(self) -> list[str]: ...
    def entry(self, gateway: str) -> Entry | None: ...
    def by_number(self, number: int) -> PointRecord | None: ...


class _Called(NamedTuple):
    """What the points of one gateway are called: where the names of each begin in `text`."""

    text: str
    begins: list[int]

    @classmethod
    def of(cls, points: tuple[PointRecord, ...], sites: Mapping[str, Label]) -> Self:
        """Write all names of each point one after another."""
        parts, begins, at = [BETWEEN], list[int](), len(BETWEEN)
        for point in points:
            labels = (point.label, point.device_label, point.object_label, sites.get(point.site))
            names = dict.fromkeys(name for each in labels if each for name in (each.zh, each.en))
            said = "".join(f"{name.casefold()}{BETWEEN}" for name in (point.id, *names) if name)
            begins.append(at)
            parts.append(said)
            at += len(said)
        return cls("".join(parts), begins)

    def holding(self, sought: str) -> Iterator[int]:
        """Yield the places of points one of whose names holds the text, each once."""
        at = self.text.find(sought)
        while at >= 0:
            place = bisect_right(self.begins, at) - 1
            yield place
            if place + 1 == len(self.begins):
                return
            at = self.text.find(sought, self.begins[place + 1])


class _Gateway:
    """The points of one gateway as it is described now."""

    def __init__(self, entry: Entry, points: tuple[PointRecord, ...]) -> None:
        self.entry = entry
        self.points = points
        self._called: _Called | None = None

    def called(self, sought: str) -> Iterator[int]:
        """Yield the numbers of points whose names hold the text."""
        if self._called is None:
            described = self.entry.manifest.sites if self.entry.manifest else ()
            sites = {each.name: each.label for each in described}
            self._called = _Called.of(self.points, sites)
        return (self.points[place].number for place in self._called.holding(sought))


class Snapshot:
    """The points as they were described when it was taken; may be asked in any thread."""

    def __init__(self, gateways: tuple[_Gateway, ...]) -> None:
        self._gateways = gateways

    def called(self, text: str) -> frozenset[int]:
        """Return the numbers of points that hold the text in their id or in a label of theirs.

        Of their device, their object and their site too; in capitals or not.
        """
        sought = text.casefold()
        if BETWEEN in sought:
            return frozenset()
        return frozenset(number for each in self._gateways for number in each.called(sought))

    def of_object(self, name: str) -> frozenset[int]:
        """Return the numbers of the points of an object, by its name or `site/name`."""
        site, _, own = name.rpartition("/")
        return frozenset(
            point.number
            for each in self._gateways
            for point in each.points
            if point.object is not None and point.object in (own, name)
            if point.object == name or point.site == site
        )


class Sought:
    """Takes snapshots; lives on the event loop."""

    def __init__(self, names: Named) -> None:
        self._names = names
        self._known: dict[str, _Gateway] = {}

    def snapshot(self) -> Snapshot:
        """Return the points as they are described now."""
        found: dict[str, _Gateway] = {}
        for name in self._names.names():
            entry = self._names.entry(name)
            if entry is None:
                continue
            known = self._known.get(name)
            if known is None or known.entry is not entry:
                points = (self._names.by_number(number) for number in entry.numbers)
                known = _Gateway(entry, tuple(filter(None, points)))
            found[name] = known
        self._known = found
        return Snapshot(tuple(found.values()))
