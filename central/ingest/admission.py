"""Who may send now: alarms always, live next, backfill with what is left; and how much at once.

Asked before a body is received, so that what is refused is never held. An alarm is never told to
come again because others are many: it waits here, one gateway's few requests beside the others'.
What is live steps aside while many alarms come in, for a while; backfill is refused before anything
was done for it, and the more are refused, the later they are asked to come again.
The bytes of all other requests under way are bounded, and shared among the gateways that are
active: a gateway's share is the credit of its answers, and one that sends more than it was granted
is told so (429). Kept on the event loop.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable
from typing import Final

from central.ingest.figures import Figures
from central.ingest.under_way import Approach, Place, Sender
from central.repeats import Repeats
from protocols.clock import real_monotonic
from protocols.errors import IngestError
from protocols.words import Lane

logger = logging.getLogger(__name__)

BUDGET: Final = 64 << 20
"""Bytes of live and backfill requests under way, of all gateways."""
BACKFILL_BUDGET: Final = BUDGET // 2
ALARM_BUDGET: Final = 32 << 20
"""Bytes of alarm requests being received; the next waits, it is not refused."""
LEAST_CREDIT: Final = 64 << 10
MOST_CREDIT: Final = 8 << 20
ACTIVE: Final = 10.0
"""Real seconds since its last request in which a gateway counts as one of those that share."""
RECOUNT: Final = 1.0
ADMITTED: Final = {Lane.LIVE: 1_024, Lane.BACKFILL: 32}
"""Requests under way; the next is told to come again."""
CROWDED: Final = 64
"""Alarm and live requests under way from which on no backfill is let in."""
ALARMS_FIRST: Final = 24
"""Alarm requests that have arrived from which on what is live waits at the door ..."""
ASIDE: Final = 3.0
"""... so many real seconds, less than a gateway's patience; then it is told to come again."""
OWN_ALARMS: Final = 4
"""Alarm requests under way of one gateway, which has one connection for them."""
AGAIN: Final = {Lane.ALARM: (200, 500), Lane.LIVE: (500, 2_000), Lane.BACKFILL: (2_000, 8_000)}
"""Milliseconds after which to come again, spread so that not all of them do at once."""
SPAN: Final = 5.0
"""Real seconds over which refusals are counted."""
BEARABLE: Final = 200
"""Refusals in that time; with more of them each is asked to stay away as many times longer."""
LONGER: Final = 8


class Admission:
    """Counts what is under way; `figures.waiting` says it by lane."""

    def __init__(self, figures: Figures, now: Callable[[], float] = real_monotonic) -> None:
        self._figures = figures
        self._now = now
        self._senders: dict[str, Sender] = {}
        self._pruned = now()
        self._sharers = (now(), 0)
        """When those who share were last counted, and how many they are since."""
        self._bytes: Counter[Lane] = Counter(dict.fromkeys(Lane, 0))
        self._alarms = asyncio.Condition()
        self._queued = 0
        self._busy = Repeats(logger)
        self._calm = asyncio.Event()
        self._calm.set()
        self._arrived = self._aside = 0
        self._refused = [now(), 0, 0]
        """Since when, how many since then, how many in the time before."""
        self.lacks_room: Callable[[Lane], IngestError | None] = lambda lane: None
        """Returns why the disk has no room for a lane."""

    def enter(self, gateway: str, lane_name: str, size: int | None) -> Place:
        """Let a request of so many bytes in (None: not said) until the context ends.

        Raises IngestError BUSY (503) or CREDIT (429); on the alarm lane it waits instead.
        """
        return Place(self, gateway, lane_of(lane_name), size)

    async def take(self, place: Place) -> None:
        """Count a request in, or refuse it."""
        lane, size = place.lane, place.size
        if lane is not Lane.ALARM:
            self.take_at_once(place)
            return
        sender = self._sender(place.gateway)
        await self._queue(sender, size)
        place.sender = sender
        self._figures.waiting[_KEYS[lane]] += 1
        self._bytes[lane] += size

    def take_at_once(self, place: Place) -> None:
        """Do the same for what never waits: any lane but the alarms'."""
        lane, size, sender = place.lane, place.size, self._sender(place.gateway)
        if sender.bytes:
            self._hold_to_grant(place.gateway, sender, lane, size)
        if self._full(lane, size):
            raise self._refuse(lane)
        sender.requests[lane] += 1
        sender.bytes += size
        place.sender = sender
        self._figures.waiting[_KEYS[lane]] += 1
        self._bytes[lane] += size

    async def leave(self, place: Place) -> None:
        """Count a request out."""
        self.leave_at_once(place)
        if place.lane is Lane.ALARM and place.sender is not None:
            async with self._alarms:
                self._alarms.notify_all()

    def leave_at_once(self, place: Place) -> None:
        """Do the same where nobody waits for the room: any lane but the alarms'."""
        sender, lane, size = place.sender, place.lane, place.size
        if sender is None:
            return
        self._figures.waiting[_KEYS[lane]] -= 1
        self._bytes[lane] -= size
        sender.requests[lane] -= 1
        if lane is not Lane.ALARM:
            sender.bytes -= size

    def credit(self, gateway: str) -> int:
        """Return how many bytes the gateway may send before its next answer, and hold it to that.

        What is answered now may cross what it was told just before: either is kept to.
        """
        sender = self._sender(gateway)
        share = BUDGET // max(1, self._sharing())
        sender.granted_before = sender.granted
        sender.granted = max(LEAST_CREDIT, min(share, MOST_CREDIT))
        return sender.granted

    def allowed(self, gateway: str) -> int:
        """Return how many bytes the gateway may have under way."""
        sender = self._sender(gateway)
        return max(sender.granted, sender.granted_before)

    def too_many(self, lane_name: str) -> IngestError | None:
        """Return the refusal of a request that has no chance now; whose it is does not matter."""
        lane = lane_of(lane_name)
        if lane is Lane.ALARM:
            return None
        return self.lacks_room(lane) or (self._refuse(lane) if self._full(lane, 0) else None)

    def pressed(self) -> bool:
        """Return whether alarms wait for the room that bodies under way take up."""
        return self._queued > 0

    def _hold_to_grant(self, gateway: str, sender: Sender, lane: Lane, size: int) -> None:
        allowed = max(sender.granted, sender.granted_before)
        if sender.bytes + size > allowed:
            self._busy.say(gateway, f"{gateway} sends more than its credit of {allowed} bytes: 429")
            again = self._again(lane)
            raise IngestError("CREDIT", 429, size=sender.bytes + size, limit=allowed, **again)

    def _full(self, lane: Lane, size: int) -> bool:
        waiting = self._figures.waiting
        under_way = self._bytes[Lane.LIVE] + self._bytes[Lane.BACKFILL] + size
        full = waiting[_KEYS[lane]] >= ADMITTED[lane] or under_way > BUDGET
        if lane is Lane.BACKFILL:
            full |= waiting["alarm"] + waiting["live"] > CROWDED or under_way > BACKFILL_BUDGET
        return full

    def _refuse(self, lane: Lane) -> IngestError:
        key = lane.name.lower()
        self._busy.say(key, f"no more requests of lane {key} fit: 503 BUSY")
        return IngestError("BUSY", 503, lane=key, **self._again(lane))

    def _again(self, lane: Lane) -> dict[str, int]:
        began, count, before = self._refused
        if self._now() - began > SPAN:
            began, count, before = self._now(), 0, count
        self._refused = [began, count + 1, before]
        longer = max(1.0, min(max(count, before) / BEARABLE, LONGER))
        least, most = AGAIN[lane]
        spread = random.uniform(least, most) * longer  # noqa: S311  # spreads, hides nothing
        return {"retry_after_ms": round(spread)}

    def approach(self, lane_name: str) -> Approach:
        """Be asked first, before any work; gives the refusal of what has no chance now.

        Whose request it is does not matter here. What is live lets many alarms go first.
        """
        return Approach(self, lane_of(lane_name))

    async def arrive(self, lane: Lane) -> IngestError | None:
        """Begin an approach."""
        if lane is not Lane.ALARM:
            refusal = self.lacks_room(lane)
            if refusal is None and self._full(lane, 0):
                refusal = self._refuse(lane)
            if refusal is None and self._arrived >= ALARMS_FIRST:
                return await self._step_aside(lane)
            return refusal
        self._arrived += 1
        self._feel()
        return None

    def depart(self, lane: Lane) -> None:
        """End an approach."""
        if lane is Lane.ALARM:
            self._arrived -= 1
            self._feel()

    async def _step_aside(self, lane: Lane) -> IngestError | None:
        """Return the refusal of what has waited long enough, None when it may go on."""
        if self._aside < ADMITTED[Lane.LIVE] and lane is Lane.LIVE:
            self._aside += 1
            try:
                async with asyncio.timeout(ASIDE):
                    await self._calm.wait()
                    return None
            except TimeoutError:
                pass
            finally:
                self._aside -= 1
        return self._refuse(lane)

    def _feel(self) -> None:
        """Note whether so many alarms have arrived that others step aside."""
        if self._arrived < ALARMS_FIRST:
            self._calm.set()
        else:
            self._calm.clear()

    async def _queue(self, sender: Sender, size: int) -> None:
        if sender.requests[Lane.ALARM] >= OWN_ALARMS:
            raise IngestError("CREDIT", 429, size=size, limit=OWN_ALARMS, **self._again(Lane.ALARM))
        sender.requests[Lane.ALARM] += 1  # one that waits is one of the few too
        try:
            async with self._alarms:
                self._queued += 1
                try:
                    await self._alarms.wait_for(
                        lambda: self._bytes[Lane.ALARM] + size <= ALARM_BUDGET
                    )
                finally:
                    self._queued -= 1
        except BaseException:
            sender.requests[Lane.ALARM] -= 1
            raise

    def _sender(self, gateway: str) -> Sender:
        now = self._now()
        sender = self._senders.get(gateway)
        if sender is None:
            sender = self._senders[gateway] = Sender(now)
            self._joined()
        elif now - sender.last > ACTIVE and sender.idle:
            self._joined()
        sender.last = now
        if now - self._pruned > ACTIVE:
            self._pruned = now
            gone = [
                name
                for name, each in self._senders.items()
                if each.idle and now - each.last > 6 * ACTIVE
            ]
            for name in gone:
                del self._senders[name]
        return sender

    def _joined(self) -> None:
        counted, number = self._sharers
        self._sharers = (counted, number + 1)

    def _sharing(self) -> int:
        """Return how many are active; a newcomer counts at once, one that left within `RECOUNT`."""
        counted, number = self._sharers
        now = self._now()
        if now - counted >= RECOUNT:
            since = now - ACTIVE
            number = sum(each.last >= since or not each.idle for each in self._senders.values())
            self._sharers = (now, number)
        return number


_LANES: Final = {name: Lane[name.upper()] for name in ("alarm", "live", "backfill")}
_KEYS: Final = {lane: name for name, lane in _LANES.items()}


def lane_of(name: str) -> Lane:
    """Return the lane a request says; one that says none is not in a hurry."""
    return _LANES.get(name, Lane.BACKFILL)
