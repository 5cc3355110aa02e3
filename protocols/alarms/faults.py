"""Gateway, bus, device, point: one dead gateway is one item, never two hundred (pure).

What is faulty is shown at the highest place that is faulty itself; what lies below is counted, not
listed. A bus of which every device is silent, or a device of which every point is, is the item
itself, though nobody reported it: it is more likely dead than all of them at once.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple


class Fault(NamedTuple):
    """`place` is what is shown, `below` what it stands for; `concluded`: from those alone."""

    place: str
    below: tuple[str, ...]
    concluded: bool = False


def rolled_up(
    parents: Mapping[str, str], faulty: Collection[str], least: int = 2
) -> tuple[Fault, ...]:
    """Return the items for what is faulty, in order of their names.

    `parents` leads from a place to the one above it (a gateway has none). A place is concluded to
    be faulty where all that lies directly below it is, `least` of it or more.
    """
    held = set(faulty)
    children: dict[str, list[str]] = {}
    for child, parent in parents.items():
        children.setdefault(parent, []).append(child)
    for place in _upwards(parents, children):
        below = children[place]
        if place not in held and len(below) >= least and held.issuperset(below):
            held.add(place)
    tops: dict[str, list[str]] = {}
    for place in sorted(held):
        top = _top(place, parents, held)
        below_it = tops.setdefault(top, [])
        if place != top and place in faulty:
            below_it.append(place)
    return tuple(Fault(top, tuple(below), top not in faulty) for top, below in sorted(tops.items()))


def _upwards(parents: Mapping[str, str], children: Iterable[str]) -> list[str]:
    """Return places with something below them, the deepest first."""
    return sorted(children, key=lambda place: (-len(_above(place, parents)), place))


def _above(place: str, parents: Mapping[str, str]) -> list[str]:
    """Return what lies above a place, the nearest first; a ring is walked once."""
    found: list[str] = []
    above = parents.get(place)
    while above is not None and above != place and above not in found:
        found.append(above)
        above = parents.get(above)
    return found


def _top(place: str, parents: Mapping[str, str], held: Collection[str]) -> str:
    """Return the highest faulty place above: below a dead gateway nothing can be told."""
    top = place
    for above in _above(place, parents):
        if above in held:
            top = above
    return top
