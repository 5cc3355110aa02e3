"""Tells pages of deliveries of the past that are over: with the next second, to each its scope."""

from collections.abc import Callable, Collection, Iterable

from central.api import backfill_shape
from central.api.subscriber import Message, Subscriber, message
from central.backfills.records import Backfill
from central.registry import Registry
from protocols.clock import Clock


class BackfillStream:
    """Of one collector."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock
        self._over: dict[int, Backfill] = {}

    def put(self, over: Iterable[Backfill]) -> None:
        """Let these be told."""
        self._over |= {each.number: each for each in over}

    def send(
        self,
        readers: Collection[Subscriber],
        send: Callable[[Message, Iterable[Subscriber]], None],
    ) -> None:
        """Tell every page what is within its scope, and forget it."""
        over, self._over = self._over, {}
        for each in over.values():
            gateway = self._registry.gateway(each.gateway)
            sites = gateway.sites if gateway else ()
            for reader in list(readers):
                if any(map(reader.sees, sites)):
                    send(self._told(each, reader), [reader])

    def _told(self, each: Backfill, reader: Subscriber) -> Message:
        now = self._clock.now()
        return message("backfill", backfill_shape.backfill(each, self._registry, reader.sees, now))
