"""Each format read by a library that is not ours, back to the cells that went in."""

import csv
import io
from datetime import UTC, datetime

import openpyxl
import pyarrow.parquet as pq
from openpyxl.utils.escape import unescape

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(text):
    return round((datetime.fromisoformat(text) - EPOCH).total_seconds() * 1e6)


def _guarded(text):
    return text[1:] if text.startswith("'") else text


def csv_value(text, kind):
    if kind == "none":
        assert text == ""
        return None
    if kind == "boolean":
        return {"true": True, "false": False}[text]
    if kind == "integer":
        return int(text)
    return float(text) if kind == "number" else _guarded(text)


def from_csv(content):
    """Return rows as dicts; content is a file with a BOM and English names."""
    assert content.startswith(b"\xef\xbb\xbf")
    rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    return [
        {
            "time": micros(row["time"]),
            "point": _guarded(row["point"]),
            "label": _guarded(row["label"]),
            "value": csv_value(row["value"], row["kind"]),
            "unit": _guarded(row["unit"]),
            "quality": int(row["quality"]),
            "late": row["late"] == "true",
            "estimated": row["estimated"] == "true",
            "received": micros(row["received"]),
        }
        for row in rows
    ]


def sheets(content):
    """Return the rows of every sheet but the first, without their headings."""
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
    for sheet in book.worksheets[1:]:
        rows = sheet.iter_rows()
        next(rows)
        yield from rows
    book.close()


def xlsx_value(cell, kind):
    value = cell.value
    if kind == "none":
        assert value is None
    elif kind == "boolean":
        assert isinstance(value, bool)
    elif kind == "integer":
        return int(value)
    elif kind == "number":
        return float(value)
    elif kind == "text":
        assert cell.data_type in ("s", "inlineStr", "str", "n")
        return "" if value is None else unescape(value)
    return value


def from_xlsx(content):
    found = []
    for row in sheets(content):
        time, point, label, value, kind, unit, quality, _, late, estimated, received, exact = row
        assert time.is_date
        assert received.is_date
        found.append(
            {
                "time": micros(exact.value),
                "point": point.value,
                "label": label.value,
                "value": xlsx_value(value, kind.value),
                "unit": unit.value or "",
                "quality": quality.value,
                "late": late.value == "yes",
                "estimated": estimated.value == "yes",
            }
        )
    return found


def parquet_value(row):
    if row["kind"] == "number":
        return row["value_number"]
    if row["kind"] == "boolean":
        return row["value_boolean"]
    if row["kind"] == "text":
        return row["value_text"]
    if row["kind"] == "none":
        assert row["value_number"] is row["value_boolean"] is row["value_text"] is None
        return None
    text = row["value_text"]
    return int(row["value_number"]) if text is None else int(text)


def from_parquet(content):
    table = pq.read_table(io.BytesIO(content))
    times, received = (table[name].cast("int64").to_pylist() for name in ("time", "received"))
    names = ("point", "label", "unit", "quality", "late", "estimated")
    return [
        {name: row[name] for name in names}
        | {"time": time, "received": arrived, "value": parquet_value(row)}
        for row, time, arrived in zip(table.to_pylist(), times, received, strict=True)
    ]
