"""What should not happen, told by its first sign: something was set back, or is there twice.

Nothing is refused or discarded for it; somebody has to look. Each sign is of a kind that ordinary
restarts, late backfill and requests that overtake each other do not give. Runs in the writer
thread inside the transaction of the request that shows it.
"""

from typing import Final

from sqlite_utils import Database as Tables

from central import events
from central.effects import CollectorEvent
from central.enrolment import clones
from central.ingest.streams import Stream
from protocols.wire.opening import decode_opening
from protocols.words import Value

COLLECTOR: Final = "collector"
STRAGGLES: Final = 30_000_000
"""Microseconds a request of an earlier boot may be on its way: no connection lives longer."""
AGAIN: Final = 3_600_000_000
"""Two machines that go on taking turns are told once an hour."""

_SEEN: Final = "UPDATE boot SET seen = ? WHERE gateway = ? AND boot = ?"


class Suspicion:
    """`since`: when this process began to serve (µs UTC)."""

    def __init__(self, since: int) -> None:
        self._since = since
        self._speaking: dict[str, str] = {}
        """By gateway: the boot that speaks."""

    def forget(self) -> None:
        """Drop what was remembered of tables whose transaction was undone."""
        self._speaking.clear()

    def spoke(
        self, tables: Tables, gateway: str, boot: str, now: int, *, new: bool
    ) -> list[CollectorEvent] | None:
        """Note which boot speaks, as `spoke`; None: it is not the gateway's, but a straggler."""
        if self._speaking.get(gateway) == boot:
            return []
        found = spoke(tables, gateway, boot, now, new=new)
        if found is None:
            self._speaking.pop(gateway, None)
        else:
            self._speaking[gateway] = boot
        return found

    def gap(self, tables: Tables, stream: Stream, first: int, now: int) -> list[CollectorEvent]:
        """A gateway goes on beyond what is here: it had been told that the rest is here.

        It sends from the number after the last that was confirmed to it, so no lost or late
        request looks like this. After a restore it is expected, and was told then.
        """
        if _restored(tables, stream):
            return []
        return self.behind(tables, stream.gateway, (first - 1, stream.cursor), now)

    def behind(
        self, tables: Tables, gateway: str, numbers: tuple[Value, Value], now: int
    ) -> list[CollectorEvent]:
        """The database is an earlier copy of itself: once per process, however many notice.

        `numbers`: what was told to the gateway, and what is held. Kept in the tables, so that a
        machine put back with its memory tells it too.
        """
        known = tables.conn.execute(
            "SELECT 1 FROM event WHERE code = 'COLLECTOR_BEHIND' AND subject = ? AND recorded >= ?",
            (COLLECTOR, self._since),
        ).fetchone()
        if known:
            return []
        told, held = numbers
        params: dict[str, Value] = {"gateway": gateway, "told": told, "held": held}
        times = (now, now)
        return [
            events.record(tables, times, events.SECURITY, "COLLECTOR_BEHIND", COLLECTOR, params)
        ]


def spoke(
    tables: Tables, gateway: str, boot: str, now: int, *, new: bool
) -> list[CollectorEvent] | None:
    """Note which boot of a gateway speaks: old, new, old is two machines (`new`: never seen yet).

    A request of the old boot that was still on its way when the new one spoke is none: None.
    """
    conn = tables.conn
    last = conn.execute("SELECT boot FROM gateway WHERE name = ?", (gateway,)).fetchone()[0]
    if last == boot:
        conn.execute(_SEEN, (now, gateway, boot))
        return []
    if last is not None and not new:
        learned = conn.execute(
            "SELECT learned FROM boot WHERE gateway = ? AND boot = ?", (gateway, last)
        ).fetchone()
        if learned is not None and now - learned[0] < STRAGGLES:
            return None
    conn.execute("UPDATE gateway SET boot = ? WHERE name = ?", (boot, gateway))
    conn.execute(_SEEN, (now, gateway, boot))
    if last is None or new:
        return []
    held = clones.hold(tables, gateway, (boot, last), now)
    told = conn.execute(
        "SELECT 1 FROM event WHERE code = 'GATEWAY_TWICE' AND subject = ? AND recorded > ?",
        (gateway, now - AGAIN),
    ).fetchone()
    if told:
        return held
    params: dict[str, Value] = {"boot": boot, "other": last}
    kind, what = events.SECURITY, "GATEWAY_TWICE"
    return [*held, events.record(tables, (now, now), kind, what, gateway, params)]


def _restored(tables: Tables, stream: Stream) -> bool:
    """Whether a restore explains that a gateway knows more: nothing has come since."""
    if stream.restored is not None:
        return stream.restored == stream.cursor
    if stream.cursor:
        return False
    row = tables.conn.execute("SELECT value FROM collector WHERE key = 'restored'").fetchone()
    return row is not None and decode_opening(stream.opening).opened <= int(row[0])
