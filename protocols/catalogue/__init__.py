"""What can be measured, in which units, for which of the fifteen domains: data, and a tiny loader.

Names are stable and travel in manifests; labels are for people. Sources of the quantities: the
city's fifteen domains (汕府办函〔2022〕239号) and the element lists of each domain's standards.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, Final

from protocols.words import Label

FOLDER: Final = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as it is written on pages (`℃`, `m³/h`).

    A value times `factor` plus `offset` is in `base`; units of one base can be converted.
    """

    symbol: str
    label: Label
    base: str = ""
    factor: Fraction = Fraction(1)  # a number
    offset: Fraction = Fraction(0)  # a number


@dataclass(frozen=True, slots=True)
class Quantity:
    """Something that is measured (监测量). `units` are the allowed symbols, the usual one first.

    A quantity without units is a state (digital, enumerated) or text.
    """

    name: str
    label: Label
    units: tuple[str, ...]
    domains: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Domain:
    """One of the fifteen fields (领域) of the city's plan; `number` is its place there."""

    name: str
    number: int
    label: Label


def _rows(file: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((FOLDER / file).read_text(encoding="utf-8"))
    return rows


@cache
def units() -> Mapping[str, Unit]:
    """Return every unit by its symbol."""
    return {
        row["symbol"]: Unit(
            row["symbol"],
            Label(row["zh"], row["en"]),
            row.get("base", row["symbol"]),
            Fraction(row.get("factor", "1")),
            Fraction(row.get("offset", "0")),
        )
        for row in _rows("units.json")
    }


@cache
def quantities() -> Mapping[str, Quantity]:
    """Return every quantity by its name."""
    return {
        row["name"]: Quantity(
            row["name"], Label(row["zh"], row["en"]), tuple(row["units"]), tuple(row["domains"])
        )
        for row in _rows("quantities.json")
    }


@cache
def domains() -> Mapping[str, Domain]:
    """Return the fifteen domains by name, in the order of the city's plan."""
    return {
        row["name"]: Domain(row["name"], row["number"], Label(row["zh"], row["en"]))
        for row in _rows("domains.json")
    }
