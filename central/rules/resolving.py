"""Which rules the engine has to have for what is connected, from the library and the manifests.

Pure. Points that differ in nothing a rule goes by share one answer: a city has tens of thousands
of points and few kinds of them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple

from central.alarms.journal.records import levels_json
from central.alarms.rules.wanted import LIBRARY, Wanted, is_ladder
from central.rules.library import Library, LibraryRule
from central.rules.meant import Holding, Index, Passed, Place, Why, families
from central.rules.roll_ups import by_quantity, counts_points, is_of, judged_by, rolled_up
from central.rules.several import Bound, Several, bound
from protocols.alarms.attachment import Attachment, Scope, Target
from protocols.alarms.ladder import directions
from protocols.alarms.rule import Level
from protocols.catalogue import domains
from protocols.wire.manifest import Manifest

_Bind = Callable[[LibraryRule], Several | Why]
"""Makes a rule of several inputs one of its points."""
_Key = tuple[str, str | None, str | None, str, str, frozenset[str], int]


@dataclass(frozen=True, slots=True)
class Resolved:
    """The library's rules for a gateway's points, and which of the manifest's give way to them."""

    wanted: dict[str, Wanted] = field(default_factory=dict)
    masked: frozenset[str] = frozenset()


class OnObject(NamedTuple):
    """What holds of a family on an object, or on a point: a rule of several `inputs`, or none."""

    target: Target
    holding: Holding
    inputs: Bound = ()


class Resolver:
    """Of one library; remembers what points of a kind have in common."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._index = Index.of(library)
        self._near = {each.at for each in library.attached if each.scope is Scope.POINT}
        self._near |= {each.at for each in library.named if each.scope is Scope.POINT}
        self._alike: dict[_Key, list[Holding]] = {}
        self._texts: dict[tuple[Level, ...], str] = {}
        several = (library.rule(each.rule) for each in library.attached)
        self.any_several = any(rule is not None and rule.body.several for rule in several)

    def of_manifest(
        self, manifest: Manifest, numbers: Sequence[int], fields: Mapping[str, int]
    ) -> Resolved:
        """Return what a gateway's points are due; `numbers` as the registry has them."""
        if not self.library.attached:
            return Resolved()
        wanted: dict[str, Wanted] = {}
        masked: set[str] = set()
        for place in self._touched(manifest, numbers, fields):
            for holding in self.holdings(place):
                id_ = f"{place.target.point}:{holding.family}"
                if _masks(holding, place):
                    masked.add(id_)
                made = self._wanted(holding, place)
                if made is not None:
                    wanted[id_] = made
        return Resolved(wanted, frozenset(masked))

    def _touched(
        self, manifest: Manifest, numbers: Sequence[int], fields: Mapping[str, int]
    ) -> Iterator[Place]:
        """Yield the points for which anything follows; of most nothing is made."""
        describe = Describing(manifest, fields)
        ids = [each.split("/") for each in self._near]
        near = {(each[0], *each[2:]) for each in ids if each[1:2] == [manifest.gateway]}
        alike: dict[tuple[object, ...], bool] = {}
        for index, number in enumerate(numbers):
            point = manifest.points[index]
            of = (point.site, point.device, point.object, point.quantity, point.unit)
            key = (*of, id(point.limits))
            follows = alike.get(key)
            if near and (point.site, point.device, point.name) in near:
                yield describe.place(index, number)
                continue
            if follows is False:
                continue
            place = describe.place(index, number)
            if follows is None:
                found = self.holdings(place)
                follows = any(each.figures or _masks(each, place) for each in found)
                alike[key] = follows
            if follows:
                yield place

    def holdings(self, place: Place) -> list[Holding]:
        """Return what holds for a point, by family."""
        target = place.target
        if target.point in self._near:
            return families(self._index, place)
        key = (
            *(target.site, target.object, target.profile, target.quantity),
            *(place.unit, place.own, target.domain),
        )
        found = self._alike.get(key)
        if found is None:
            found = self._alike[key] = families(self._index, place)
        return found

    def of_objects(self, everywhere: Iterable[Place]) -> dict[str, Wanted]:
        """Return the rules of several inputs; `everywhere`: all points there are."""
        if not self.any_several:
            return {}
        wanted = {}
        for each in self.several(everywhere):
            definition = each.holding.definition(each.target.point)
            if definition is not None:
                wanted[definition.rule.id] = Wanted(definition, each.inputs, LIBRARY)
        return wanted

    def several(self, everywhere: Iterable[Place]) -> list[OnObject]:
        """Return what holds on each object of each family of rules of several inputs."""
        by_id: dict[str, Place] = {}
        here: dict[Target, list[Place]] = {}
        for place in everywhere:
            by_id[place.target.point] = place
            for target in self._subjects(place):
                here.setdefault(target, []).append(place)
        found: list[OnObject] = []
        for target, near in here.items():
            near.sort(key=lambda place: place.target.point)
            for nearest in self._meant(target):
                found += self._of_family(target, nearest, near, by_id)
        return found

    def _of_family(
        self,
        target: Target,
        nearest: Sequence[Attachment],
        near: Sequence[Place],
        by_id: Mapping[str, Place],
    ) -> Iterable[OnObject]:
        """Return what holds of a family: of roll-ups over points, what does for each quantity."""
        whole = partial(bound, self.library, target=target, here=near, everywhere=by_id)
        if not any(counts_points(self.library.rule(each.rule)) for each in nearest):
            return [self._held(target, nearest, whole)]
        found: dict[str, OnObject] = {}
        for item, points in by_quantity(near):
            meant = [each for each in nearest if is_of(self.library, each, item)]
            if meant:
                apart = partial(self._bound_apart, target, points, whole)
                one = self._held(target, meant, apart, item)
                found[one.holding.item] = one
        return found.values()

    def _bound_apart(
        self, target: Target, points: Sequence[Place], whole: _Bind, rule: LibraryRule
    ) -> Several | Why:
        """Return a rule on the points of one quantity, where it counts those."""
        if not counts_points(rule):
            return whole(rule)
        counted = [id_ for place in points for id_ in judged_by(place, self.holdings(place))]
        return rolled_up(self.library, rule, target, counted)

    def _held(
        self, target: Target, nearest: Sequence[Attachment], bind: _Bind, item: str = ""
    ) -> OnObject:
        """Return the nearest that can be used: what cannot must not silence what can."""
        passed: list[Passed] = []
        for at, each in enumerate(nearest):
            rule = self.library.rule(each.rule)
            if each.rule is not None and rule is None:
                passed.append(Passed(each, Why.RETIRED))
                continue
            over = (*passed, *(Passed(other, Why.FARTHER) for other in nearest[at + 1 :]))
            holding = Holding(family=each.family, attachment=each, passed=over, item=item)
            # One of each point by itself has its place there.
            if rule is None or (not rule.body.several and rule.active):
                return OnObject(target, holding)
            what = bind(rule) if rule.body.several else Why.UNCONFIRMED
            if isinstance(what, Why):
                passed.append(Passed(each, what))
                continue
            own = item if counts_points(rule) else ""
            holding = replace(holding, rule=rule, figures=what.figures, item=own)
            return OnObject(target, holding, what.inputs)
        family = nearest[0].family
        none = Holding(family=family, attachment=None, passed=tuple(passed), item=item)
        return OnObject(target, none)

    def _subjects(self, place: Place) -> list[Target]:
        """Return what a rule of several inputs may be on: the point's object, or the point."""
        target, subjects = place.target, []
        if target.object is not None:
            subjects.append(
                Target(
                    point=target.object,
                    site=target.site,
                    domain=target.domain,
                    quantity="",
                    object=target.object,
                )
            )
        if target.point in self._near:
            subjects.append(target)
        return subjects

    def _meant(self, target: Target) -> list[list[Attachment]]:
        """Return the attachments of each family of several inputs, the nearest first."""
        whole = target.point == target.object
        meant: dict[str, list[Attachment]] = {}
        for scope in Scope:
            at = target.at(scope)
            # A rule of several inputs on a point is that point's; any other is the object's.
            if at is None or whole == (scope is Scope.POINT):
                continue
            for each in self._index.by_place.get((scope, at), ()):
                meant.setdefault(each.family, []).append(each)
        nearest = [sorted(each, key=lambda one: one.rank, reverse=True) for each in meant.values()]
        return [each for each in nearest if any(self._is_several(one) for one in each)]

    def _is_several(self, each: Attachment) -> bool:
        rule = self.library.rules.get(each.rule or "")
        return rule is not None and rule.body.several

    def _wanted(self, holding: Holding, place: Place) -> Wanted | None:
        definition = holding.definition(place.target.point)
        if definition is None:
            return None
        levels = definition.rule.levels
        text = ""
        if is_ladder(definition):
            text = self._texts.get(levels) or self._texts.setdefault(levels, levels_json(levels))
        return Wanted(definition, ((place.number, ""),), LIBRARY, text)


class Describing:
    """Makes places of a manifest's points; `fields`: a site's domain, 1 to 15."""

    def __init__(self, manifest: Manifest, fields: Mapping[str, int]) -> None:
        self._manifest = manifest
        self._fields = fields
        self._profiles = {(each.site, each.name): each.profile for each in manifest.devices}
        self._sides: dict[int, frozenset[str]] = {}

    def place(self, index: int, number: int) -> Place:
        """Return a point with all that rules go by."""
        manifest = self._manifest
        point = manifest.points[index]
        own = self._sides.get(id(point.limits))
        if own is None:
            own = frozenset(side for side, _ in directions(point.limits))
            self._sides[id(point.limits)] = own
        target = Target(
            point=str(manifest.point_id(index)),
            site=point.site,
            domain=self._fields.get(point.site, 0),
            quantity=point.quantity,
            object=f"{point.site}/{point.object}" if point.object is not None else None,
            profile=self._profiles.get((point.site, point.device)),
        )
        return Place(
            target=target, number=number, gateway=manifest.gateway, unit=point.unit, own=own
        )


def places(manifest: Manifest, numbers: Sequence[int], fields: Mapping[str, int]) -> list[Place]:
    """Return every point of a manifest; `fields`: a site's domain, 1 to 15."""
    describe = Describing(manifest, fields)
    return [describe.place(index, number) for index, number in enumerate(numbers)]


def _masks(holding: Holding, place: Place) -> bool:
    """Whether the manifest's own rule of the family gives way; where nothing holds it stays."""
    return holding.family in place.own and not holding.manifest


def domain_number(name: str) -> int:
    """Return a domain's number, 1 to 15; 0: there is none of that name."""
    known = domains().get(name)
    return 0 if known is None else known.number
