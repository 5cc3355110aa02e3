"""A CSV body as a table of readings (pure, total): a header, then one reading a line.

UTF-8 with or without a byte order mark; otherwise GB18030, as spreadsheets here write it, or what
the request names. Lines are read one by one: what is held beside the body are the cells.
"""

import csv
import io
from collections.abc import Iterator
from typing import Final

import numpy as np

from central.door import bounds
from central.door.cells import Cells
from central.door.moments import counted_text, texts
from central.door.qualities import quality_text
from central.door.reasons import NO_ROW, Reason, column
from central.door.table import Table

CHARSETS: Final = {
    "": None,
    "utf-8": "utf-8-sig",
    "utf8": "utf-8-sig",
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
}
_TIMES: Final = ("time", "time_us")


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
    name = "time" if "time" in places else "time_us"
    point_at, time_at, value_at = places["point"], places[name], places["value"]
    quality_at = places.get("quality")
    rows: list[list[str]] = []
    points, times, values = list[str](), list[str](), list[str | None]()
    qualities, torn = list[int | Reason](), list[int]()
    for cells in lines:
        if not cells:
            continue  # an empty line is no reading
        if len(rows) == bounds.READINGS:
            raise bounds.too_many(len(rows) + 1)
        if len(cells) != len(places):
            torn.append(len(rows))
        rows.append(cells)
        whole = cells if len(cells) == len(places) else [""] * len(places)
        points.append(whole[point_at].strip())
        times.append(whole[time_at].strip())
        values.append(whole[value_at] or None)
        if quality_at is not None:
            qualities.append(quality_text(whole[quality_at]))
    moments = texts(times) if name == "time" else column(list(map(counted_text, times)))
    moments[torn] = NO_ROW
    said = np.zeros(len(rows), np.int64) if quality_at is None else column(qualities)
    return Table(points, moments, Cells.of(values), said, rows.__getitem__)
