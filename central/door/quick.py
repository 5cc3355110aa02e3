"""The common JSON body as a table, in a fraction of the time (pure, total).

A twin of `central.door.table.read_json`: where both give a table it is the same table. What this
parser cannot tell (a key named twice, NaN, numbers without end, half of a surrogate pair), and
whatever is wrong with a body, it leaves to the other one: that one is the judge of odd bodies, and
every refusal is told in its words.
"""

from operator import attrgetter
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from central.door import bounds
from central.door.cells import Cells
from central.door.moments import numbers, texts
from central.door.qualities import quality
from central.door.reasons import code
from central.door.table import Table, read_json
from central.store.columns import Integers

Raw = list[Any]
_TEXT: Final = {str}
_INTEGER: Final = {int}
_QUALITY: Final = {str, int, type(None)}
_VALUE: Final = {str, int, float, bool, type(None)}
_ENDLESS: Final = 1_000
"""Bits of an integer that may have more digits than are looked at."""
_QUOTE, _COLON, _SPACE = b'": '


class _Columns(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    point: Raw
    value: Raw
    time: Raw | UnsetType = UNSET
    time_us: Raw | UnsetType = UNSET
    quality: Raw | UnsetType = UNSET
    manifest: str | UnsetType = UNSET


class _Row(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    point: Any
    value: Any
    time: Any = UNSET
    time_us: Any = UNSET
    quality: Any = UNSET


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    columns: _Columns | UnsetType = UNSET
    rows: list[_Row] | UnsetType = UNSET


_decode: Final = msgspec.json.Decoder(_Body).decode


class Odd(Exception):  # no error: another reader decides
    """This is not for the quick way."""


def read(data: bytes) -> Table:
    """Return the table. Raises IngestError DOOR_BODY, DOOR_TOO_MANY."""
    try:
        return quick(data)
    except (Odd, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return read_json(data)


def quick(data: bytes) -> Table:
    """Return the table of a common body; what is raised says only that it is none."""
    body = _decode(data)
    keys = _keys(data) - 1
    if isinstance(body.columns, _Columns) and body.rows is UNSET:
        return _columns(body.columns, keys, data)
    if isinstance(body.rows, list) and body.columns is UNSET:
        return _rows(body.rows, keys, data)
    raise Odd


def _columns(said: _Columns, keys: int, data: bytes) -> Table:
    given = [cells for cells in (said.time, said.time_us, said.quality) if cells is not UNSET]
    if keys != 2 + len(given) + (said.manifest is not UNSET):
        raise Odd
    n = len(said.point)
    if n > bounds.READINGS or any(len(cells) != n for cells in (said.value, *given)):
        raise Odd
    if (said.time is UNSET) == (said.time_us is UNSET):
        raise Odd
    return Table(
        _points(said.point),
        _texts(said.time) if said.time_us is UNSET else _numbers(said.time_us),
        _values(said.value),
        np.zeros(n, np.int64) if said.quality is UNSET else _qualities(said.quality),
        lambda at: read_json(data).sources(at),
        None if said.manifest is UNSET else said.manifest,
    )


def _rows(rows: list[_Row], keys: int, data: bytes) -> Table:
    n = len(rows)
    if not 0 < n <= bounds.READINGS:
        raise Odd
    # Three keys each row has, or what follows gives up; what is more can only be qualities.
    qualities = None
    if keys != 3 * n:
        qualities = _of(rows, "quality")
        if keys - 3 * n != n - qualities.count(UNSET):
            raise Odd
        qualities = [None if cell is UNSET else cell for cell in qualities]
    return Table(
        _points(_of(rows, "point")),
        _texts(_of(rows, "time")) if rows[0].time_us is UNSET else _numbers(_of(rows, "time_us")),
        _values(_of(rows, "value")),
        np.zeros(n, np.int64) if qualities is None else _qualities(qualities),
        lambda at: read_json(data).sources(at),
    )


def _of(rows: list[_Row], name: str) -> Raw:
    return list(map(attrgetter(name), rows))


def _keys(data: bytes) -> int:
    """Return how many keys all objects have together: that many quotes stand before colons.

    A key named twice, however it is written, counts twice; so may a text, which is no harm.
    """
    letters = np.frombuffer(data, np.uint8)
    before = letters[np.flatnonzero(letters == _COLON) - 1]
    if len(before) and before.min() <= _SPACE:
        raise Odd
    return int(np.count_nonzero(before == _QUOTE))


def _points(cells: Raw) -> Raw:
    if set(map(type, cells)) not in (_TEXT, _INTEGER, set()):
        raise Odd
    return cells


def _texts(cells: Any) -> Integers:
    if set(map(type, cells)) - _TEXT:
        raise Odd
    return texts(cells)


def _numbers(cells: Any) -> Integers:
    if set(map(type, cells)) - _INTEGER:
        raise Odd
    return numbers(cells)


def _values(raw: Raw) -> Cells:
    cells = Cells.of(raw)
    if cells.types - _VALUE:
        raise Odd
    for odd in map(raw.__getitem__, cells.odd.tolist()):
        if type(odd) is int and odd.bit_length() > _ENDLESS:
            raise Odd
    return cells


def _qualities(cells: Any) -> Integers:
    if set(map(type, cells)) - _QUALITY:
        raise Odd
    known = {cell: code(quality(cell)) for cell in set(cells)}
    return np.fromiter(map(known.__getitem__, cells), np.int64, len(cells))
