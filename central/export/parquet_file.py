"""Blocks as Parquet: typed columns, a hundred thousand rows a group, compressed with zstd.

A value is in one of three columns by its kind: `value_number` (numbers, and integers up to 2^53),
`value_boolean`, `value_text` (texts, and the digits of larger integers); `kind` says which it was.
"""

from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from central.export.frames import Job
from central.export.layout import OF_SUBJECT, TIERS, Block, Column, Sort, kinds, meaning
from central.store.values import BOOLEAN, FLOAT, INTEGER, Values

GROUP: Final = 100_000
PIECE: Final = 1 << 18
_WORDS: Final = pa.dictionary(pa.int32(), pa.string())


class ParquetFile:
    """Written to the job's folder, handed to `out` when it is whole."""

    def __init__(self, job: Job, out: BinaryIO) -> None:
        self._job = job
        self._out = out
        self._file = Path(job.folder) / "readings.parquet"
        told = {heading.encode(): text.encode() for heading, text in job.about}
        self._schema = pa.schema(_fields(job), metadata=told)
        self._writer = pq.ParquetWriter(self._file, self._schema, compression="zstd")
        self._waiting: list[Block] = []
        self._rows = 0

    def write(self, block: Block) -> None:
        """Add the rows of a block."""
        self._waiting.append(block)
        self._rows += block.rows
        if self._rows >= GROUP:
            self._flush()

    def close(self) -> None:
        """Finish the file and hand it on."""
        self._flush()
        self._writer.close()
        with self._file.open("rb") as file:
            while piece := file.read(PIECE):
                self._out.write(piece)
        self._out.flush()

    def _flush(self) -> None:
        if not self._rows:
            return
        arrays = [each for column in self._job.columns for each in self._arrays(column)]
        table = pa.Table.from_arrays(arrays, schema=self._schema)
        self._writer.write_table(table, row_group_size=2 * GROUP)
        self._waiting, self._rows = [], 0

    def _arrays(self, column: Column) -> list[Any]:
        if column.sort in OF_SUBJECT:
            texts = [getattr(self._job.subjects[b.point], column.name) for b in self._waiting]
            places = np.repeat(np.arange(len(texts)), [b.rows for b in self._waiting])
            return [_dictionary(places, texts)]
        parts: list[Any] = [block.cells[column.name] for block in self._waiting]
        if column.sort is Sort.VALUE:
            return _values(Values.joined(parts))
        cells = np.concatenate(parts)
        if column.sort is Sort.TIME:
            return [pa.array(cells).cast(pa.timestamp("us", tz=self._job.zone))]
        if column.sort is Sort.QUALITY:
            codes, places = np.unique(cells, return_inverse=True)
            texts = [meaning(code, self._job.language) for code in codes.tolist()]
            return [pa.array(cells), _dictionary(places, texts)]
        if column.sort is Sort.TIER:
            return [_dictionary(cells, list(TIERS))]
        if column.sort is Sort.FLAG:
            return [pa.array(cells.astype(bool))]
        missing = np.isnan(cells) if column.sort is Sort.NUMBER else None
        return [pa.array(cells, mask=missing)]


def _values(values: Values) -> list[Any]:
    numbers = (values.kinds == INTEGER) | (values.kinds == FLOAT)
    truths = values.kinds == BOOLEAN
    texts: list[str | None] = [None] * len(values)
    for place, value in values.others.items():
        texts[place] = str(value)
    return [
        pa.array(values.numbers, mask=~numbers),
        pa.array(values.numbers == 1, mask=~truths),
        pa.array(texts, pa.string()),
        pa.array(kinds(values), pa.string()).cast(_WORDS),
    ]


def _dictionary(places: Any, texts: list[str]) -> Any:
    words, known = np.unique(np.array(texts, object).astype(str), return_inverse=True)
    return pa.DictionaryArray.from_arrays(
        pa.array(known[places].astype(np.int32)), pa.array(words.tolist(), pa.string())
    )


def _fields(job: Job) -> list[Any]:
    found: list[tuple[str, Any]] = []
    for column in job.columns:
        name = column.name
        if column.sort is Sort.VALUE:
            found += [(f"{name}_number", pa.float64()), (f"{name}_boolean", pa.bool_())]
            found += [(f"{name}_text", pa.string()), ("kind", _WORDS)]
        elif column.sort is Sort.QUALITY:
            found += [(name, pa.int64()), (f"{name}_text", _WORDS)]
        else:
            found.append((name, _type(column.sort, job.zone)))
    return [pa.field(name, kind) for name, kind in found]


def _type(sort: Sort, zone: str) -> Any:
    if sort is Sort.TIME:
        return pa.timestamp("us", tz=zone)
    kinds_of = {Sort.NUMBER: pa.float64(), Sort.COUNT: pa.int64(), Sort.FLAG: pa.bool_()}
    return kinds_of.get(sort, _WORDS)
