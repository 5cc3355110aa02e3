"""What an alarm is in its group, as people see it."""

from typing import NamedTuple


class FirstUp(NamedTuple):
    """`first`: the id of the group's first alarm; `is_first`: this is it; so many follow it."""

    first: str
    is_first: bool
    followers: int
