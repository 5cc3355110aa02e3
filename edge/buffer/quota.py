"""What is given up when room runs out, in this order, everything counted:

1. the oldest segment whose data the collector has committed though not yet backed up,
2. routine data is thinned, the oldest segment first: one batch a minute stays,
3. when all is thinned, the oldest segment goes: a skip takes its numbers and carries the ledger,
4. alarms, the oldest first, the same way, when our own quota leaves no other choice.

Room runs out by our own size (the quota) or because others fill the medium. The last megabytes are
reserved: routine data stops where they begin, alarms go on. When there is not a free byte, the
ballast is let go of, so that what is given up can be noted at all.
"""

from typing import Final

from edge.buffer.ballast import Ballast, ballast_size
from edge.buffer.dropping import Dropping, unsent
from edge.buffer.folder import ALARM
from edge.buffer.format import THINNED
from edge.buffer.holdings import Holdings
from edge.buffer.housekeeping import Housekeeping
from edge.buffer.model import Room
from edge.buffer.rewriting import Rewriting
from protocols.errors import BufferDamaged, BufferFull
from protocols.words import StreamKind

ALARMS_AT_ONCE: Final = 4096
"""Alarm batches are small: fewer would free nothing worth a transaction."""
ALARM_BYTES: Final = 1 << 20
FREE_SHARE: Final = 0.8
"""Of what is free and our own, where no quota is set: others need room too."""
THINNED_SHARE: Final = 3
"""A thinned segment takes less than a third of it, and that much must be free to write it."""
SMALLEST: Final = 64 * 1024
"""Bytes: an open segment smaller than this is not given up because others fill the medium."""

Work = Rewriting | Dropping


class Quota:
    """Measures room and chooses what goes. All calls in the buffer's thread.

    `fixed` is the quota that was set; without one it follows what is free.
    """

    def __init__(
        self, holdings: Holdings, housekeeping: Housekeeping, fixed: int | None = None
    ) -> None:
        self._holdings = holdings
        self._housekeeping = housekeeping
        self._fixed = fixed
        self.ballast = Ballast(holdings.folder.path)
        self._thinned: set[str] = set()
        self._passed: set[str] = set()
        """Segments that delivery got into while they were thinned: not again in this round."""
        self._under_way: Work | None = None
        self.measure()
        housekeeping.room = self.room

    def measure(self) -> int:
        """Return the quota as of now: others may have taken or freed room."""
        if self._fixed is None:
            folder = self._holdings.folder
            self._housekeeping.quota_bytes = int((folder.free() + self._own()) * FREE_SHARE)
        return self._housekeeping.quota_bytes

    def _own(self) -> int:
        return self._holdings.folder.total() + self.ballast.bytes

    def reserve(self) -> int:
        """Return the free bytes that are kept for alarms, and the size of the ballast.

        Not by the present quota, which shrinks just when they are needed.
        """
        return ballast_size(self._fixed or int(self._holdings.folder.capacity() * FREE_SHARE))

    def short(self) -> int:
        """Return the bytes that others have taken of the reserve."""
        try:
            return max(0, self.reserve() - self._holdings.folder.free())
        except FileNotFoundError:  # the folder was deleted: writing finds out, and makes it again
            return 0

    def over(self) -> int:
        """Return the bytes to be freed, 0 when there is room."""
        return max(0, self._own() - self.measure(), self.short())

    def room(self) -> Room:
        """Return what is left, as people are told."""
        folder = self._holdings.folder
        by_quota = self._housekeeping.quota_bytes - self._own()
        left = min(by_quota, folder.free() - self.reserve())
        return Room(left=max(0, left), ballast=self.ballast.bytes, short=self.short() > 0)

    def has_room(self, kind: StreamKind) -> bool:
        """Whether data of a kind may be stored: routine data leaves the reserve to alarms."""
        return kind is StreamKind.ALARM or not self.short()

    def tend(self) -> None:
        """End a round: make the ballast (again) where it fits twice beside the reserve."""
        self._passed.clear()
        size = self.reserve()
        if self.ballast.bytes != size:
            # Twice, so that it is not made and let go of by turns; what it is now counts as free.
            free = self._holdings.folder.free() + self.ballast.bytes
            if free >= 3 * size:
                self.ballast.make(size)

    def next(self) -> Work | None:
        """Return what is to go next, None when there is nothing (more) for a good reason."""
        self._under_way = self._choose()
        return self._under_way

    def over_by_ourselves(self) -> bool:
        """Whether the quota alone asks for room, whatever others do."""
        return self._own() > self._housekeeping.quota_bytes

    def _choose(self) -> Work | None:
        held = self._sealed()
        committed = self._committed(held)
        if committed is not None:
            return committed
        thin = next((name for name in held if self._can_thin(name)), None)
        if thin is not None:
            self._passed.add(thin)
            return Rewriting(self._holdings, self._housekeeping, thin)
        if held:
            return self._dropping(held[0])
        return self._oldest_alarms() if self.over_by_ourselves() else None

    def _committed(self, held: list[str]) -> Dropping | None:
        streams = self._holdings.streams.values()
        waiting = {part.file for s in streams for part in s.parts if unsent(s, part)}
        waiting |= self._recovered()
        name = next((name for name in held if name not in waiting), None)
        return None if name is None else self._dropping(name)

    def _recovered(self) -> set[str]:
        """Return the segments with originals that are sent once more, behind the cursor."""
        return {part.file for s in self._holdings.streams.values() for part in s.recovered}

    def _sealed(self) -> list[str]:
        """Return the segments that may go, oldest first; the open one only when it is all."""
        folder = self._holdings.folder
        held = [n for n in folder.segments() if n not in folder.in_use]
        active = folder.active_name
        if held or active is None or not self._holds_rows(active):
            return held
        if not self.over_by_ourselves() and folder.size(active) < SMALLEST:
            return []
        folder.retire()
        return [active]

    def _holds_rows(self, name: str) -> bool:
        return any(part.file == name for s in self._holdings.streams.values() for part in s.parts)

    def _can_thin(self, name: str) -> bool:
        folder = self._holdings.folder
        if name in self._passed or name in self._thinned or name in self._recovered():
            return False
        if folder.free() < folder.size(name) // THINNED_SHARE:
            return False
        try:
            thinned = folder.get(name).meta(THINNED) is not None
        except BufferDamaged:
            return False  # dropping it finds out, and puts it aside
        if thinned:
            self._thinned.add(name)
        return not thinned

    def _dropping(self, name: str) -> Dropping:
        losses = [
            loss
            for stream in self._holdings.streams.values()
            for part in stream.parts
            if part.file == name
            for loss in unsent(stream, part)
        ]
        return Dropping(
            holdings=self._holdings, housekeeping=self._housekeeping, file=name, losses=losses
        )

    def _oldest_alarms(self) -> Dropping | None:
        held = self._holdings
        streams = sorted(held.streams.values(), key=lambda s: s.number)
        for stream in streams:
            for part in stream.parts:
                losses = unsent(stream, part) if part.file == ALARM else []
                if not losses or stream.kind is not StreamKind.ALARM:
                    continue
                loss = losses[0]
                rows = held.folder.alarm.rows(
                    stream.number, loss.first, loss.last, ALARMS_AT_ONCE, ALARM_BYTES
                )
                loss.last = rows[-1].last if rows else loss.last
                return Dropping(
                    holdings=held, housekeeping=self._housekeeping, file=ALARM, losses=[loss]
                )
        return None

    def make_room_at_once(self) -> bool:
        """Free something for an alarm that cannot wait for a ledger; False when nothing is left.

        First the ballast; then a segment, whose loss is told in one line of its ledger; last the
        oldest alarms.
        """
        if self.ballast.release():
            return True
        held = self._sealed()
        work = self._committed(held) or (self._dropping(held[0]) if held else None)
        work = work or self._oldest_alarms()
        if work is None:
            return False
        if self._under_way is not None and self._under_way.file == work.file:
            self._under_way.void = True
        try:
            work.finish()
        except BufferFull:
            if not work.free_first():
                raise
            work.finish()
        return True
