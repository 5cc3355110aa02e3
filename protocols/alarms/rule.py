"""Rules as frozen structs: an ordered ladder of levels on a point or an object.

Words: ISA-18.2 / IEC 62682; colours: the national four-level scale. A figure carries where it comes
from; one that nobody confirmed for this site is offered, never active.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

OPERATORS: Final = (">", ">=", "<", "<=", "=", "!=")
FALLING: Final = ("<", "<=")
"""Those that look downwards."""

STATUSES: Final = ("V", "K", "D", "S", "U", "E")
"""V read in its source · K known, text not re-read · D the standard leaves it to the designer ·
S site specific · U unknown · E example of a demonstration. Only V is active by itself."""


class Colour(IntEnum):
    """蓝 黄 橙 红: the four levels; the number orders them (and priority follows it)."""

    BLUE = 1
    YELLOW = 2
    ORANGE = 3
    RED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One step of a ladder.

    `limit` and `deadband` are in the unit of the quantity; delays in seconds; `valid_from` and
    `valid_to` are `MM-DD` (each year) or `YYYY-MM-DD`, both inclusive, site time.
    The deadband acts on the return only; equality counts as the operator says.
    """

    name: str
    name_en: str = ""
    """The name in English, where it is a word and not a code such as HH."""
    colour: Colour
    op: str
    limit: float
    deadband: float = 0.0
    on_delay: float = 0.0
    off_delay: float = 0.0
    window: float | None = None
    """Seconds, where the rule is a window and its levels differ in it."""
    source: str = ""
    clause: str | None = None
    status: str = "U"
    confirmed_by: str | None = None
    confirmed_on: str | None = None
    valid_from: str | None = None
    valid_to: str | None = None

    @property
    def active(self) -> bool:
        """Whether the level may raise: verified in its source, or confirmed by a person."""
        return self.status == "V" or self.confirmed_by is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A named alarm definition on `subject` (a PointId as text, or an object's path).

    `levels` are ordered from least to most severe. `where` it is judged: `both`, at the gateway too
    where all its inputs are one gateway's, or at the `centre` alone.
    """

    id: str
    subject: str
    levels: tuple[Level, ...]
    kind: str = "limit"
    latching: bool = False
    where: str = "both"
    version: int = 1
