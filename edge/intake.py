"""Takes samples in: alarms, deadband, lane, buffer; loss becomes readings and one event, never
silence.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from edge.buffer import Buffer
from edge.deadband import NOTHING_DUE, Deadband, Due
from edge.pauses import Pause, Pauses
from edge.roster import OFFLINE, ONLINE, UNKNOWN, Roster
from protocols.clock import SECOND, Clock
from protocols.device import Bus, Device
from protocols.errors import BufferFault, FengsuiError
from protocols.quality import Quality, is_bad
from protocols.words import Event, Reading, Sample, StreamKind, Value

PRESENT: Final = 3.0
"""Real seconds that the past waits at most for a present of every point: two scans of most."""


class Intake:
    """Where every driver's samples go; one for the gateway, on the event loop."""

    def __init__(self, buses: Sequence[Bus], buffer: Buffer, roster: Roster, clock: Clock) -> None:
        points = sorted(
            (point for bus in buses for device in bus.devices for point in device.points),
            key=lambda point: point.index,
        )
        self.roster = roster
        self._buffer = buffer
        self._clock = clock
        self._deadband = Deadband([point.sheet for point in points])
        self._alarm = [point.sheet.lane == "alarm" for point in points]
        self._count = len(points)
        self._watched = [
            alarm or bool(point.limits) for alarm, point in zip(self._alarm, points, strict=True)
        ]
        self.judge: Callable[[Iterable[Reading]], Due] = lambda _: NOTHING_DUE
        """Judges what was read before anything of it is left out; returns the points whose readings
        must be sent because of it."""
        self.pauses = Pauses(clock, self._note_pause)
        self._lossy = False
        self._sent: dict[int, Reading] = {}
        """The last reading of each point that was worth sending."""
        self._awaited: set[int] = set()
        self._present = asyncio.Event()
        self._heard: dict[StreamKind, asyncio.Future[None]] = {}

    def take(self, sample: Sample) -> list[asyncio.Future[None]]:
        """Report what is worth it; what is returned is done when all of it is durable."""
        self._note_returns(sample.readings)
        return self._report(sample.readings, owed=sample.acknowledge is not None)

    def take_unasked(self, sample: Sample) -> list[asyncio.Future[None]]:
        """The same for what a device sent by itself, which may have lain through a pause."""
        readings = self.pauses.doubted(sample.readings, self._watched)
        return self.take(Sample(readings, sample.acknowledge))

    async def report_present(self) -> None:
        """Send at once the newest reading of every routine point that was not worth sending, and of
        the others the next one, whatever it says: nothing is sent twice.

        After an outage: who hears of the past must know the present, or takes the past for it. So
        the next ones are waited for, a little.
        """
        newest = self.roster.newest.values()
        routine = [reading for reading in newest if not self._alarm[reading.point]]
        known = [each for each in routine if self._sent.get(each.point) is not each]
        self._deadband.forget(each.point for each in routine)
        if known:
            self._sent.update((each.point, each) for each in known)
            self._buffer.append(StreamKind.DATA, known)
        others = {each.point for each in routine if not is_bad(each.quality)}
        self._awaited = others.difference(each.point for each in known)
        if self._awaited:
            self._present.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(PRESENT):
                    await self._present.wait()
        if routine:
            with suppress(BufferFault):  # counted there
                await self._buffer.seal(StreamKind.DATA)

    def _report(
        self, readings: Iterable[Reading], *, owed: bool = False
    ) -> list[asyncio.Future[None]]:
        told = list(readings)
        known = [reading for reading in told if 0 <= reading.point < self._count]
        self.roster.strays += len(told) - len(known)
        due = self.judge(known)
        held = self._held_back(due.beside)
        self.roster.newest.update((reading.point, reading) for reading in known)
        chosen = held + self._deadband.select(known, self._clock.mono(), due.points)
        self._sent.update((reading.point, reading) for reading in chosen)
        if self._awaited:
            self._awaited.difference_update(reading.point for reading in chosen)
            if not self._awaited:
                self._present.set()
        urgent = [reading for reading in chosen if self._alarm[reading.point]]
        routine = [reading for reading in chosen if not self._alarm[reading.point]]
        lanes = ((StreamKind.ALARM, urgent), (StreamKind.DATA, routine))
        waits = {kind: self._buffer.append(kind, some) for kind, some in lanes if some}
        points = [reading.point for reading in chosen] if owed else []
        for kind, wait in waits.items():
            # What comes in together shares what tells: heard once, it must not be heard a thousand
            # times, each costing memory for as long as the medium fails.
            if points or wait is not self._heard.get(kind):
                wait.add_done_callback(partial(self._check_stored, points))
            self._heard[kind] = wait
        return list(waits.values())

    def _held_back(self, points: Iterable[int]) -> list[Reading]:
        """Return what these points said last, where it was not worth sending then."""
        newest = self.roster.newest
        known = [newest[point] for point in points if point in newest]
        return [each for each in known if self._sent.get(each.point) is not each]

    def _check_stored(self, owed: Sequence[int], wait: asyncio.Future[None]) -> None:
        """What was given up does not count as reported: what is owed will be sent again at once;
        everything else is reported anew as soon as the medium stores again, not before.
        """
        if wait.cancelled():
            return
        if wait.exception() is not None:
            self._lossy = True
            self._deadband.forget(owed)
        elif self._lossy:
            self._lossy = False
            self._deadband.forget(range(self._count))

    def _note_returns(self, readings: Iterable[Reading]) -> None:
        owner, devices = self.roster.owner, self.roster.devices
        for reading in readings:
            name = owner.get(reading.point)
            if name is not None and devices[name].state != ONLINE and not is_bad(reading.quality):
                self.answered(name)

    def answered(self, device: str) -> None:
        """Note that a device answers; an event if it had been silent."""
        was = self.roster.devices[device].state
        if self.roster.change(device, ONLINE, self._clock.mono()) and was != UNKNOWN:
            self.event("DEVICE_RETURNED", device, device=device)

    def silent(self, device: Device, error: FengsuiError) -> None:
        """Report all points of a device as Bad_NoCommunication; one event when this is news."""
        mono = self._clock.mono()
        self._report(
            Reading(point.index, None, int(Quality.BAD_NO_COMMUNICATION), mono)
            for point in device.points
        )
        if self.roster.change(device.name, OFFLINE, mono, error.code):
            self.event("DEVICE_UNREACHABLE", device.name, device=device.name, reason=error.code)

    def event(self, code: str, subject: str = "", **params: Value) -> None:
        """Report something that happened to the gateway; `subject` is a device or bus, or ""."""
        self._tell(code, subject, self._clock.mono(), params)

    def _note_pause(self, pause: Pause) -> None:
        """Tell a pause under the time at which it began."""
        code = "GATEWAY_SUSPENDED" if pause.suspended else "GATEWAY_PAUSED"
        self._tell(code, "", pause.start, {"seconds": round(pause.real / SECOND)})

    def _tell(self, code: str, subject: str, time: int, params: Mapping[str, Value]) -> None:
        event = Event(code, subject, time, tuple(sorted(params.items())))
        self._buffer.append(StreamKind.ALARM, [event])
