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
from central.door.moments import alike, listed_texts, numbers, texts
from central.door.names import KnownNames, Names
from central.door.qualities import listed_qualities, qualities, quality
from central.door.reasons import code
from central.door.table import Sources, Table, read_json
from central.store.columns import Integers

Raw = list[Any]
Sent = msgspec.Raw
"""A list as it was sent, not looked at."""
_TEXT: Final = {str}
_INTEGER: Final = {int}
_QUALITY: Final = {str, int, type(None)}
_VALUE: Final = {str, int, float, bool, type(None)}
_SENT: Final = ("point", "value", "time", "quality")
_AROUND: Final = '{"columns":{}}'
_ENDLESS: Final = 1_000
"""Bits of an integer that may have more digits than are looked at."""
_QUOTE, _COLON, _SPACE = b'": '


class _Columns(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    point: Sent
    value: Sent
    time: Sent | UnsetType = UNSET
    time_us: Raw | UnsetType = UNSET
    quality: Sent | UnsetType = UNSET
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
_decode_list: Final = msgspec.json.Decoder(Raw).decode


class Odd(Exception):  # no error: another reader decides
    """This is not for the quick way."""


class Heavy(Odd):
    """It would take long: what is in it has to be looked at one by one."""


def read(data: bytes, known: KnownNames | None = None) -> Table:
    """Return the table; `known`: lists of names that came before.

    Raises IngestError DOOR_BODY, DOOR_TOO_MANY.
    """
    try:
        return quick(data, known)
    except GIVEN_UP:
        return read_json(data)


def quick(data: bytes, known: KnownNames | None = None, most: int = bounds.READINGS) -> Table:
    """Return the table of a common body; what is raised says only that it is none.

    `most`: cells of a column that may be looked at one by one.
    """
    body, known = _decode(data), known or KnownNames()
    if isinstance(body.columns, _Columns) and body.rows is UNSET:
        return _columns(body.columns, data, known, most)
    if isinstance(body.rows, list) and body.columns is UNSET:
        return _rows(body.rows, _keys(data) - 1, data, known, most)
    raise Odd


def _columns(said: _Columns, data: bytes, known: KnownNames, most: int) -> Table:
    _once(said, data)
    values = _decode_list(said.value)
    n = len(values)
    if n > bounds.READINGS or (said.time is UNSET) == (said.time_us is UNSET):
        raise Odd
    times = _sent_times(said.time, n, most) if said.time_us is UNSET else _numbers(said.time_us)
    codes = _sent_qualities(said.quality, n, most)
    points = known.sent(bytes(said.point), _names)
    if len(points) != n or len(times) != n or len(codes) != n:
        raise Odd
    return Table(
        points,
        times,
        _values(values, most),
        codes,
        Sources(data),
        None if said.manifest is UNSET else said.manifest,
    )


def _rows(  # as above
    rows: list[_Row], keys: int, data: bytes, known: KnownNames, most: int
) -> Table:
    n = len(rows)
    if not 0 < n <= bounds.READINGS:
        raise Odd
    # Three keys each row has, or what follows gives up; what is more can only be qualities.
    codes = np.zeros(n, np.int64)
    if keys != 3 * n:
        said = _of(rows, "quality")
        left_out = said.count(UNSET)
        if keys - 3 * n != n - left_out:
            raise Odd
        if left_out:
            said = [None if cell is UNSET else cell for cell in said]
        codes = _qualities(said, most)
    stamped = rows[0].time_us is UNSET
    return Table(
        known.listed(_points(_of(rows, "point"))),
        _texts(_of(rows, "time"), most) if stamped else _numbers(_of(rows, "time_us")),
        _values(_of(rows, "value"), most),
        codes,
        Sources(data),
    )


def _of(rows: list[_Row], name: str) -> Raw:
    return list(map(attrgetter(name), rows))


def _once(said: _Columns, data: bytes) -> None:
    """Raise Odd where a key is named twice: beside the lists there is no room for more keys."""
    given = [name for name in _SENT if getattr(said, name) is not UNSET]
    count = len(given) + (said.time_us is not UNSET) + (said.manifest is not UNSET)
    if count == len(given):
        keys = sum(map(len, given)) + len(_AROUND) + 4 * count - 1
        beside = len(data) - sum(len(bytes(getattr(said, name))) for name in given)
        # A blank behind each sign is less than the shortest key with a value.
        if beside in (keys, keys + 2 * count):
            return
    if _keys(data) - 1 != count:
        raise Odd


def _keys(data: bytes) -> int:
    """Return how many keys all objects have together: that many quotes stand before colons.

    A key named twice, however it is written, counts twice; so may a text, which is no harm.
    """
    letters = np.frombuffer(data, np.uint8)
    colons, before = letters[1:] == _COLON, letters[:-1]
    if np.logical_or.reduce(colons & (before <= _SPACE)):
        raise Odd
    return int(np.count_nonzero(colons & (before == _QUOTE)))


def _names(data: bytes) -> Names:
    return _points(_decode_list(data))


def _points(cells: Raw) -> Raw:
    if set(map(type, cells)) not in (_TEXT, _INTEGER, set()):
        raise Odd
    return cells


def _sent_times(said: Any, n: int, most: int) -> Integers:
    data = bytes(said)
    found = listed_texts(data, n) if n else None
    return _texts(_decode_list(data), most) if found is None else found


def _texts(cells: Any, most: int) -> Integers:
    if set(map(type, cells)) - _TEXT:
        raise Odd
    found = alike(cells)
    if found is None and len(cells) > most:
        raise Heavy
    return texts(cells) if found is None else found


def _numbers(cells: Any) -> Integers:
    if set(map(type, cells)) - _INTEGER:
        raise Odd
    return numbers(cells)


def _values(raw: Raw, most: int) -> Cells:
    cells = Cells.of(raw)
    if cells.types - _VALUE:
        raise Odd
    if len(cells.odd) > most:
        raise Heavy
    for odd in map(raw.__getitem__, cells.odd.tolist()):
        if type(odd) is int and odd.bit_length() > _ENDLESS:
            raise Odd
    return cells


def _sent_qualities(said: Any, n: int, most: int) -> Integers:
    if said is UNSET:
        return np.zeros(n, np.int64)
    data = bytes(said)
    found = listed_qualities(data)
    return _qualities(_decode_list(data), most) if found is None else found


def _qualities(cells: Raw, most: int) -> Integers:
    try:
        found, odd = qualities(cells)
    except TypeError as exc:  # a list or an object
        raise Odd from exc
    if len(odd) > most:
        raise Heavy
    for at in odd:
        cell = cells[at]
        if type(cell) not in _QUALITY:
            raise Odd
        found[at] = code(quality(cell))
    return found


GIVEN_UP: Final = (Odd, msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What `quick` raises."""
