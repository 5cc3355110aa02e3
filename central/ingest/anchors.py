"""Where a boot's monotonic time lies in UTC: what each request shows, and what is learned of it.

The first contact of a boot places everything of it. A clock that nobody disciplines drifts, though,
by seconds a day, and a first request may have been long on its way; so every request is a
measurement, and where what is held has become wrong a further anchor is added. None is ever
changed: what was placed by the older ones stays where it is.

A request shows `arrived - mono`, which is too late by its time on the way, never too early: so a
lower figure is believed at once, a higher one when nothing lower came for a while. The wall clock
of a gateway that is synchronised is exact, and is taken while it agrees with ours.
"""

from typing import Final, NamedTuple

from sqlite_utils import Database as Tables

from central.ingest.placement import ALWAYS, Anchor, Placement, drift
from protocols.clock import MINUTE, SECOND, Clock, ClockState
from protocols.wire.bounds import TIME
from protocols.wire.headers import ClockReport

AGREES: Final = 2 * SECOND
"""A synchronised gateway further from our clock than this is not believed unless ours is none."""
SOONER: Final = 100_000
"""Microseconds: what is held is this much too late."""
LATER: Final = 500_000
"""Microseconds: no request for a while shows that what is held is still early enough."""
WHILE: Final = 10 * MINUTE
REMEMBERED: Final = 10_000
"""Boots remembered by the writer; beyond it the tables are asked again."""
ON_ITS_WAY: Final = 5 * MINUTE
"""No request is longer on its way; what is too late by more was another clock."""


class Heard(NamedTuple):
    """What the requests of a gateway show: of which boot, the last at `mono`.

    `low` is the lowest offset since `since`.
    """

    boot: str
    mono: int
    since: int
    low: int


class Boot(NamedTuple):
    """What the tables hold of a boot: when it spoke last, when we met it, where it lies in time."""

    seen: int
    learned: int
    placement: Placement


class Anchors:
    """What is remembered here only spares waiting: the tables hold all that places readings."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heard: dict[str, Heard] = {}
        self._boots: dict[tuple[str, str], Boot] = {}
        self._seen: dict[str, tuple[str, int]] = {}
        """By gateway: the boot that spoke last, and when: the tables hear of it later."""

    def forget(self) -> None:
        """Drop what was remembered of tables whose transaction was undone."""
        self._boots.clear()

    def placement(self, tables: Tables, gateway: str, boot: str) -> Placement | None:
        """Return where a boot lies in time; None while nobody knows."""
        known = self._boot(tables, (gateway, boot))
        return None if known is None else known.placement

    def saw(self, gateway: str, boot: str, now: int) -> None:
        """Note that a boot spoke, which the tables are told now and then (`heard`)."""
        self._seen[gateway] = boot, now
        known = self._boots.get((gateway, boot))
        if known is not None:
            self._boots[gateway, boot] = Boot(now, known.learned, known.placement)

    def _boot(self, tables: Tables, boot: tuple[str, str]) -> "Boot | None":
        known = self._boots.get(boot)
        if known is None:
            known = _read_boot(tables, boot)
            spoke, seen = self._seen.get(boot[0], ("", 0))
            if known is not None:
                if spoke == boot[1] and seen > known.seen:
                    known = known._replace(seen=seen)
                if len(self._boots) >= REMEMBERED:
                    self._boots.clear()
                self._boots[boot] = known
        return known

    def measured(self, report: ClockReport, arrived: int) -> int:
        """Return UTC minus monotonic as one request shows it, µs."""
        by_wall, by_arrival = report.wall - report.mono, arrived - report.mono
        if report.state == ClockState.UNSYNCHRONISED:
            found = by_arrival
        elif report.state == ClockState.STORY or abs(report.wall - arrived) <= AGREES:
            found = by_wall
        else:
            ours = self._clock.state != ClockState.UNSYNCHRONISED
            found = by_arrival if ours else by_wall
        return max(-TIME, min(found, TIME))

    def note(self, gateway: str, report: ClockReport, arrived: int) -> int | None:
        """Take a measurement. Return the lowest of a while that is over, or None."""
        return self._take(gateway, report, self.measured(report, arrived))

    def _take(self, gateway: str, report: ClockReport, offset: int) -> int | None:
        last = self._heard.get(gateway)
        if last is None or last.boot != report.boot or abs(report.mono - last.mono) > WHILE:
            self._heard[gateway] = Heard(report.boot, report.mono, report.mono, offset)
            return None
        mono, low = max(last.mono, report.mono), min(last.low, offset)
        if mono - last.since < WHILE:
            self._heard[gateway] = Heard(report.boot, mono, last.since, low)
            return None
        self._heard[gateway] = Heard(report.boot, mono, mono, offset)
        return low

    def learn(  # who, what it says, when it came and what it is now
        self, tables: Tables, gateway: str, report: ClockReport, arrived: int, now: int
    ) -> bool:
        """Learn from a request of batches; return whether it is the first of its boot."""
        last = self._heard.get(gateway)
        back = last is not None and last.boot == report.boot and last.mono - report.mono > WHILE
        offset = self.measured(report, arrived)
        settled = self._take(gateway, report, offset)
        known = self._boot(tables, (gateway, report.boot))
        if known is None:
            tables.conn.execute(
                "INSERT INTO boot(gateway, boot, clock_offset, clock_state, learned) "
                "VALUES (?, ?, ?, ?, ?)",
                (gateway, report.boot, self._heard[gateway].low, int(report.state), now),
            )
            return True
        held = known.placement.anchors[-1]
        if back or held.mono - report.mono > WHILE:
            self._boots.pop((gateway, report.boot), None)
            held = _void(tables, (gateway, report.boot), report.mono, now)
            if abs(offset - held.offset) > LATER:
                since = max(held.mono, report.mono - WHILE)
                _add(tables, gateway, report, Anchor(since, report.mono, offset), now)
            return False
        met = known.learned - held.offset if held.mono == ALWAYS else held.mono
        since = min(max(held.mono, known.seen - held.offset - SECOND), report.mono)
        if settled is None and report.mono - since > WHILE:  # long away: nothing else to go by
            settled = self._heard[gateway].low
        found = corrected(held, met, offset, settled, (since, report.mono))
        if found is not None:
            self._boots.pop((gateway, report.boot), None)
            _add(tables, gateway, report, found, now)
        return False


def _read_boot(tables: Tables, boot: tuple[str, str]) -> Boot | None:
    row = tables.conn.execute(
        "SELECT seen, learned FROM boot WHERE gateway = ? AND boot = ?", boot
    ).fetchone()
    if row is None:
        return None
    seen, learned = row
    placement = Placement(tuple(read_anchors(tables, *boot)))
    return Boot(learned if seen is None else seen, learned, placement)


def _add(tables: Tables, gateway: str, report: ClockReport, anchor: Anchor, now: int) -> None:
    tables.conn.execute(
        "INSERT INTO boot_anchor(gateway, boot, since, mono, clock_offset, clock_state, "
        "learned) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (gateway, report.boot, *anchor, int(report.state), now),
    )


def _void(tables: Tables, boot: tuple[str, str], mono: int, now: int) -> Anchor:
    """Let nothing count from now on that was learned beyond `mono`; return the newest that does.

    Monotonic time does not go back: where a boot shows less than it did, a machine was put back to
    an older image, or what it showed before was never so. Either way it is now where it says.
    """
    tables.conn.execute(
        "UPDATE boot_anchor SET voided = ? "
        "WHERE gateway = ? AND boot = ? AND mono > ? AND voided IS NULL",
        (now, *boot, mono),
    )
    return read_anchors(tables, *boot)[-1]


def corrected(  # the newest anchor and when it was learned; what shows now and what lately; when
    held: Anchor, met: int, offset: int, settled: int | None, at: tuple[int, int]
) -> Anchor | None:
    """Return the anchor that has to be added, or None (pure).

    `at`: the monotonic time since when it may have been otherwise, and that of the request.
    """
    late = held.offset - offset
    if late > SOONER:
        if drift(at[1] - met) < late <= ON_ITS_WAY:  # it was late when it came, not only now
            return held._replace(offset=offset)
        return Anchor(*at, offset)
    if settled is not None and settled - held.offset > LATER:
        return Anchor(*at, settled)
    return None


def read_anchors(tables: Tables, gateway: str, boot: str) -> list[Anchor]:
    """Return what is known of a boot in order of time; nothing of one that we never met."""
    first = tables.conn.execute(
        "SELECT clock_offset FROM boot WHERE gateway = ? AND boot = ?", (gateway, boot)
    ).fetchone()
    if first is None:
        return []
    found = {(ALWAYS, ALWAYS): int(first[0])}
    for since, mono, offset in tables.conn.execute(
        "SELECT since, mono, clock_offset FROM boot_anchor "
        "WHERE gateway = ? AND boot = ? AND voided IS NULL ORDER BY id",
        (gateway, boot),
    ):
        found[since, mono] = offset
    return sorted((Anchor(*at, offset) for at, offset in found.items()), key=lambda a: a.mono)


def placement_of(tables: Tables, gateway: str, boot: str) -> Placement | None:
    """Return where a boot lies in time; None while nobody knows."""
    anchors = read_anchors(tables, gateway, boot)
    return Placement(tuple(anchors)) if anchors else None
