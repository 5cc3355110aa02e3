"""A CSV body as a table of readings (pure, total): a header, then one reading a line.

UTF-8 with or without a byte order mark; otherwise GB18030, as spreadsheets here write it, or what
the request names. Lines are read one by one: what is held beside the body are the cells.
"""

import csv
import io
from collections.abc import Callable, Iterator
from typing import Final

from central.door import bounds
from central.door.moments import Moment, counted_text, written
from central.door.qualities import quality_text
from central.door.reasons import Reason
from central.door.table import Table
from protocols.words import Value

CHARSETS: Final = {
    "": None,
    "utf-8": "utf-8-sig",
    "utf8": "utf-8-sig",
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
}
_TIMES: Final[dict[str, Callable[[str], Moment]]] = {"time": written, "time_us": counted_text}


def read_csv(data: bytes, charset: str = "") -> Table:
    """Return the table. Raises IngestError DOOR_BODY, DOOR_TOO_MANY."""
    lines = csv.reader(io.StringIO(_text(data, charset), newline=""), strict=True)
    try:
        return _read(lines, _header(next(lines, [])))
    except csv.Error as exc:
        raise bounds.unreadable("CSV", line=lines.line_num) from exc


def _text(data: bytes, charset: str) -> str:
    if charset.lower() not in CHARSETS:
        raise bounds.unreadable("CHARSET", expected="utf-8, gb18030")
    named = CHARSETS[charset.lower()]
    if named is None:
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            named = "gb18030"
    try:
        return data.decode(named)
    except UnicodeDecodeError as exc:
        raise bounds.unreadable("ENCODING", at=exc.start) from exc


def _header(cells: list[str]) -> dict[str, int]:
    """Return the place of each column."""
    names = [cell.strip().lower() for cell in cells]
    places = {name: place for place, name in enumerate(names)}
    times = [name for name in _TIMES if name in places]
    needed = {"point", "value", *times}
    if len(places) != len(names) or len(times) != 1 or not places.keys() >= needed:
        raise bounds.unreadable("HEADER", expected="point,time,value[,quality]")
    if places.keys() - needed - {"quality"}:
        raise bounds.unreadable("HEADER", expected="point,time,value[,quality]")
    return places


def _read(lines: Iterator[list[str]], places: dict[str, int]) -> Table:
    name = next(name for name in _TIMES if name in places)
    point_at, time_at, value_at = places["point"], places[name], places["value"]
    quality_at = places.get("quality")
    read, width = _TIMES[name], len(places)
    rows: list[list[str]] = []
    table = Table([], [], [], [], rows.__getitem__)
    known: dict[str, Moment] = {}
    for cells in lines:
        if not cells:
            continue  # an empty line is no reading
        if len(rows) == bounds.READINGS:
            raise bounds.too_many(len(rows) + 1)
        rows.append(cells)
        if len(cells) != width:
            _add(table, "", Reason.BAD_ROW, None, 0)
            continue
        time = cells[time_at].strip()
        moment = known.get(time)
        if moment is None:
            moment = known[time] = read(time)
        said = 0 if quality_at is None else quality_text(cells[quality_at])
        _add(table, cells[point_at].strip(), moment, cells[value_at] or None, said)
    return table


def _add(table: Table, point: str, moment: Moment, value: Value, said: int | Reason) -> None:
    table.points.append(point)
    table.times.append(moment)
    table.values.append(value)
    table.qualities.append(said)
