"""A JSON body as a table of readings (pure, total): columns and rows give the same.

What concerns the body as a whole is refused (IngestError); what concerns one reading stays with
that reading, as the reason in its cell. Bounds: bytes before, readings and depth here.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from central.door import bounds
from central.door.cells import Cells
from central.door.moments import Moment, counted, written
from central.door.qualities import quality
from central.door.reasons import Reason, column
from central.store.columns import Integers

DIGITS: Final = 400
"""Digits of the longest integer that is looked at; a longer one is beyond every value."""
_COLUMNS: Final = frozenset({"point", "time", "time_us", "value", "quality"})
_TIMES: Final[dict[str, Callable[[object], Moment]]] = {"time": written, "time_us": counted}
_SHAPES: Final = {
    frozenset({"point", name, "value", *more}): name
    for name in _TIMES
    for more in ((), ("quality",))
}


@dataclass(frozen=True, slots=True)
class Table:
    """Readings as parallel columns in the order they came.

    `times` are µs UTC, NO_ROW or NO_TIME, `qualities` StatusCodes or NO_QUALITY, `points` what
    stood there. `sources` gives back each reading as it was sent, for the quarantine. `manifest`:
    the digest of the manifest whose indexes may stand for points.
    """

    points: Sequence[Any]
    times: Integers
    values: Cells
    qualities: Integers
    sources: Callable[[int], object]
    manifest: str | None = None


class Sources:
    """What each reading of a JSON body was: the body is read again if anybody asks, once."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._read: Callable[[int], object] | None = None

    def __call__(self, place: int) -> object:
        """Return the reading at `place` as it was sent."""
        if self._read is None:
            self._read = read_json(self._data).sources
        return self._read(place)


class _Twice:
    """An object that names a key twice: what was meant is not known."""


def read_json(data: bytes) -> Table:
    """Return the table. Raises IngestError DOOR_BODY, DOOR_TOO_MANY."""
    body = load(data)
    if not isinstance(body, dict) or len(body) != 1:
        raise bounds.unreadable("KEYS", expected="columns | rows")
    match body:
        case {"columns": dict(columns)}:
            return _columns(columns)
        case {"rows": list(rows)}:
            return _rows(rows)
    raise bounds.unreadable("KEYS", expected="columns | rows")


def load(data: bytes) -> Any:
    """Return what the JSON says; NaN, endless numbers and doubled keys stay with their place."""
    try:
        return json.loads(data.decode("utf-8-sig"), parse_int=_integer, object_pairs_hook=_object)
    except UnicodeDecodeError as exc:
        raise bounds.unreadable("ENCODING", at=exc.start) from exc
    except json.JSONDecodeError as exc:
        raise bounds.unreadable("JSON", at=exc.pos) from exc
    except (ValueError, RecursionError) as exc:
        raise bounds.unreadable("JSON", at=None) from exc


def _columns(columns: dict[str, Any]) -> Table:
    manifest = columns.pop("manifest", None)
    names = [name for name in _TIMES if name in columns]
    if not columns.keys() <= _COLUMNS or not {"point", "value"} <= columns.keys():
        raise bounds.unreadable("COLUMNS", expected="point, time | time_us, value, quality")
    if len(names) != 1:
        raise bounds.unreadable("COLUMNS", expected="time | time_us")
    if not all(type(cells) is list for cells in columns.values()):
        raise bounds.unreadable("COLUMNS", expected="[...]")
    if manifest is not None and type(manifest) is not str:
        raise bounds.unreadable("COLUMNS", expected='manifest: "..."')
    n = len(columns["point"])
    if any(len(cells) != n for cells in columns.values()):
        raise bounds.unreadable("LENGTHS", expected=n)
    if n > bounds.READINGS:
        raise bounds.too_many(n)
    said = columns.get("quality")
    known: dict[str, Moment] = {}
    return Table(
        columns["point"],
        column([_moment(cell, names[0], known) for cell in columns[names[0]]]),
        Cells.of(columns["value"]),
        np.zeros(n, np.int64) if said is None else column(list(map(quality, said))),
        lambda at: {name: cells[at] for name, cells in columns.items()},
        manifest,
    )


def _rows(rows: list[Any]) -> Table:
    if len(rows) > bounds.READINGS:
        raise bounds.too_many(len(rows))
    points: list[Any] = []
    values: list[Any] = []
    moments: list[Moment] = []
    qualities: list[int | Reason] = []
    known: dict[str, Moment] = {}
    for row in rows:
        name = _SHAPES.get(frozenset(row)) if type(row) is dict else None
        if name is None:
            points.append(None)
            moments.append(Reason.BAD_ROW)
            values.append(None)
            qualities.append(0)
            continue
        points.append(row["point"])
        values.append(row["value"])
        qualities.append(quality(row.get("quality")))
        moments.append(_moment(row[name], name, known))
    return Table(points, column(moments), Cells.of(values), column(qualities), rows.__getitem__)


def _moment(cell: Any, name: str, known: dict[str, Moment]) -> Moment:
    """Read a time; a scan says the same text for each of its points."""
    if name != "time" or type(cell) is not str:
        return _TIMES[name](cell)
    found = known.get(cell)
    if found is None:
        found = known[cell] = written(cell)
    return found


def _integer(digits: str) -> float:
    return int(digits) if len(digits) <= DIGITS else math.inf


def _object(pairs: list[tuple[str, Any]]) -> Any:
    made = dict(pairs)
    return made if len(made) == len(pairs) else _Twice()
