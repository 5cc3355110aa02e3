"""A batch whose rows are whole scans of decimals, taken apart and not decoded yet.

Only what has been accepted is looked at: that it is in canonical form is known.
"""

from typing import Final, NamedTuple

from central.store.as_sent import Opened, Sent, Stretches
from central.store.columns import Integers
from central.wire.decoding import sections
from central.wire.layout import read_layout
from central.wire.reading import ColumnReader, Unusual, long_uvar
from protocols.errors import WireError
from protocols.wire.batch import BatchKind, read_header
from protocols.wire.bounds import DECIMALS, TIME
from protocols.wire.classes import DECIMAL
from protocols.wire.header import Header

_DECIMALS_END: Final = DECIMAL + DECIMALS


class Shape(NamedTuple):
    """What batches have in common that become one table."""

    points: bytes
    stretches: Stretches
    numbers: int
    n: int
    scale: int
    source: bool


class Numbers(NamedTuple):
    """Integers as a least one and planes of what is above it."""

    low: int
    width: int
    planes: bytes


class Moments(NamedTuple):
    """The first time, and what each later one is beyond the one before it, in 10^power µs.

    `groups`: rows of each moment; one number: all have as many.
    """

    groups: tuple[int, ...]
    base: int
    power: int
    steps: Numbers


class Scanned(NamedTuple):
    """One batch. `offset`: from its times to UTC; None: nobody knew."""

    stream: int
    received: int
    """As stored, to the millisecond."""
    arrived: int
    seq: int
    offset: int | None
    moments: Moments
    firsts: Numbers
    steps: Numbers
    qualities: bytes


class Scan(NamedTuple):
    """A batch, its points by index, and as it stands in its row for whoever takes it as any."""

    shape: Shape
    batch: Scanned
    points: Integers
    opened: Opened


_NONE: Final = Numbers(0, 0, b"")


def scanned(sent: Sent, opened: Opened, stream: int, received: int) -> Scan | None:
    """Return a batch of a journal row; None: it is another."""
    try:
        return _scanned(sent, opened, (stream, received))
    except (Unusual, WireError, IndexError):
        return None


def _scanned(sent: Sent, opened: Opened, row: tuple[int, int]) -> Scan:
    raw, placement = sent
    header, at = read_header(raw)
    points, times, qualities, values, texts = sections(raw, at)
    section = raw[slice(*points)]
    layout = read_layout(section, header.n)
    cls, at = raw[values[0]], values[0] + 1
    usual = DECIMAL <= cls <= _DECIMALS_END and layout.scans and texts[0] == texts[1]
    if not (usual and header.kind == BatchKind.READINGS and raw.startswith(layout.count, at)):
        raise Unusual
    offset = None
    if placement is not None:
        offset = placement.simple
        if offset is None or abs(offset) > TIME:
            raise Unusual
    source, moments = _times(raw, times, header, layout.count)
    width = header.n // layout.scans
    firsts, at = _numbers(raw, at + len(layout.count), width)
    steps, at = _numbers(raw, at, header.n - width) if layout.scans > 1 else (_NONE, at)
    if at != values[1]:
        raise Unusual
    arrived, stretches, count = opened.received, opened.stretches, opened.numbers
    shape = Shape(section, stretches, count, header.n, cls - DECIMAL, source)
    found = Scanned(
        *row, arrived, header.seq0, offset, moments, firsts, steps, raw[slice(*qualities)]
    )
    return Scan(shape, found, layout.points[:width], Opened(arrived, count, stretches, [sent]))


def _times(raw: bytes, span: tuple[int, int], header: Header, count: bytes) -> tuple[bool, Moments]:
    """Return whether times are the source's, and what they are."""
    at, end = span
    mark = raw[at]
    if mark > 1 or not raw.startswith(count, at + 1):
        raise Unusual
    base, at = _uvar(raw, at + 1 + len(count))
    base = (header.wall0 if mark else header.mono0) + (base >> 1 ^ -(base & 1))
    start = at
    size, at = _uvar(raw, at)
    many, at = _uvar(raw, at)
    groups: tuple[int, ...] = (size,)
    if size * many != header.n:
        reader = ColumnReader(raw, "times", start, end)
        sizes, repeated = reader.repeated(header.n)
        groups = tuple(sizes.repeat(repeated).tolist())
        many, at = len(groups), reader.at
    if many == 1:
        if at != end:
            raise Unusual
        return bool(mark), Moments(groups, base, 0, _NONE)
    power = raw[at]
    steps, at = _numbers(raw, at + 1, many - 1)
    if at != end:
        raise Unusual
    return bool(mark), Moments(groups, base, power, steps)


def _numbers(raw: bytes, at: int, count: int) -> tuple[Numbers, int]:
    low, at = _uvar(raw, at)
    width = raw[at]
    at += 1
    end = at + width * count
    if width > 7 or end > len(raw):
        raise Unusual
    return Numbers(low >> 1 ^ -(low & 1), width, raw[at:end]), end


def _uvar(raw: bytes, at: int) -> tuple[int, int]:
    number = raw[at]
    return (number, at + 1) if number < 128 else long_uvar(raw, at + 1, number)
