"""Runs of equal cells, always the longest possible, so that a list has one form."""

from collections.abc import Sequence
from itertools import compress
from operator import ne, sub

from protocols.wire.reader import Reader
from protocols.wire.varint import put_uvar


def split_runs(cells: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return the cell and the length of each run of `cells` (at least one cell)."""
    n = len(cells)
    if cells.count(cells[0]) == n:
        return [cells[0]], [n]
    starts = [0, *compress(range(1, n), map(ne, cells[1:], cells))]
    return [cells[start] for start in starts], run_lengths(starts, n)


def run_lengths(starts: Sequence[int], n: int) -> list[int]:
    """Return how long the runs are that begin at `starts` (the first is 0) in `n` cells."""
    return list(map(sub, [*starts[1:], n], starts))


def put_runs(out: bytearray, cells: Sequence[int]) -> None:
    """Append `(u8 cell, uvar count)` for each run."""
    for cell, count in zip(*split_runs(cells), strict=True):
        out.append(cell)
        put_uvar(out, count)


def read_runs(reader: Reader, n: int) -> list[tuple[int, int]]:
    """Return `(cell, count)` whose counts add up to `n`. Raises WireError."""
    runs: list[tuple[int, int]] = []
    last = -1
    while n:
        cell = reader.u8()
        if cell == last:
            raise reader.form("run")
        count = reader.uvar(1, n)
        runs.append((cell, count))
        last = cell
        n -= count
    return runs
