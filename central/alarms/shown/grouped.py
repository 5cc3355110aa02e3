"""The open list in a flood: red and orange by themselves, the others one row a site.

From one index, however many alarms are open: the same as sorting all of
them (held by a property). What is in a group is the ordinary list by site and colour.
"""

import json
import sqlite3
from typing import Final, NamedTuple

from central.alarms.journal.records import ALARMS, FREE
from central.alarms.shown.listing import Resolved
from protocols.alarms.rule import Colour

SINGLE: Final = Colour.ORANGE
"""From this colour on an alarm is never put into a group."""
_WITHIN: Final = f"{FREE} AND {ALARMS} AND colour < {int(SINGLE)}"
_COUNTS: Final = (
    "SELECT site, colour, unseen, purpose, count(*), min(raised), max(raised) "  # noqa: S608
    f"FROM episode INDEXED BY episode_figures WHERE {_WITHIN} "
)
_FIRST: Final = (
    "SELECT number, id FROM episode INDEXED BY episode_figures WHERE site = ? AND colour = ? "  # noqa: S608
    f"AND unseen = ? AND purpose = ? AND raised = ? AND {FREE} AND {ALARMS} LIMIT 1"
)
COLOURS: Final = tuple(Colour)


class SiteRow(NamedTuple):
    """The open alarms of a site that are one row (µs UTC); `first` is the id of the first of them.

    `counts` are of blue, yellow, orange and red.
    """

    site: str
    first: str
    counts: tuple[int, int, int, int]
    unseen: int
    raised: tuple[int, int]

    @property
    def total(self) -> int:
        """How many they are."""
        return sum(self.counts)

    @property
    def worst(self) -> Colour:
        """The most severe colour in it."""
        return max(colour for colour in Colour if self.counts[colour - 1])


class _Part(NamedTuple):
    """Alarms of a site that share colour and purpose, all of them seen or none."""

    colour: int
    unseen: int
    purpose: str
    alarms: int
    oldest: int
    newest: int


def grouped(conn: sqlite3.Connection, names: Resolved, purpose: str | None) -> list[SiteRow]:
    """Return the rows, the most severe first, of one colour the oldest first."""
    where, values = "", list[object]()
    if names.sites is not None:
        where += "AND site IN (SELECT value FROM json_each(?)) "
        values.append(json.dumps(sorted(names.sites)))
    if purpose is not None:
        where += "AND purpose = ? "
        values.append(purpose)
    sites: dict[str, list[_Part]] = {}
    for site, *part in conn.execute(
        f"{_COUNTS}{where}GROUP BY site, colour, unseen, purpose", values
    ):
        sites.setdefault(site, []).append(_Part(*part))
    found = [_row(conn, site, parts) for site, parts in sites.items()]
    found.sort(key=lambda row: (-row.worst, row.raised[0], row.site))
    return found


def _row(conn: sqlite3.Connection, site: str, parts: list[_Part]) -> SiteRow:
    oldest = min(part.oldest for part in parts)
    first = min(
        conn.execute(_FIRST, (site, part.colour, part.unseen, part.purpose, oldest)).fetchone()
        for part in parts
        if part.oldest == oldest
    )
    blue, yellow, orange, red = (
        sum(part.alarms for part in parts if part.colour == colour) for colour in COLOURS
    )
    return SiteRow(
        site=site,
        first=first[1],
        counts=(blue, yellow, orange, red),
        unseen=sum(part.alarms for part in parts if part.unseen),
        raised=(oldest, max(part.newest for part in parts)),
    )
