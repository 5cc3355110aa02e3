"""From what was sent to each point's value and quality, a column at a time (pure, total).

A twin of `protocols/normalise.py`: plain numbers are done as arrays, all else (texts, numbers
beyond 2^53, decimals that lie between two roundings) one by one by the steps themselves.
"""

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from central.door.cells import Cells
from central.door.table import DIGITS
from central.store import values as kinds
from central.store.columns import Integers
from central.store.values import Floats, Values
from protocols import normalise
from protocols.normalise import Normalise
from protocols.profile import MqttAddress, ProfilePoint
from protocols.quality import is_bad
from protocols.wire.manifest import Manifest, ManifestPoint
from protocols.words import Label, Value


class _Kind(IntEnum):
    """How the values of a point are done; those that have a range come first."""

    REAL = 0
    WHOLE = 1
    SWITCH = 2
    CODE = 3
    TEXT = 4


_TYPES: Final = {
    "int": _Kind.WHOLE,
    "bool": _Kind.SWITCH,
    "enum": _Kind.CODE,
    "text": _Kind.TEXT,
}
_MADE: Final = np.array(
    [kinds.FLOAT, kinds.INTEGER, kinds.BOOLEAN, kinds.INTEGER, kinds.OTHER], np.uint8
)
_DIGITS: Final = re.compile(r"[+-]?[0-9]+")
_UNCERTAIN: Final = 0x40000000
_BAD: Final = 0x80000000
_HALF: Final = 1e-3
"""So near the middle between two decimals their product is not trusted."""
_FAR: Final = float(1 << 42)
"""Below this a product with a power of ten is off by less than half of `_HALF`."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Steps:
    """What becomes of a point's values, by the manifest's index.

    `scale`: ten to the power of its decimals, NaN where it has none; `low` and `high` infinite
    where there is no end; `codes` of an enumeration, empty where any will do.
    """

    kinds: NDArray[np.uint8]
    scale: Floats
    low: Floats
    high: Floats
    codes: tuple[frozenset[int], ...]
    finish: tuple[Normalise, ...]

    def __len__(self) -> int:
        return len(self.finish)


@dataclass(frozen=True, slots=True)
class Finished:
    """Values and qualities; `wrong`: where the value is none that the point can have."""

    values: Values
    qualities: Integers
    wrong: Mask


def steps_of(manifest: Manifest) -> Steps:
    """Return the steps of a manifest's points."""
    points = manifest.points
    scales = [np.nan if point.decimals is None else 10.0**point.decimals for point in points]
    # Of another type's range nothing is asked.
    ranged = [
        (point.low, point.high) if _kind(point) <= _Kind.WHOLE else (None, None) for point in points
    ]
    return Steps(
        kinds=np.array([_kind(point) for point in points], np.uint8),
        scale=np.array(scales, np.float64),
        low=np.array([-np.inf if low is None else low for low, _ in ranged], np.float64),
        high=np.array([np.inf if high is None else high for _, high in ranged], np.float64),
        codes=tuple(frozenset(code for code, _ in point.enumeration) for point in points),
        finish=tuple(normalise.normaliser(_sheet(point)) for point in points),
    )


def finish(cells: Cells, steps: Steps, places: Integers, qualities: Integers) -> Finished:
    """Return what becomes of `cells`, of the points at `places`, sent with `qualities`."""
    n = len(places)
    made, codes, wrong = cells.numbers.copy(), qualities.copy(), np.zeros(n, np.bool_)
    odd = np.zeros(n, np.bool_)
    odd[_written(cells, steps, places, made)] = True
    kind = steps.kinds[places]
    counts = np.bincount(kind).tolist()
    for each in (each for each, count in enumerate(counts) if count):
        mine: Any = slice(None) if counts[each] == n else np.flatnonzero(kind == each)
        at = places[mine]
        match each:
            case _Kind.REAL:
                made[mine], unsure = _rounded(made[mine], steps.scale[at])
                odd[mine] |= unsure
            case _Kind.WHOLE:
                made[mine] = np.rint(made[mine]) + 0.0
            case _Kind.SWITCH:
                wrong[mine] = (made[mine] != 0.0) & (made[mine] != 1.0)
                made[mine] += 0.0
            case _Kind.CODE:
                made[mine] += 0.0
                wrong[mine] = made[mine] != np.rint(made[mine])
                unknown = _unknown(made[mine], steps, at)
                codes[mine] = np.where(
                    unknown & (qualities[mine] < _UNCERTAIN), normalise.EXCEEDED, qualities[mine]
                )
            case _:
                odd[mine] = True
    outside = (made < steps.low[places]) | (made > steps.high[places])
    if outside.any():
        codes[outside & (qualities < _UNCERTAIN)] = normalise.EXCEEDED
    return _told(cells, (made, codes, wrong), kind, odd, (steps, places, qualities))


def _told(
    cells: Cells,
    columns: tuple[Floats, Integers, Mask],
    kind: NDArray[np.uint8],
    odd: Mask,
    of: tuple[Steps, Integers, Integers],
) -> Finished:
    """Return the columns once nulls, bad qualities and what is odd are seen to."""
    made, codes, wrong = columns
    steps, places, qualities = of
    told = _MADE[kind]
    others: dict[int, Value] = {}
    bad = qualities >= _BAD
    if cells.none is not None:
        codes[cells.none] = normalise.FAILED
        _none(cells.none, made, told, wrong)
        odd &= ~cells.none
    if bad.any():
        codes[bad] = qualities[bad]
        _none(bad, made, told, wrong)
        odd &= ~bad
    for at in np.flatnonzero(odd).tolist() if odd.any() else ():
        place, raw = int(places[at]), cells.raw[at]
        if type(raw) is str and kind[at] != _Kind.TEXT:
            raw = _whole(raw)
        value, codes[at] = steps.finish[place](raw, int(qualities[at]))
        wrong[at] = value is None and raw is not None and not is_bad(int(qualities[at]))
        _put(value, at, told, made, others)
    return Finished(Values(told, made, others), codes, wrong)


def _none(where: Mask, made: Floats, told: NDArray[np.uint8], wrong: Mask) -> None:
    made[where], told[where], wrong[where] = np.nan, kinds.NONE, False


def _put(
    value: Value, at: int, told: NDArray[np.uint8], made: Floats, others: dict[int, Value]
) -> None:
    told[at] = kind = _kind_of(value)
    if kind == kinds.OTHER:
        others[at] = value
    made[at] = np.nan if isinstance(value, str) or value is None or kind == kinds.OTHER else value


def _kind_of(value: Value) -> int:
    if value is None:
        return kinds.NONE
    if isinstance(value, bool):
        return kinds.BOOLEAN
    if isinstance(value, float):
        return kinds.FLOAT
    whole = isinstance(value, int) and -kinds.EXACT <= value <= kinds.EXACT
    return kinds.INTEGER if whole else kinds.OTHER


def _whole(text: str) -> str | int:
    """Return a whole number with all its digits, which a float would not keep; other text as is."""
    return int(text) if len(text) <= DIGITS and _DIGITS.fullmatch(text) else text


def _written(cells: Cells, steps: Steps, places: Integers, made: Floats) -> Integers:
    """Put the numbers that stand as texts into `made`; return the places that stay odd."""
    odd = cells.odd
    if not len(odd) or str not in cells.types:
        return odd
    numeric = steps.kinds[places[odd]] <= _Kind.WHOLE
    texts = [cells.raw[at] for at in odd[numeric].tolist()]
    try:
        numbers = np.array(list(map(_decimal, texts)), np.float64)
    except (TypeError, ValueError):
        return odd
    if (np.abs(numbers) < kinds.EXACT).all():
        made[odd[numeric]] = numbers
        return odd[~numeric]
    return odd


def _decimal(text: Any) -> float:
    if type(text) is not str or len(text) > 64 or "_" in text:
        raise ValueError
    return float(text)


def _rounded(numbers: Floats, scale: Floats) -> tuple[Floats, Mask]:
    """Return numbers rounded to their decimals as `round` does, and where that is not sure."""
    scaled = numbers * scale
    near = np.rint(scaled)
    unsure = np.abs(np.abs(scaled - near) - 0.5) < _HALF
    unsure |= np.abs(scaled) >= _FAR
    rounded = near / scale + 0.0
    free = np.isnan(scale)
    return (np.where(free, numbers, rounded) if free.any() else rounded), unsure


def _unknown(numbers: Floats, steps: Steps, places: Integers) -> Mask:
    known = [
        not (allowed := steps.codes[place]) or number in allowed
        for place, number in zip(places.tolist(), numbers.tolist(), strict=True)
    ]
    return ~np.array(known, np.bool_)


def _kind(point: ManifestPoint) -> int:
    return _TYPES.get(point.type, _Kind.REAL)


def _sheet(point: ManifestPoint) -> ProfilePoint:
    return ProfilePoint(
        name=point.name,
        label=Label(point.name),
        quantity=point.quantity,
        address=MqttAddress(topic=point.name),
        unit=point.unit,
        type=point.type,
        decimals=point.decimals,
        low=point.low,
        high=point.high,
        enumeration=point.enumeration,
    )
