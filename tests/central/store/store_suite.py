"""What every store promises, whatever it is made of. `write(rows)` commits rows of stream 1."""

import math

import pytest

from central.store.interface import FLAG_LATE, Row

NOW = 1_781_272_800_000_000
SECOND = 1_000_000
GOOD, UNCERTAIN, BAD = 0, 0x40000000, 0x80310000
VALUES = [None, True, False, 0, -1, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, 2**64 - 1, 0.1]
VALUES += [-0.0, 5.0, 1e-300, 1.7976931348623157e308, "", "阀门", "1"]


def row(seq, value, *, at=None, point=1, quality=GOOD, flags=0):
    return Row(point, NOW + (seq if at is None else at) * SECOND, seq, value, quality, flags)


class StoreSuite:
    """Subclasses bring the fixtures `store`, `asked`, `write` (rows -> new heads) and `point`."""

    @pytest.mark.parametrize(
        "value",
        VALUES,
        ids=repr,
    )
    async def test_a_value_comes_back_as_it_was(self, store, asked, write, point, value):
        await write([row(1, value)])
        page = await asked.readings(point, NOW, NOW + 10 * SECOND)
        assert [(type(v), repr(v)) for v in page.values] == [(type(value), repr(value))]
        assert [repr(head.value) for head in store.latest([point])] == [repr(value)]

    async def test_a_range_is_ordered_and_half_open(self, asked, write, point):
        await write([row(n, n, at=10 - n) for n in range(1, 10)])
        page = await asked.readings(point, NOW + 2 * SECOND, NOW + 5 * SECOND)
        assert page.values == [8, 7, 6]
        assert page.times == [NOW + n * SECOND for n in (2, 3, 4)]
        assert page.next is None
        assert await asked.count(point, NOW + 2 * SECOND, NOW + 5 * SECOND) == 3

    async def test_pages_lose_and_repeat_nothing(self, asked, write, point):
        await write([row(n, n, at=n // 3) for n in range(20)])
        values, cursor = [], None
        while True:
            page = await asked.readings(point, NOW, NOW + 99 * SECOND, 3, cursor)
            values += page.values
            cursor = page.next
            if cursor is None:
                break
        assert values == list(range(20))

    async def test_a_foreign_cursor_is_refused(self, asked, point):
        with pytest.raises(ValueError, match=r"."):
            await asked.readings(point, NOW, NOW + SECOND, 3, "yesterday")

    async def test_readings_of_one_moment_are_all_kept(self, asked, write, point):
        await write([row(1, 1.0, at=0), row(2, 1.0, at=0), row(3, 2.0, at=0)])
        assert await asked.count(point, NOW, NOW + 1) == 3

    async def test_the_head_is_the_newest_by_source_time(self, store, write, point):
        (head,) = await write([row(1, 1.0, at=5)])
        assert (head.value, head.late) == (1.0, False)
        assert await write([row(2, 9.0, at=3, flags=FLAG_LATE)]) == []
        assert store.latest([point])[0].value == 1.0
        (head,) = await write([row(3, 2.0, at=6, quality=BAD, flags=FLAG_LATE)])
        assert (head.value, head.quality, head.late) == (2.0, BAD, True)

    async def test_latest_of_a_site_of_points_of_everything(self, store, write, point):
        await write([row(1, 5.0), row(2, True, point=2)])
        assert {head.value for head in store.latest()} == {5.0, True}
        assert len(store.latest(site="site")) == 2
        assert store.latest(site="elsewhere") == []
        assert store.latest(["site/gw/tank/nothing", point])[0].value == 5.0

    async def test_buckets_summarise_good_numbers_only(self, asked, write, point):
        await write(
            [
                row(0, 1.0),
                row(1, 3.0),
                row(2, 99.0, quality=BAD),
                row(10, 5, quality=UNCERTAIN),
                row(20, 7.5),
            ]
        )
        found = await asked.buckets(point, NOW, NOW + 40 * SECOND, 4)
        assert found.times == [NOW, NOW + 10 * SECOND, NOW + 20 * SECOND]
        assert found.minimum == [1.0, None, 7.5]
        assert found.maximum == [3.0, None, 7.5]
        assert found.mean == [2.0, None, 7.5]
        assert found.last == [99.0, 5, 7.5]
        assert found.counts == [3, 1, 1]
        assert found.qualities == [BAD, UNCERTAIN, GOOD]

    async def test_buckets_never_exceed_what_was_asked(self, asked, write, point):
        await write([row(n, float(n)) for n in range(100)])
        for count in (1, 3, 7, 99, 100, 1000):
            found = await asked.buckets(point, NOW, NOW + 100 * SECOND, count)
            assert len(found.times) <= count
            assert sum(found.counts) == 100
            assert math.isclose(
                sum(m * n for m, n in zip(found.mean, found.counts, strict=True)), sum(range(100))
            )
        with pytest.raises(ValueError, match="before"):
            await asked.buckets(point, NOW, NOW, 3)

    async def test_an_unknown_point_is_empty(self, asked):
        assert (await asked.readings("a/b/c/d", 0, NOW)).values == []
        assert await asked.count("a/b/c/d", 0, NOW) == 0
        assert (await asked.buckets("a/b/c/d", 0, NOW, 5)).times == []
