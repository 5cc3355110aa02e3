"""From a chunk to the sheet of its family, where it is one."""

import numpy as np

from central.store.codec.assembling import FULL
from central.store.codec.axis import Slotted, read_axis
from central.store.codec.cells import MEMBERS
from central.store.codec.chunk_frame import unframed
from central.store.codec.decimals import PLACES
from central.store.codec.plane_reader import ChunkDamaged, Reader
from central.store.codec.sheet import Sheets
from central.store.columns import Integers
from central.store.values import FLOAT

MOST_CELLS = 1 << 16


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
    qualities, flags = reader.runs(count * slots), reader.runs(count * slots)
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


def _whole(reader: Reader, widths: bytes, firsts: Integers, slots: int) -> Integers:
    count = len(widths)
    if len(set(widths)) == 1:
        whole = reader.steps(widths[0], count * slots).reshape(count, slots)
    else:
        whole = np.zeros((count, slots), np.int64)
        for width in sorted(set(widths) - {0}):
            own = np.frombuffer(widths, np.uint8) == width
            some = int(np.count_nonzero(own))
            whole[own] = reader.steps(width, some * slots).reshape(some, slots)
    whole[:, 0] = firsts
    found: Integers = whole.cumsum(axis=1, out=whole)
    return found


def _in_order(axis: Slotted) -> bool:
    """Whether no slot is there twice, and all are in order."""
    times, streams = axis.times, axis.streams
    later = times[1:] > times[:-1]
    if later.all():
        return True
    later |= (times[1:] == times[:-1]) & (streams[1:] > streams[:-1])
    return bool(later.all())
