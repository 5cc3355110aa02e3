"""Which chunks of a family's day become one, and when that is worth it.

Sizes grow in tiers while more comes, so that nothing is written often: what is merged are at least
six chunks of which none is larger than twice all smaller ones together, or as many as make a whole
one. When nothing comes, what takes pages for nothing is put together, and only that.
"""

from collections.abc import Sequence
from enum import Enum, auto
from typing import Final, NamedTuple

from central.store.packing import CELLS, HOURLY, parts_of
from central.store.unseen import Extent
from protocols.clock import MINUTE

SMALL: Final = 6_000
"""Readings of a chunk that is large enough to be left alone while more comes."""
WHOLE: Final = 6_800
"""Readings of few chunks that are worth a merge: as a chunk they fill a page of the database."""
TIER: Final = 6
"""Chunks that are worth a merge while more may come."""
MOST_OF_AN_HOUR: Final = 50 * MINUTE
NEIGHBOURS: Final = 24
"""Chunks of one merge at rest, at most."""
WORTH: Final = 10
"""A merge of what rests has to spare one in so many of the bytes of pages it is about."""
_ROW: Final = 72
"""Bytes of a row beside summary and content."""
_TWICE: Final = 640
"""Bytes, about, that two chunks need more than one: what each says of itself and its members (two
thirds), and what longer columns are pressed into less."""
_LEAF: Final = 4_088
_LOCAL: Final = 4_061
_LEAST: Final = 489
_OVERFLOW: Final = 4_092
_PAGE: Final = 4_096
"""How SQLite lays rows out: what is not on its leaf is on pages that hold nothing else."""


class Stage(Enum):
    """How far a family's day has come."""

    GROWING = auto()
    """More comes."""
    RESTING = auto()
    """Nothing comes for a while."""
    CLOSING = auto()
    """It is over: what is small is put together where that takes no more pages."""


class Piece(NamedTuple):
    """A chunk; `size`: bytes of its summary and content, told where no more comes."""

    id: int
    n: int
    t0: int
    t1: int
    size: int


def is_small(chunk: Extent | Piece) -> bool:
    """Whether a chunk may become part of another: one of an hour would be cut like that again."""
    return chunk.n < HOURLY or (chunk.n < SMALL and chunk.t1 - chunk.t0 < MOST_OF_AN_HOUR)


def chosen(found: Sequence[Piece], stage: Stage) -> list[int]:
    """Return the ids of the chunks of a family's day that are worth a merge."""
    if stage is Stage.RESTING:
        return _resting(found)
    small = [piece for piece in found if is_small(piece)]
    if stage is Stage.CLOSING:
        return _ids(sorted(small, key=_by_size)) if len(small) > 1 and _spared(small) >= 0 else []
    return _growing(sorted(small, key=_by_size))


def _by_size(piece: Piece) -> tuple[int, int]:
    return piece.n, piece.id


def _ids(pieces: Sequence[Piece]) -> list[int]:
    return [piece.id for piece in pieces]


def _growing(small: Sequence[Piece]) -> list[int]:
    taken: list[Piece] = []
    total = 0
    for piece in small:
        if len(taken) >= TIER and piece.n > 2 * total:
            break
        taken.append(piece)
        total += piece.n
    enough = len(taken) >= TIER or (len(taken) > 1 and total >= WHOLE)
    return _ids(taken) if enough else []


def _resting(found: Sequence[Piece]) -> list[int]:
    """Return those neighbours in time that spare most as one, whole ones among them."""
    best: tuple[float, list[int]] = (0.0, [])
    ordered = sorted(found, key=lambda piece: (piece.t0, piece.id))
    for first, begun in enumerate(ordered):
        together = _Together(begun)
        for piece in ordered[first + 1 : first + NEIGHBOURS]:
            together.add(piece)
            if together.n > CELLS:
                break
            if not together.grows:
                continue  # it would be written again and again for a little more each time
            spared = together.spared()
            if spared > best[0] and spared * WORTH >= together.pages:
                best = spared, _ids(sorted(together.pieces, key=_by_size))
    return best[1]


class _Together:
    """Pieces that may become one: what they take, and what they would."""

    def __init__(self, piece: Piece) -> None:
        self.pieces = [piece]
        self.n, self.size, self.pages = piece.n, piece.size, pages_of(piece.size)
        self._first, self._last = piece.t0, piece.t1

    def add(self, piece: Piece) -> None:
        self.pieces.append(piece)
        self.n += piece.n
        self.size += piece.size
        self.pages += pages_of(piece.size)
        self._first, self._last = min(self._first, piece.t0), max(self._last, piece.t1)

    @property
    def grows(self) -> bool:
        """Whether the largest of them gains at least an eighth."""
        return 8 * self.n >= 9 * max(piece.n for piece in self.pieces)

    def spared(self) -> float:
        """Return about how many bytes of pages less the chunks take that become of them."""
        parts = parts_of(self.n, self._last - self._first)
        size = self.size - _TWICE * (len(self.pieces) - parts)
        return self.pages - parts * pages_of(max(size, 0) // parts)


def _spared(pieces: Sequence[Piece]) -> float:
    together = _Together(pieces[0])
    for piece in pieces[1:]:
        together.add(piece)
    return together.spared()


def pages_of(size: int) -> float:
    """Return how many bytes of pages a chunk takes, beside others of its size."""
    row = size + _ROW
    if row <= _LOCAL:
        return _PAGE / (_LEAF // row)
    left = (row - _LEAST) % _OVERFLOW
    local = _LEAST + left if _LEAST + left <= _LOCAL else _LEAST
    beyond = -(-(row - local) // _OVERFLOW)
    return _PAGE * (beyond + 1 / (_LEAF // local))
