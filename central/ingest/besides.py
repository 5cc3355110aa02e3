"""What batches hold beside readings: events, losses, and what is put aside, in their tables."""

import json
from collections import Counter
from collections.abc import Sequence

from sqlite_utils import Database as Tables

from central import events
from central.alarms.gateways.joining import Heard
from central.ingest import placing
from central.ingest.committed import Committed
from central.ingest.placement import Placement
from central.ingest.request import Sealed
from central.ingest.streams import Stream
from central.store.columns import Integers
from protocols.errors import WireError
from protocols.wire import alarm_events
from protocols.wire.batch import EventsBatch, SkipBatch

UNREADABLE = "GATEWAY_ALARM_UNREADABLE"


def put_aside(tables: Tables, stream: Stream, aside: list[placing.Aside], done: Committed) -> None:
    """Put readings aside, and tell it by reason."""
    tables.conn.executemany(
        "INSERT INTO quarantine(received, stream, seq, n, reason, detail) "
        "VALUES (?, ?, ?, 1, ?, ?)",
        [(done.received, stream.number, item.seq, item.reason, _detail(item)) for item in aside],
    )
    done.quarantined += len(aside)
    for reason, count in Counter(item.reason for item in aside).items():
        done.events += events.record_once(
            tables, done.received, events.QUARANTINE, reason, stream.gateway, {"count": count}
        )


def tell_losses(tables: Tables, stream: Stream, lost: Counter[str], done: Committed) -> None:
    """Tell losses by reason, once for all skips that came together: thinning leaves hundreds."""
    for reason, count in sorted(lost.items()):
        done.events.append(
            events.record(
                tables,
                (done.received, done.received),
                events.LOSS,
                "DATA_LOST",
                stream.gateway,
                {"count": count, "reason": reason},
            )
        )


def put_aside_whole(
    tables: Tables, stream: Stream, batch: Sealed, reason: WireError, done: Committed
) -> None:
    """Put a batch aside that cannot be read."""
    header = batch.header
    tables.conn.execute(
        "INSERT INTO quarantine(received, stream, seq, n, reason, detail, body) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            done.received,
            stream.number,
            header.seq0,
            header.n,
            placing.UNDECODABLE,
            str(reason),
            batch.raw,
        ),
    )
    done.quarantined += header.n
    done.events += events.record_once(
        tables,
        done.received,
        events.QUARANTINE,
        placing.UNDECODABLE,
        stream.gateway,
        {"count": header.n, "seq": header.seq0, "reason": reason.code},
    )


def take_events(
    tables: Tables, stream: Stream, content: EventsBatch, to: tuple[Placement | None, Committed]
) -> list[Heard]:
    """Record a gateway's events; returns what it said of alarms, where somebody knows when."""
    at, done = to
    heard: list[Heard] = []
    for event in content.events:
        if event.code == alarm_events.CODE and at is not None:
            time = max(0, min(at.place(event.time), done.received))
            try:
                heard.append(Heard(stream.gateway, alarm_events.read_alarm(event), time))
            except WireError as exc:
                done.events += events.record_once(
                    tables,
                    done.received,
                    events.QUARANTINE,
                    UNREADABLE,
                    stream.gateway,
                    {"reason": exc.code},
                )
            continue
        time = done.received if at is None else at.place(event.time)
        time = max(0, min(time, done.received))
        done.events.append(
            events.record(
                tables,
                (time, done.received),
                events.FAULT,
                event.code,
                f"{stream.gateway}/{event.subject}" if event.subject else stream.gateway,
                dict(event.params),
            )
        )
    return heard


def tell_strangers(tables: Tables, strangers: Sequence[Heard], done: Committed) -> None:
    """Record what gateways said of alarms that none of their rules has here."""
    for gateway, said, time in strangers:
        params = dict(alarm_events.alarm_event(said).params)
        done.events += events.record_once(
            tables,
            done.received,
            events.FAULT,
            alarm_events.CODE,
            f"{gateway}/{'/'.join(said.subject)}",
            params | {"time": time},
        )


def enter_loss(  # whose, what, by which map, what it led to
    tables: Tables, stream: Stream, content: SkipBatch, numbers: Integers, done: Committed
) -> None:
    """Enter what a gateway gave up, line by line."""
    known = len(numbers)
    tables.conn.executemany(
        "INSERT INTO loss(received, stream, seq0, reason, point, time_from, time_to, count) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                done.received,
                stream.number,
                content.header.seq0,
                content.reason.name.lower(),
                int(numbers[line.point]) if line.point is not None and line.point < known else None,
                line.start,
                line.end,
                line.count,
            )
            for line in content.ledger
        ],
    )
    done.lost += content.header.n


def enter_recoveries(tables: Tables, stream: Stream, batches: Sequence[Sealed], now: int) -> None:
    """What the ledger had given up is here: a line of its own takes it back."""
    tables.conn.executemany(
        "INSERT INTO loss(received, stream, seq0, reason, count) VALUES (?, ?, ?, 'recovered', ?)",
        [(now, stream.number, batch.header.seq0, -batch.header.n) for batch in batches],
    )


def _detail(item: placing.Aside) -> str:
    return json.dumps(
        {"point": item.point, "time": item.time, "value": item.value, "quality": item.quality},
        ensure_ascii=False,
    )
