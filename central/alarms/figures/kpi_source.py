"""What the figures are made of, read from the journal: whole episodes of production data."""

import json
import sqlite3
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from central.alarms.figures.kpis import CALLED, READ, Line
from protocols.errors import FengsuiError

_LISTED: Final = "(SELECT value FROM json_each(?))"
_ANNOUNCED: Final = (
    "SELECT DISTINCT j.episode FROM alarm_journal j "
    "WHERE (j.event = 'RAISE' OR j.event = 'RERAISE' OR j.event = 'REALARM') "
    "AND j.time >= ? AND j.time < ?"
)
_STOOD: Final = (
    "SELECT number FROM episode WHERE returned - raised > 86400000000 AND returned > ? "
    "AND raised < ? UNION SELECT number FROM episode INDEXED BY episode_open "
    "WHERE closed IS NULL AND returned IS NULL AND raised < ? - 86400000000"
)
_MINE: Final = "e.purpose = 'production' AND e.number NOT IN (SELECT episode FROM fault)"
"""What is silent is no alarm."""


MOST: Final = 1_500_000
"""Lines held at once: a bad year of half a million alarms, some 300 MiB while they are counted."""


class TooManyAlarms(FengsuiError):
    """More than `lines` lines of the journal; ask for a shorter period, or for some sites."""

    code = "KPI_ALARMS"


class Journal(NamedTuple):
    """Lines in the journal's order by episode; verdicts of what was announced ("" unverified)."""

    lines: list[Line]
    verdicts: Mapping[str, int]


def read(
    conn: sqlite3.Connection,
    start: int,
    end: int,
    sites: Collection[str] | None,
    colours: Mapping[tuple[str, str], int],
) -> Journal:
    """Return what was announced or stood in [start, end) at `sites` (None: everywhere).

    `colours` are those of levels by rule and name, where known: an episode may be of another now.
    Raises TooManyAlarms.
    """
    there, given = _MINE, list[object]()
    if sites is not None:
        there, given = f"{_MINE} AND e.site IN {_LISTED}", [json.dumps(sorted(sites))]
    words = json.dumps([word.value for word in READ])
    rows = conn.execute(
        "SELECT e.number, e.rule, e.point, j.time, j.recorded, j.event, j.level, e.colour, "  # noqa: S608
        "e.late, coalesce(v.result, '') "
        "FROM episode e JOIN alarm_journal j ON j.episode = e.number "
        f"LEFT JOIN verdict v ON v.episode = e.number WHERE e.number IN ({_ANNOUNCED} UNION "
        f"{_STOOD}) AND {there} AND j.event IN {_LISTED} ORDER BY e.number, j.id "
        "LIMIT ?",
        (start, end, start, end, end, *given, words, MOST + 1),
    )
    lines, results = list[Line](), dict[int, str]()
    once = dict[str, str]()  # SQLite makes each text anew: a rule is held once, not for each line
    for number, rule, point, time, recorded, event, level, colour, late, result in rows:
        colour = colours.get((rule, level), colour)  # of then, where known
        rule, event = once.setdefault(rule, rule), once.setdefault(event, event)
        lines.append(Line(number, rule, point, time, recorded, event, colour, bool(late)))
        if event in CALLED and start <= time < end:
            results[number] = result
    if len(lines) > MOST:
        raise TooManyAlarms(lines=MOST)
    return Journal(lines, Counter(results.values()))
