"""From the collector to the process that writes the file: one job, then blocks, then an end.

Both ends are ours; a pipe that ends without the end means that the collector has gone.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, BinaryIO, Final

import numpy as np

from central.export.layout import LAYOUTS, OF_SUBJECT, Block, Column, Sort, Subject
from central.store.values import Values

_END: Final = b"{}\n"


class CutShort(Exception):
    """The collector has gone, or has changed its mind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What kind of file to write, for whom; `about` are lines of (heading, text) that go with it.

    `folder`: where a file that cannot be streamed lies meanwhile, at most `most_bytes` of it.
    """

    format: str
    layout: str
    zone: str
    language: str
    subjects: tuple[Subject, ...]
    about: tuple[tuple[str, str], ...] = ()
    folder: str = ""
    most_bytes: int = 0
    bom: bool = True

    @property
    def columns(self) -> tuple[Column, ...]:
        """The file's columns."""
        return LAYOUTS[self.layout]


@dataclass(frozen=True, slots=True)
class _Head:
    point: int
    rows: int
    others: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def job_line(job: Job) -> bytes:
    """Return the job as the first line."""
    return json.dumps(asdict(job), ensure_ascii=False).encode() + b"\n"


def frame(job: Job, block: Block) -> bytes:
    """Return a block as bytes."""
    parts: list[bytes] = []
    others: dict[str, dict[int, Any]] = {}
    for column in _own(job):
        cells = block.cells[column.name]
        if isinstance(cells, Values):
            others[column.name] = dict(cells.others)
            parts += [cells.kinds.tobytes(), cells.numbers.tobytes()]
        else:
            parts.append(cells.tobytes())
    head = json.dumps({"point": block.point, "rows": block.rows, "others": others})
    return head.encode() + b"\n" + b"".join(parts)


def end() -> bytes:
    """Return what says that nothing is missing."""
    return _END


def read_job(source: BinaryIO) -> Job:
    """Read the first line. Raises CutShort."""
    line = source.readline()
    if not line.endswith(b"\n"):
        raise CutShort
    told = json.loads(line)
    told["subjects"] = tuple(Subject(**each) for each in told["subjects"])
    told["about"] = tuple((heading, text) for heading, text in told["about"])
    return Job(**told)


def blocks(source: BinaryIO, job: Job) -> Iterator[Block]:
    """Read blocks up to the end. Raises CutShort."""
    while (line := source.readline()) != _END:
        if not line.endswith(b"\n"):
            raise CutShort
        head = _Head(**json.loads(line))
        cells: dict[str, Any] = {}
        for column in _own(job):
            if column.sort is Sort.VALUE:
                others = head.others[column.name]
                cells[column.name] = Values(
                    np.frombuffer(_exactly(source, head.rows), np.uint8),
                    np.frombuffer(_exactly(source, 8 * head.rows), np.float64),
                    {int(place): value for place, value in others.items()},
                )
            else:
                kind = np.float64 if column.sort is Sort.NUMBER else np.int64
                cells[column.name] = np.frombuffer(_exactly(source, 8 * head.rows), kind)
        yield Block(head.point, head.rows, cells)


def _own(job: Job) -> list[Column]:
    """Return the columns whose cells differ from row to row."""
    return [column for column in job.columns if column.sort not in OF_SUBJECT]


def _exactly(source: BinaryIO, size: int) -> bytes:
    found = source.read(size)
    if len(found) != size:
        raise CutShort
    return found
