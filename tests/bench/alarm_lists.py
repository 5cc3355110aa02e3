"""`make bench ONLY=alarm-lists`: lists of alarms with 100,000 of them open and as many over.

`first`: the most urgent hundred, with the count of all; `deep`: the page behind the 50,000th;
`site`, `yellow`, `text`, `unverified`: with a filter; `history`, `all`: the newest. `kpis`: the
figures of the month they were raised in, `kpis.site` those of two sites. `grouped`: the open list
by site; `flood`: whether it floods, `flood.own`: at two sites, whose journal of a day is read the
first time. `best_ms` and `worst_ms` of ROUNDS, as the collector is asked; `json_ms`: the best of
making the API's answer of it.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from sqlite_utils import Database as Tables

from central.alarms.figures.kpis import Period
from central.alarms.journal.episode import EpisodeFilter, EpisodePage
from central.alarms.journal.records import EpisodeRow, Line
from central.alarms.journal.writing import insert_episodes, write_lines
from central.api import alarm_shape
from central.collector import Collector
from central.config import CentralConfig
from protocols.alarms.rule import Colour, Level
from protocols.alarms.word import Word
from protocols.clock import HOUR, SECOND, SystemClock
from protocols.words import Purpose

OPEN = 100_000
SITES, POINTS = 200, 20_000
ROUNDS = 5
NOW = 1_781_272_800 * SECOND
MONTH = 30 * 24 * HOUR
LEVELS = tuple(
    Level(name=f"L{colour}", colour=colour, op=">=", limit=80.0, confirmed_by="bench")
    for colour in Colour
)


def measure() -> Iterator[dict[str, Any]]:
    """Yield a figure for each question."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        yield from asyncio.run(_measured(Path(folder)))


async def _measured(folder: Path) -> list[dict[str, Any]]:
    file = folder / "central.db"
    config = CentralConfig(file=folder / "central.yaml", database=file)
    async with await Collector.open(config, SystemClock()) as collector:
        began = time.perf_counter()
        await collector.db.write(_fill)
        filled = time.perf_counter() - began
        found = [figure async for figure in _lists(collector)]
        period, own = Period(start=NOW - MONTH, end=NOW), frozenset({"site8", "site9"})
        crowd = collector.crowd
        found.append(await _figure("kpis", lambda: collector.alarms.kpis(period, None)))
        found.append(await _figure("kpis.site", lambda: collector.alarms.kpis(period, own)))
        found.append(await _figure("grouped", lambda: crowd.by_site(None, None)))
        found.append(await _figure("flood", lambda: crowd.flood(NOW)))
        found.append(await _figure("flood.own", lambda: crowd.flood(NOW, own)))
    return [*found, {"name": "alarm-lists.filled", "seconds": round(filled, 1), "open": OPEN}]


async def _lists(collector: Collector) -> AsyncIterator[dict[str, Any]]:
    deep = await _cursor(collector, OPEN // 2)
    for name, asked in (
        ("first", EpisodeFilter()),
        ("deep", EpisodeFilter(limit=100, cursor=deep)),
        ("site", EpisodeFilter(sites=frozenset({"site8"}))),
        ("yellow", EpisodeFilter(levels=frozenset({"yellow"}))),
        ("text", EpisodeFilter(q="-04217")),
        ("unverified", EpisodeFilter(verification="none")),
        ("history", EpisodeFilter(state="history")),
        ("all", EpisodeFilter(state="all", since=NOW - MONTH // 2)),
    ):
        pages: list[EpisodePage] = []

        async def ask(wanted: EpisodeFilter = asked, pages: list[EpisodePage] = pages) -> None:
            pages.append(await collector.alarms.episodes(wanted))

        figure = await _figure(name, ask)
        began = time.perf_counter()
        for item in pages[-1].items:
            alarm_shape.episode(item, None, NOW).model_dump_json()
        figure["json_ms"] = round((time.perf_counter() - began) * 1e3, 1)
        yield {**figure, "items": len(pages[-1].items), "total": pages[-1].total}


async def _cursor(collector: Collector, behind: int) -> str | None:
    """Turn pages until that many alarms were seen."""
    cursor, seen = None, 0
    while seen < behind:
        page = await collector.alarms.episodes(EpisodeFilter(limit=500, cursor=cursor))
        cursor, seen = page.next, seen + len(page.items)
    return cursor


async def _figure(name: str, ask: Callable[[], Awaitable[Any]]) -> dict[str, Any]:
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await ask()
        taken.append((time.perf_counter() - began) * 1e3)
    return {
        "name": f"alarm-lists.{name}",
        "best_ms": round(min(taken), 1),
        "worst_ms": round(max(taken), 1),
    }


def _fill(tables: Tables) -> None:
    conn = tables.conn
    conn.execute("INSERT INTO gateway(name, label, created) VALUES ('gw', '{}', 0)")
    conn.executemany(
        "INSERT INTO point(number, id, gateway) VALUES (?, ?, 'gw')",
        [(n + 1, f"site{n % SITES}/gw/tank/p{n}") for n in range(POINTS)],
    )
    rows = [_row(n) for n in range(2 * OPEN)]
    insert_episodes(conn, rows)
    told = ((row, word, when) for row in rows for word, when in _words(row) if when is not None)
    write_lines(conn, [_line(*each) for each in told])


def _row(nth: int) -> EpisodeRow:
    """Every other one is over; of those that stand some were seen."""
    raised = NOW - MONTH + nth * (MONTH // (2 * OPEN))
    over = raised + 60 * SECOND if nth % 2 else None
    point = nth % POINTS
    return EpisodeRow(
        number=nth + 1,
        id=f"A-20260612-{nth:06d}",
        rule=f"site{point % SITES}/gw/tank/p{point}:high",
        point=point + 1,
        site=f"site{point % SITES}",
        state="NORMAL" if over else ("UNACK", "ACKED", "RTN_UNACK")[nth % 3],
        level=LEVELS[nth // 2 % 4],
        raised=raised,
        returned=over,
        closed=over,
        acknowledged=None,
        value_at_raise=81.0,
        occurrence=1,
        late=False,
        purpose=Purpose.PRODUCTION,
    )


def _words(row: EpisodeRow) -> tuple[tuple[Word, int | None], ...]:
    return (Word.RAISE, row.raised), (Word.RTN, row.returned)


def _line(row: EpisodeRow, word: Word, when: int) -> Line:
    level = row.level.name if word is Word.RAISE else None
    return Line(episode=row.number, rule=row.rule, time=when, recorded=when, word=word, level=level)
