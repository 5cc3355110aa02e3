"""The gateway of the model: sampling, sending, what answers do, forgetting and giving up."""

from functools import lru_cache

from tests.model.state import GONE, Answer, Gateway, Request, Rules, Stream


def find(gateway: Gateway, stream: int) -> Stream | None:
    return next((each for each in gateway.streams if each.id == stream), None)


def put(gateway: Gateway, stream: Stream) -> Gateway:
    others = tuple(each for each in gateway.streams if each.id != stream.id)
    return gateway._replace(streams=tuple(sorted((*others, stream))))


def sampled(gateway: Gateway, reading: int, fresh_id: int) -> Gateway:
    """Take a reading into the live stream, or into a fresh one."""
    live = next((each for each in gateway.streams if each.live), Stream(fresh_id))
    return put(gateway, live._replace(entries=(*live.entries, reading)))


# As at the collector: what few parts come to is worked out once.
@lru_cache(maxsize=1 << 16)
def requests(gateway: Gateway) -> tuple[Request, ...]:
    """Return what may be sent: one entry, or all that wait, from `committed + 1` on."""
    found: list[Request] = []
    for stream in gateway.streams:
        waiting = held(stream, stream.committed + 1)
        sizes = sorted({1, len(waiting)}) if waiting else []
        first = stream.committed + 1
        found += [Request(stream.id, first, waiting[:size]) for size in sizes]
    return tuple(found)


def held(stream: Stream, first: int) -> tuple[int, ...]:
    """Return what can be sent from `first` on; what is gone without a skip ends it."""
    waiting = stream.entries[first - 1 :]
    gone = next((at for at, entry in enumerate(waiting) if entry > GONE), len(waiting))
    return waiting[:gone]


@lru_cache(maxsize=1 << 16)
def answered(gateway: Gateway, answer: Answer, rules: Rules) -> Gateway:
    """Apply an answer: forward, or back to what the collector still has."""
    if gateway.incarnation not in (0, answer.incarnation):
        gateway = gateway._replace(
            streams=tuple(rewound(each, each.safe) for each in gateway.streams)
        )
    gateway = gateway._replace(incarnation=answer.incarnation)
    stream = find(gateway, answer.stream)
    if stream is None:
        return gateway
    committed = min(answer.committed, stream.last)
    if committed < stream.committed:
        return put(gateway, rewound(stream, committed))
    safe = committed if not rules.hold_until_safe else min(answer.safe, committed)
    return put(gateway, stream._replace(committed=committed, safe=safe))


def rewound(stream: Stream, committed: int) -> Stream:
    """Go back; what is neither here nor there any more becomes a skip."""
    if committed >= stream.committed:
        return stream
    return stream._replace(
        entries=skipped(stream.entries, committed),
        committed=committed,
        persisted=min(stream.persisted, committed),
        safe=min(stream.safe, committed),
    )


def skipped(entries: tuple[int, ...], committed: int) -> tuple[int, ...]:
    """Return the entries with a skip for whatever above `committed` is not here any more."""
    return tuple(
        -(entry - GONE) if entry > GONE and number > committed else entry
        for number, entry in enumerate(entries, 1)
    )


@lru_cache(maxsize=1 << 16)
def persisted(gateway: Gateway) -> Gateway:
    """Make the cursors durable and forget what is safe."""
    return gateway._replace(streams=tuple(_persisted(stream) for stream in gateway.streams))


def _persisted(stream: Stream) -> Stream:
    entries = tuple(
        forgotten(entry) if number <= stream.safe else entry
        for number, entry in enumerate(stream.entries, 1)
    )
    return stream._replace(entries=entries, persisted=stream.committed)


def forgotten(entry: int) -> int:
    return entry if entry > GONE else abs(entry) + GONE


@lru_cache(maxsize=1 << 16)
def restarted(gateway: Gateway, rules: Rules) -> Gateway:
    """The process ends, however, and starts: cursors as persisted, streams closed for ever."""
    streams = tuple(
        stream._replace(
            entries=skipped(stream.entries, stream.persisted),
            committed=stream.persisted,
            safe=min(stream.safe, stream.persisted),
            live=stream.live and not rules.fresh_streams,
        )
        for stream in gateway.streams
    )
    return gateway._replace(streams=streams)


def rotated(gateway: Gateway) -> Gateway:
    return gateway._replace(streams=tuple(each._replace(live=False) for each in gateway.streams))


def given_up(gateway: Gateway, rules: Rules) -> tuple[Gateway, int] | None:
    """Give up the oldest entry: what is committed first, its cursor made durable, else a skip."""
    for stream in gateway.streams:
        for number, entry in enumerate(stream.entries[: stream.committed], 1):
            if stream.safe < number and 0 < entry < GONE:
                stream = stream._replace(persisted=stream.committed)
                return _replaced(gateway, stream, number, entry + GONE), entry
    for stream in gateway.streams:
        for number, entry in enumerate(stream.entries, 1):
            if number > stream.committed and 0 < entry < GONE:
                instead = -entry if rules.skip_on_drop else entry + GONE
                return _replaced(gateway, stream, number, instead), entry
    return None


def corrupted(gateway: Gateway) -> list[tuple[Gateway, int]]:
    """Return what may become of the buffer when one entry on the medium turns out damaged."""
    return [
        (_replaced(gateway, stream, number, gone), entry)
        for stream in gateway.streams
        for number, entry in enumerate(stream.entries, 1)
        if 0 < entry < GONE
        for gone in (-entry if number > stream.committed else entry + GONE,)
    ]


def connected(gateway: Gateway, cursors: dict[int, int]) -> Gateway:
    """A new connection: go back wherever the collector (`cursors`) has less than it once said."""
    streams = tuple(rewound(each, cursors.get(each.id, 0)) for each in gateway.streams)
    return gateway._replace(streams=streams)


def _replaced(gateway: Gateway, stream: Stream, number: int, entry: int) -> Gateway:
    entries = (*stream.entries[: number - 1], entry, *stream.entries[number:])
    return put(gateway, stream._replace(entries=entries))
