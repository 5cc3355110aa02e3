"""From a chunk to the sheet of its family, where it is one.

Columns are of the narrowest types that surely hold them: what is read to be written again is copied
more often than reckoned with.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from central.store.codec.assembling import FULL
from central.store.codec.axis import Slotted, read_axis
from central.store.codec.cells import MEMBERS
from central.store.codec.chunk_frame import unframed
from central.store.codec.decimals import PLACES
from central.store.codec.plane_reader import ChunkDamaged, Reader
from central.store.codec.sheet import NEAR, Sheets
from central.store.columns import Integers
from central.store.values import FLOAT

MOST_CELLS: Final = 1 << 16
_SHORT: Final = 1 << 15
"""Differences of one or two bytes are no greater."""


def read_sheet(body: bytes) -> Sheets | None:
    """Return the readings of a chunk; None: they are none of a sheet. Raises ChunkDamaged."""
    reader = Reader(unframed(body))
    mask, slots = reader.uvar((1 << MEMBERS) - 1), reader.uvar(MOST_CELLS)
    members = [member for member in range(MEMBERS) if mask >> member & 1]
    count = len(members)
    if not count or not slots or count * slots > MOST_CELLS:
        raise ChunkDamaged("cells")
    if reader.u8() != FULL:
        return None
    axis = read_axis(reader, slots)
    if reader.u8():
        return None
    qualities = _runs(reader, count * slots, np.uint32)
    flags = _runs(reader, count * slots, np.uint8)
    if reader.one_run() != FLOAT:
        return None
    scales, widths = reader.take(count), reader.take(count)
    if max(scales) > PLACES or not _in_order(axis):
        return None
    whole = _whole(reader, widths, reader.above(count), slots)
    reader.ended()
    return Sheets(
        np.array([0, count]),
        np.array(members),
        Slotted(*(column[None] for column in axis)),
        qualities.reshape(count, slots),
        flags.reshape(count, slots),
        np.frombuffer(scales, np.uint8).astype(np.int64),
        whole,
    )


def _runs(reader: Reader, count: int, kind: type[np.uint32 | np.uint8]) -> NDArray[Any]:
    """Return the numbers of a column; as `kind` where that holds them."""
    values, sizes = reader.run_lengths(count)
    if int(values.min()) >= 0 and int(values.max()) <= np.iinfo(kind).max:
        return values.astype(kind).repeat(sizes)
    return values.repeat(sizes)


def _whole(reader: Reader, widths: bytes, firsts: Integers, slots: int) -> NDArray[Any]:
    count = len(widths)
    most = max(int(firsts.max()), -int(firsts.min())) + slots * _SHORT
    kind = np.int32 if max(widths) <= 2 and most < NEAR else np.int64
    if len(set(widths)) == 1:
        steps = reader.steps(widths[0], count * slots, kind=kind)
        whole = steps.astype(kind, copy=False).reshape(count, slots)
    else:
        whole = np.zeros((count, slots), kind)
        for width in sorted(set(widths) - {0}):
            own = np.frombuffer(widths, np.uint8) == width
            some = int(np.count_nonzero(own))
            whole[own] = reader.steps(width, some * slots).reshape(some, slots)
    whole[:, 0] = firsts
    return np.add.accumulate(whole, axis=1, out=whole)


def _in_order(axis: Slotted) -> bool:
    """Whether no slot is there twice, and all are in order."""
    times, streams = axis.times, axis.streams
    later = times[1:] > times[:-1]
    if later.all():
        return True
    later |= (times[1:] == times[:-1]) & (streams[1:] > streams[:-1])
    return bool(later.all())
