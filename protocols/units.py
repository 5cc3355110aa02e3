"""Converts figures between units of one kind, by the catalogue (pure).

What has another kind is never compared: there is no conversion, and whoever asked has to refuse.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from protocols.catalogue import units

LARGEST: Final = 1e308
"""What would be beyond the largest figure stays there: nothing that is measured comes near."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """`value * factor + offset`, exact on the figures as people write them, within LARGEST."""

    factor: Fraction
    offset: Fraction

    def value(self, number: float) -> float:
        """Return a measured value or a limit in the other unit."""
        return _number(Fraction(repr(float(number))) * self.factor + self.offset)

    def span(self, number: float) -> float:
        """Return a difference (a deadband, a rate) in the other unit."""
        return _number(Fraction(repr(float(number))) * self.factor)


SAME: Final = Conversion(Fraction(1), Fraction(0))


def conversion(given: str, wanted: str) -> Conversion | None:
    """Return how to go from one unit to another; None: they measure different things."""
    if given == wanted:
        return SAME
    one, other = units().get(given), units().get(wanted)
    if one is None or other is None or one.base != other.base:
        return None
    offset = (one.offset - other.offset) / other.factor
    return Conversion(one.factor / other.factor, offset)


def _number(exact: Fraction) -> float:
    return float(min(max(exact, Fraction(-LARGEST)), Fraction(LARGEST)))
