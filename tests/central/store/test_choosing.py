"""What is merged when: few pages for little writing."""

import random
import sqlite3
from contextlib import closing

import pytest

from central.store.choosing import Piece, Stage, chosen, is_small, pages_of
from central.store.packing import parts_of
from protocols.clock import HOUR, MINUTE

SLOT = 10_000_000
MEMBERS = 25


def piece(id_, n, begin=0, size=None):
    """A chunk of a poll group of 25, an hour being 9,000 readings."""
    t0 = begin * SLOT // MEMBERS
    return Piece(id_, n, t0, t0 + n * SLOT // MEMBERS, bytes_of(n) if size is None else size)


def bytes_of(n):
    """About what chunks of the bench's plant take."""
    return 383 + n * 19 // 40


def pieces(*sizes):
    return [piece(id_, n, sum(sizes[:id_])) for id_, n in enumerate(sizes)]


def test_while_more_comes_six_or_a_whole_one_are_merged():
    growing = Stage.GROWING
    assert chosen(pieces(2_312, 2_312), growing) == []
    assert chosen(pieces(2_312, 2_312, 2_312), growing) == [0, 1, 2]
    assert chosen(pieces(*[100] * 5), growing) == []
    assert chosen(pieces(*[100] * 6), growing) == [0, 1, 2, 3, 4, 5]
    assert chosen(pieces(*[100] * 6, 5_000), growing) == [0, 1, 2, 3, 4, 5]
    assert chosen(pieces(6_100, 2_312), growing) == []


def test_at_rest_only_what_spares_pages_is_merged():
    resting = Stage.RESTING
    assert chosen(pieces(3_600, 3_100), resting) == [1, 0]  # a page each, and one together
    assert chosen(pieces(2_312, 2_312), resting) == []  # half a page each
    assert chosen(pieces(9_000), resting) == []
    assert chosen(pieces(6_050, 2_950), resting) == [1, 0]  # large ones too, where that spares
    assert chosen(pieces(6_100, 6_200), resting) == []  # no more than is read at once
    assert chosen([], resting) == []


def test_a_whole_chunk_and_one_that_reaches_over_its_hour_become_one():
    early = Piece(1, 2_525, 0, 3_580_000_000, 1_908)
    late = Piece(2, 6_525, 990_000_000, 3_590_000_000, 3_884)
    assert chosen([early, late], Stage.RESTING) == [1, 2]
    assert not is_small(early)


def test_what_rests_is_not_merged_again():
    for seed in range(200):
        dice = random.Random(seed)
        day = Day()
        for _ in range(dice.randint(1, 6)):
            day.come(dice.randint(100, 7_000))
        day.merge(Stage.RESTING)
        before = day.pieces
        assert day.merge(Stage.RESTING) in ([], [1]) or len(day.pieces) < len(before)


def test_what_is_over_is_merged_where_that_takes_no_more_pages():
    assert chosen(pieces(2_312, 2_312), Stage.CLOSING) == [0, 1]
    assert chosen(pieces(2_780, 1_840), Stage.CLOSING) == []  # half a page, a third; a page as one
    assert chosen(pieces(50, 90), Stage.CLOSING) == [0, 1]
    assert chosen(pieces(2_312, 6_100), Stage.CLOSING) == []


def test_what_an_hour_is_cut_from_is_not_small():
    assert is_small(Piece(1, 1_999, 0, 5 * HOUR, 0))
    assert is_small(Piece(1, 5_999, 0, 49 * MINUTE, 0))
    assert not is_small(Piece(1, 5_999, 0, 50 * MINUTE, 0))
    assert not is_small(Piece(1, 6_000, 0, 0, 0))


@pytest.mark.parametrize("size", [300, 900, 1_300, 1_900, 2_100, 3_500, 4_300, 5_000, 6_900, 9_500])
def test_pages_are_those_sqlite_takes(size):
    count = 240
    with closing(sqlite3.connect(":memory:")) as conn:
        conn.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, body BLOB)")
        body = b"x" * (size + 62)  # as the other columns of a chunk take
        conn.executemany("INSERT INTO t(body) VALUES (?)", [(body,)] * count)
        (pages,) = conn.execute("SELECT sum(pgsize) FROM dbstat WHERE name = 't'").fetchone()
    assert pages / count == pytest.approx(pages_of(size), rel=0.03)


class Day:
    """A family's day: what came, what was written."""

    def __init__(self):
        self.pieces = []
        self.came = self.written = self._next = 0

    def come(self, n):
        begin = self.came
        self.came += n
        self._write([piece(0, n, begin)])
        self.merge(Stage.GROWING)

    def merge(self, stage):
        """Merge once; return what became of it."""
        ids = chosen(self.pieces, stage)
        if not ids:
            return []
        own = [each for each in self.pieces if each.id in ids]
        n, t0, t1 = sum(p.n for p in own), min(p.t0 for p in own), max(p.t1 for p in own)
        parts = parts_of(n, t1 - t0)
        self.pieces = [each for each in self.pieces if each.id not in ids]
        self._write([piece(0, n // parts, t0 * MEMBERS // SLOT) for _ in range(parts)])
        return [parts]

    def _write(self, some):
        for each in some:
            self.pieces.append(each._replace(id=self._next))
            self._next += 1
            self.written += each.n

    @property
    def bytes(self):
        return sum(pages_of(each.size) for each in self.pieces)


def test_an_hour_in_any_pieces_comes_to_rest_in_few_pages_for_little_writing():
    worst, most = 0.0, 0.0
    for seed in range(500):
        dice, day = random.Random(seed), Day()
        while day.came < 9_000:
            left = 9_000 - day.came
            day.come(min(left, dice.randint(2_300, 6_900)))
        day.merge(Stage.RESTING)
        worst = max(worst, day.bytes / day.came)
        most = max(most, day.written / day.came)
    assert worst < 0.70
    assert most < 3.0


def test_pauses_after_every_seal_do_not_make_a_store_write_again_and_again():
    for seed in range(20):
        dice, day = random.Random(seed), Day()
        for _ in range(150):
            day.come(dice.randint(575, 3_000))
            day.merge(Stage.RESTING)
        assert day.written / day.came < 4.0
