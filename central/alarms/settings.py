"""What people may do with alarms, as far as the operator may say it, and how the file says it."""

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field

from protocols.schema.fields import Strict

SHIFT: Final = 8
"""Hours: a shelf that outlives the shift that put it is nobody's (common practice, 8 or 12)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """`longest_shelf` in seconds, where the rule says nothing shorter.

    `second_person`: a shelf over a rule that can be red needs one who confirms it.
    """

    longest_shelf: float = SHIFT * 3_600.0
    second_person: bool = False


USUAL: Final = Acting()


class AlarmsModel(Strict):
    """How long an alarm may be shelved, and whether a red one needs a second person for it."""

    longest_shelf_hours: Annotated[float, Field(gt=0, le=72)] = SHIFT
    red_shelf_needs_second_person: bool = False

    def acting(self) -> Acting:
        """Return the frozen struct."""
        return Acting(
            longest_shelf=self.longest_shelf_hours * 3_600.0,
            second_person=self.red_shelf_needs_second_person,
        )
