"""Questions to a store, asked as the product asks them."""

from types import SimpleNamespace

import numpy as np

from central.calendar.holidays import Holidays
from central.store.queries.queries import Behind, Queries
from central.store.queries.trend import trend_of


class Asked:
    """What is said of points by id; `db` and `store` as `plant.open_store` returns them."""

    def __init__(self, db, store, clock, points):
        self._store = store
        self._numbers = {id_: number for number, id_ in points.items()}
        behind = Behind(db, self, clock, Holidays({}), store.ask, store.near)
        self._queries = Queries(behind)

    def point(self, id):  # noqa: A002  # the registry's word
        number = self._numbers.get(id)
        return None if number is None else SimpleNamespace(id=id, number=number, site="site")

    async def readings(self, point, start, end, limit=1000, cursor=None):
        """Return a page as lists."""
        return lists(await self._queries.readings(point, start, end, limit, cursor))

    async def buckets(self, point, start, end, count):
        """Return the spans that hold something, as lists."""
        found = await self._queries.buckets(point, start, end, count)
        alike(await self._queries.trend(point, start, end, count), trend_of(found))
        some = np.flatnonzero(found.count)
        known = found.good[some] > 0
        numbers = {
            name: [value if held else None for value, held in zip(column, known, strict=True)]
            for name, column in (
                ("minimum", found.least[some].tolist()),
                ("maximum", found.most[some].tolist()),
                ("mean", found.mean[some].tolist()),
            )
        }
        return SimpleNamespace(
            times=found.edges[some].tolist(),
            last=[found.last[place] for place in some.tolist()],
            counts=found.count[some].tolist(),
            qualities=found.worst[some].tolist(),
            **numbers,
        )

    async def count(self, point, start, end):
        """Return how many readings there are."""
        number = self._numbers.get(point, 10**6)
        asked = np.array([number], np.int64)
        return int(
            (await self._store.ask(lambda view: view.counts(asked, start, end, _no_hurry)))[0]
        )


def alike(shown, found):
    """Hold one trend against another; a mean may be rounded otherwise."""
    for name in ("starts", "least", "most", "counts", "worst", "late", "estimated"):
        np.testing.assert_array_equal(getattr(shown, name), getattr(found, name), name)
    none, greatest = np.isnan(found.mean), np.maximum(np.abs(found.least), np.abs(found.most))
    assert (np.isnan(shown.mean) == none).all()
    within = np.abs(shown.mean / 2 - found.mean / 2) <= greatest * 1e-9
    assert (within | none).all()
    assert (repr(shown.last), shown.tier) == (repr(found.last), found.tier)


def lists(page):
    """Return a page of `Queries.readings` as lists."""
    found = page.readings
    return SimpleNamespace(
        times=found.times.tolist(),
        values=found.values.tolist(),
        qualities=found.qualities.tolist(),
        next=page.next,
    )


async def stored_of(collector, point, start=0, end=2**60):
    """Return what a collector has stored of a point, as lists."""
    return lists(await collector.queries.readings(point, start, end, 50_000))


def _no_hurry():
    """Nothing ends it."""
