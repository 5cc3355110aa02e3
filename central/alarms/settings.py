"""What the operator may say of people and alarms, and how the file says it."""

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field

from protocols.alarms.flood import Bounds
from protocols.schema.fields import Strict

SHIFT: Final = 8
"""Hours: a shelf that outlives the shift that put it is nobody's (common practice, 8 or 12)."""

MOST_OPERATORS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """`longest_shelf` in seconds, where the rule says nothing shorter.

    `second_person`: a shelf over a rule that can be red needs one who confirms it. `operators`: how
    many are on duty at a time; figures and floods are reckoned for each of them.
    """

    longest_shelf: float = SHIFT * 3_600.0
    second_person: bool = False
    operators: int = 1
    flood: Bounds = Bounds()  # noqa: RUF009  # frozen
    """For one operator."""

    @property
    def bounds(self) -> Bounds:
        """When alarms are more than those on duty together can take in."""
        flood, people = self.flood, self.operators
        above, below = flood.on_above * people, flood.off_below * people
        return Bounds(window=flood.window, on_above=above, off_below=below)


USUAL: Final = Acting()


class FloodModel(Strict):
    """When alarms are too many for one operator: more than `above` in the window, until fewer than
    `below` are left in it."""

    window_minutes: Annotated[float, Field(ge=1, le=60)] = 10
    above: Annotated[int, Field(ge=1, le=1_000)] = 10
    below: Annotated[int, Field(ge=1, le=1_000)] = 5

    def bounds(self) -> Bounds:
        """Return the frozen struct; a flood never ends by more than it begins with."""
        return Bounds(
            window=self.window_minutes * 60.0,
            on_above=self.above,
            off_below=min(self.below, self.above + 1),
        )


class AlarmsModel(Strict):
    """How long an alarm may be shelved, whether a red one needs a second person, who is on duty."""

    longest_shelf_hours: Annotated[float, Field(gt=0, le=72)] = SHIFT
    red_shelf_needs_second_person: bool = False
    operators: Annotated[int, Field(ge=1, le=MOST_OPERATORS)] = 1
    flood: FloodModel = FloodModel()

    def acting(self) -> Acting:
        """Return the frozen struct."""
        return Acting(
            longest_shelf=self.longest_shelf_hours * 3_600.0,
            second_person=self.red_shelf_needs_second_person,
            operators=self.operators,
            flood=self.flood.bounds(),
        )
