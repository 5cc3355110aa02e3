"""The collector of the model: the commit rule, backup, restore."""

from functools import lru_cache

from tests.model.state import Answer, Collector, Request, Rows, Rules


class DivergesError(Exception):
    """Other data under numbers that are taken: no number may ever have two contents."""


def find(collector: Collector, stream: int) -> Rows:
    return next((rows for rows in collector.streams if rows.id == stream), Rows(stream))


def put(collector: Collector, rows: Rows) -> Collector:
    others = tuple(each for each in collector.streams if each.id != rows.id)
    return collector._replace(streams=tuple(sorted((*others, rows))))


# A state is made of few parts that come back in thousands of others: each is worked out once.
@lru_cache(maxsize=1 << 16)
def commit(
    collector: Collector, request: Request, rules: Rules, *, crash: bool = False
) -> tuple[Collector, Answer | None]:
    """Apply the commit rule; `crash`: the process dies between rows and cursor, if they are apart.

    Raises DivergesError.
    """
    rows = find(collector, request.stream)
    if request.first > rows.cursor + 1 and rules.gap_check:
        return collector, answer(collector, rows, rules, gap=True)
    stored = dict(rows.stored)
    fresh: list[tuple[int, int]] = []
    for number, entry in enumerate(request.entries, request.first):
        known = stored.get(number) if number <= rows.cursor else None
        if known is None and number > rows.cursor:
            fresh.append((number, entry))
        elif known is not None and known < 0 < entry:
            stored[number] = entry  # an original after its skip: recovered
        elif known is not None and 0 < known != entry and entry > 0:
            raise DivergesError
    kept = tuple((number, stored[number]) if number <= rows.cursor else (number, entry)
                 for number, entry in rows.stored)  # fmt: skip
    end = max(rows.cursor, request.first + len(request.entries) - 1)
    if crash and not rules.atomic:
        return put(collector, rows._replace(stored=(*kept, *fresh))), None
    after = rows._replace(stored=(*kept, *fresh), cursor=end)
    collector = put(collector, after)
    return collector, answer(collector, after, rules)


def answer(collector: Collector, rows: Rows, rules: Rules, *, gap: bool = False) -> Answer:
    safe = rows.safe if rules.backup_target else rows.cursor
    return Answer(rows.id, rows.cursor, safe, collector.incarnation, gap)


def backed_up(collector: Collector) -> Collector:
    """Return the database after a verified backup: everything in it is safe."""
    return collector._replace(
        streams=tuple(rows._replace(safe=rows.cursor) for rows in collector.streams)
    )


def restored(backup: Collector, now: Collector) -> Collector:
    """Return the backup in place, as another database."""
    return backed_up(backup)._replace(incarnation=now.incarnation + 1)
