"""The durable queue, synchronous: composed here, run in the buffer's one thread and nowhere else.

Invariants. A number and its data become durable in one transaction. A (stream, seq) names one
payload for ever: streams are fresh at each start, so an old image restored brings back only old
payloads under old numbers. What is handed out is consecutive from `committed + 1`. Nothing above
`safe` is forgotten but by the quota's policy, and that leaves a count or a skip with its ledger.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

from edge.buffer.delivery import Delivery
from edge.buffer.faults import of_the_system
from edge.buffer.folder import Folder
from edge.buffer.holdings import Holdings
from edge.buffer.housekeeping import Housekeeping
from edge.buffer.load import load_streams
from edge.buffer.model import Group, Origin, Report, Tell
from edge.buffer.numbers import known_highest
from edge.buffer.quarantine import segment_number
from edge.buffer.quota import Quota
from edge.buffer.writer import Writer, Written
from edge.config import BufferSettings
from edge.sabotage import Sabotage
from protocols.clock import Clock
from protocols.errors import BufferDamaged, BufferFull
from protocols.words import StreamKind

P = ParamSpec("P")
T = TypeVar("T")

SEGMENTS_IN_QUOTA: Final = 8
"""Segments are small enough that giving one up is at most this share of the quota."""
SMALLEST_SEGMENT: Final = 64 * 1024


class Store:
    """Opens the folder and holds the parts that work on it. Raises BufferFault."""

    def __init__(
        self,
        settings: BufferSettings,
        origin: Origin,
        clock: Clock,
        tell: Tell,
        *,
        report: Report | None = None,
        sabotage: Sabotage | None = None,
    ) -> None:
        folder = Folder(settings.folder, tell)
        try:
            self._compose(settings, origin, clock, folder, report, sabotage or Sabotage({}))
        except BaseException:
            folder.close()  # whoever tries again must not find our own lock
            raise

    def _compose(
        self,
        settings: BufferSettings,
        origin: Origin,
        clock: Clock,
        folder: Folder,
        report: Report | None,
        sabotage: Sabotage,
    ) -> None:
        loaded = load_streams(folder)
        self.holdings = Holdings(
            folder=folder,
            streams=loaded.streams,
            origin=origin,
            clock=clock,
            highest=known_highest(folder.path, loaded.highest, lost=folder.put_aside),
            crash=sabotage.crash,
        )
        self.holdings.look_for_wrecks()
        with suppress(BufferDamaged):  # put aside already; what is left of orphans went with it
            self.run(folder.alarm.save, [], forget=loaded.orphans)
        self.delivery = Delivery(self.holdings)
        self.housekeeping = Housekeeping(self.holdings, self.delivery, settings.quota_bytes or 0)
        self.quota = Quota(self.holdings, self.housekeeping, settings.quota_bytes)
        largest = max(SMALLEST_SEGMENT, self.quota.measure() // SEGMENTS_IN_QUOTA)
        segment = min(settings.segment_bytes, largest)
        self._go_on_with(segment)
        self.writer = Writer(self.holdings, segment, report, sabotage)
        self.segment_bytes = segment

    def run(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `call` returns. Raises BufferFault for whatever the medium does.

        A file that turns out to be damaged is put aside and accounted for before this raises, so
        that trying again finds a sound one.
        """
        try:
            try:
                return call(*args, **kwargs)
            except BufferDamaged as exc:
                self._put_aside(exc)
                raise
        except OSError as exc:
            raise of_the_system(exc, self.holdings.folder.path) from exc

    def _put_aside(self, error: BufferDamaged) -> None:
        try:
            self.holdings.damage(file_of(error), error)
        except BufferDamaged as exc:  # the alarm file, which takes the skips, is damaged as well
            self.holdings.damage(file_of(exc), exc)

    def _go_on_with(self, segment_bytes: int) -> None:
        folder = self.holdings.folder
        names = folder.segments()
        if not names or segment_number(names[-1]) <= folder.aside.highest():
            return  # the newest may be one that is being restored
        if folder.size(names[-1]) < segment_bytes:
            folder.write_to(names[-1])

    def write(self, kind: StreamKind, groups: Sequence[Group]) -> Written:
        """Seal and store. Raises BufferFull when there is no room for this kind, else as `Writer`.

        The last of a medium that others fill is for alarms: routine data finds it full before.
        """
        with suppress(OSError):  # a folder that was deleted is made anew by what follows
            if not self.quota.has_room(kind):
                raise BufferFull(file=str(self.holdings.folder.path))
        return self.writer.write(kind, groups)

    def close(self) -> None:
        """Persist and let go of every file."""
        try:
            self.housekeeping.persist()
        finally:
            self.holdings.folder.close()


def file_of(error: BufferDamaged) -> str:
    """Return the name of the damaged file."""
    return Path(str(error.params["file"])).name
