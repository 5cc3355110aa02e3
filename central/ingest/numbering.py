"""Numbers of streams in a gateway's buffer: handed out once and durably, so none comes twice.

One that does shows that the buffer was set back to an old card, replaced or cloned. The streams
have ids of their own, so all their data are kept apart.
"""

from sqlite_utils import Database as Tables

from central import events
from central.effects import CollectorEvent
from protocols.wire.opening import Opening
from protocols.words import Value


def buffer_set_back(tables: Tables, opening: Opening, now: int) -> list[CollectorEvent]:
    """Look, before a new stream is entered, whether its number was given to another one.

    A buffer hands out each number once and durably. Told when the numbers begin to repeat, not for
    every stream of a buffer that goes on from there.
    """
    conn = tables.conn
    other = conn.execute(
        "SELECT id FROM stream WHERE gateway = ? AND ordinal = ? ORDER BY number DESC LIMIT 1",
        (opening.gateway, opening.number),
    ).fetchone()
    if other is None:
        return []
    last = conn.execute(
        "SELECT s.ordinal, (SELECT count(*) FROM stream t WHERE t.gateway = s.gateway "
        "AND t.ordinal = s.ordinal) FROM stream s WHERE s.gateway = ? "
        "ORDER BY s.number DESC LIMIT 1",
        (opening.gateway,),
    ).fetchone()
    if last[0] < opening.number and last[1] > 1:
        return []  # goes on from a repetition that was told
    params: dict[str, Value] = {"number": opening.number, "other": other[0]}
    return events.record_once(
        tables, now, events.SECURITY, "BUFFER_SET_BACK", opening.gateway, params
    )
