"""The first alarm of a group, after which the others came (首出; pure).

Whoever is called by twenty alarms of one tank asks which was first: it is marked, and the others
follow it. What began within `within` seconds of the first belongs to it; what began later is the
first of a new group. Times are event times: a reading that arrives later may show that another was
first, and the mark moves.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from protocols.clock import SECOND

WITHIN: Final = 60.0


class Group(NamedTuple):
    """`first` began at `began` (µs UTC); so many follow it."""

    first: str
    began: int
    followers: int = 0


class Marked(NamedTuple):
    """What an alarm is: `first` of its group or a follower of it; `instead_of`: had the mark."""

    first: str
    instead_of: str | None = None


def began(
    group: Group | None, alarm: str, time: int, within: float = WITHIN
) -> tuple[Group, Marked]:
    """Take an alarm that began at `time` in a group of which `group` was the newest known.

    One that began long before the group stands for itself, and the group stays.
    """
    if group is None:
        return Group(alarm, time), Marked(alarm)
    apart, reach = time - group.began, round(within * SECOND)
    if apart > reach:
        return Group(alarm, time), Marked(alarm)
    if apart < -reach:
        return group, Marked(alarm)
    if apart < 0:
        return Group(alarm, time, group.followers + 1), Marked(alarm, group.first)
    return group._replace(followers=group.followers + 1), Marked(group.first)


def first_of(alarms: Iterable[tuple[str, int, str]], within: float = WITHIN) -> dict[str, str]:
    """Return the first of each alarm's group, of alarms (id, when it began, group) in any order.

    Of those that began at the same time the first by its id is it.
    """
    found: dict[str, str] = {}
    newest: dict[str, Group] = {}
    for alarm, time, name in sorted(alarms, key=lambda each: (each[1], each[0])):
        newest[name], marked = began(newest.get(name), alarm, time, within)
        found[alarm] = marked.first
    return found
