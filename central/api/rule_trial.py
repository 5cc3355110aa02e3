"""What a rule would do as the API shows it: the first places are judged by what the store holds."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from central.alarms.rules.priming import Priming
from central.api import shapes
from central.api.models import rule_trial as models
from central.registry import Registry
from central.rules.library import MANIFEST
from central.rules.meant import Holding, Place
from central.rules.trying import Tried, Verdict, verdict
from central.store.damage import ChunkUnreadable
from central.store.interface import Latest
from central.store.measured import Measured, measured
from central.store.views.reading import View
from protocols.alarms.kinds.several import Levels
from protocols.quality import is_bad
from protocols.words import Label

JUDGED: Final = 50
"""So many places are told what they say now: each is a look into the store."""
SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class Looked:
    """A view of the store, at the collector's time `now` (µs UTC)."""

    view: View
    now: int

    def readings(self, points: Iterable[int], start: int, end: int) -> list[Measured]:
        """Return what was stored of points; of one with a damaged chunk nothing."""
        found: list[Measured] = []
        for number in points:
            try:
                found += measured(self.view, (), number, start, end)
            except ChunkUnreadable:  # told by the scrub, and by whoever asks for it
                continue
        return sorted(found, key=lambda each: (each.time, each.received))


Head = Callable[[int], Latest | None]
"""Returns the newest reading of a point by its number."""
Said = tuple[Tried, Verdict | None]


def judged(found: Sequence[Tried], looked: Looked, head: Head) -> list[Said]:
    """Return what the first of the places where it would hold say now; None: not asked."""
    priming, left = Priming(looked), JUDGED
    said: list[Said] = []
    for each in found:
        if each.definition is None or left == 0 or isinstance(each.definition.kind, Levels):
            said.append((each, None))  # a count of other rules' levels is not made of readings
            continue
        left -= 1
        known = priming.known(each.definition, each.inputs)
        silent = _silent([number for number, _ in each.inputs], head)
        said.append((each, verdict(each.definition, known, silent, looked.now)))
    return said


def trial(
    said: Sequence[Said], everywhere: Iterable[Place], registry: Registry, head: Head
) -> models.RuleTrial:
    """Return the answer, worst first."""
    numbers = {place.target.point: place.number for place in everywhere}
    asked = [verdict for _, verdict in said if verdict is not None]
    shown = [
        _shown(each, verdict, numbers.get(each.target.point), registry, head)
        for each, verdict in sorted(said, key=_urgency)[:SHOWN]
    ]
    return models.RuleTrial(
        places=len(said),
        holds=sum(each.definition is not None for each, _ in said),
        judged=len(asked),
        raising=sum(verdict.level is not None for verdict in asked),
        shown=shown,
    )


def _urgency(one: Said) -> tuple[int, bool, bool, str]:
    each, verdict = one
    level = None if verdict is None else verdict.level
    worst = 0 if level is None else -(level.colour.value + 1)
    return worst, verdict is None, each.definition is None, each.target.point


def _shown(
    each: Tried, verdict: Verdict | None, number: int | None, registry: Registry, head: Head
) -> models.TriedPlace:
    point = registry.point(each.target.point)
    label = point.label if point is not None else registry.object_label(each.target.point)
    newest = None if number is None else head(number)
    level = None if verdict is None else verdict.level
    return models.TriedPlace(
        subject=each.target.point,
        label=shapes.label(label or Label(each.target.point)),
        site=each.target.site,
        unit=each.unit,
        inputs=len(each.inputs),
        why=None if each.why is None else each.why.value,
        before=None if each.before is None else _before(each.before),
        reading=None if newest is None else shapes.latest(newest),
        judged=verdict is not None,
        against=None if verdict is None else verdict.against,
        level=None if level is None else level.name,
        colour=None if level is None else shapes.colour(level.colour),
    )


def _before(held: Holding) -> str | None:
    if held.manifest:
        return MANIFEST
    return None if held.rule is None else held.rule.id


def _silent(numbers: Sequence[int], head: Head) -> int | None:
    """Return since when the newest of these says nothing good; None: that is not known."""
    heads = (head(number) for number in numbers)
    good = [each.source_time for each in heads if each is not None and not is_bad(each.quality)]
    return max(good, default=None)
