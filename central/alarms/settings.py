"""What the operator may say of people and alarms, and how the file says it."""

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field

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


USUAL: Final = Acting()


class AlarmsModel(Strict):
    """How long an alarm may be shelved, whether a red one needs a second person, who is on duty."""

    longest_shelf_hours: Annotated[float, Field(gt=0, le=72)] = SHIFT
    red_shelf_needs_second_person: bool = False
    operators: Annotated[int, Field(ge=1, le=MOST_OPERATORS)] = 1

    def acting(self) -> Acting:
        """Return the frozen struct."""
        return Acting(
            longest_shelf=self.longest_shelf_hours * 3_600.0,
            second_person=self.red_shelf_needs_second_person,
            operators=self.operators,
        )
