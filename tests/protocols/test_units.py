"""Figures go from one unit to another exactly, or not at all."""

import pytest

from protocols.catalogue import units
from protocols.units import LARGEST, conversion


@pytest.mark.parametrize(
    ("number", "given", "wanted", "expected"),
    [
        (0.27, "m", "cm", 27.0),
        (27, "cm", "m", 0.27),
        (1.6, "MPa", "kPa", 1600.0),
        (60, "℃", "K", 333.15),
        (333.15, "K", "℃", 60.0),
        (72, "km/h", "m/s", 20.0),
        (36, "m³/h", "L/s", 10.0),
        (24, "mm/d", "mm/h", 1.0),
    ],
)
def test_a_figure_is_the_same_in_another_unit(number, given, wanted, expected):
    assert conversion(given, wanted).value(number) == expected


def test_a_difference_has_no_zero_point():
    assert conversion("℃", "K").span(2) == 2.0


@pytest.mark.parametrize(
    ("given", "wanted"),
    [("m", "kPa"), ("ppm", "mg/m³"), ("%LEL", "%VOL"), ("m", ""), ("", "m"), ("m", "fathom")],
)
def test_what_measures_something_else_is_not_converted(given, wanted):
    assert conversion(given, wanted) is None


def test_every_unit_can_be_gone_back_from():
    for one in units().values():
        for other in units().values():
            if one.base == other.base:
                there = conversion(one.symbol, other.symbol).value(12.5)
                assert conversion(other.symbol, one.symbol).value(there) == pytest.approx(12.5)


@pytest.mark.parametrize("number", [1e308, -1e308, 1.7976931348623157e308])
def test_a_figure_too_large_for_the_other_unit_stays_a_number(number):
    change = conversion("km", "mm")
    assert change.value(number) == change.span(number) == (LARGEST if number > 0 else -LARGEST)
