"""What the buffer knows in memory of one stream: where its batches lie and how far it got (pure).

Numbers: `committed` is what the collector has stored, `safe` what it has backed up; everything
above `safe` is kept (quota apart). A chain head is known at two places, `committed` and `anchor`;
None means it must be asked for.
"""

from dataclasses import dataclass, field

from edge.buffer.alarm_file import Progress, Skip
from protocols.words import StreamKind


@dataclass(slots=True, kw_only=True)
class Part:
    """The consecutive batches of a stream in one file."""

    file: str
    first: int
    last: int
    batches: int
    head: bytes | None = None
    """The chain head after its last batch, once that was committed (and not in a restart)."""


@dataclass(slots=True, kw_only=True)
class Stream:
    """One stream of this or an earlier process."""

    id: str
    number: int
    kind: StreamKind
    opening: bytes
    manifest: str
    live: bool = False
    """Still written to; everything else is backfill."""
    parts: list[Part] = field(default_factory=list)
    skips: dict[int, Skip] = field(default_factory=dict)
    committed: int = 0
    head: bytes | None = None
    safe: int = 0
    anchor: int = 0
    anchor_head: bytes | None = None
    ordinal: int = 0
    """Batches ever stored."""
    skipped: bool = False
    """A skip ever stood for some of it."""
    sent: dict[int, bytes | None] = field(default_factory=dict)
    """Of the batches handed out last: last seq -> chain head after it."""
    changed: bool = False
    """Something here is not persisted yet."""
    reach: int = 0
    """The highest number known to have been given, whether or not a file still has it."""
    told: int = 0
    """How far the collector had it, at most, when it went back; 0: it never did."""
    guessed: bool = False
    """No progress of it was found: where it stands is only what a file said."""
    recovered: list[Part] = field(default_factory=list)
    """Originals that turned up after a skip took their numbers: sent below the cursor."""
    resent: int | None = None
    """Where the recovered batches end that were handed out last and not answered yet."""

    @property
    def last(self) -> int:
        """The highest sequence number there is."""
        last = self.parts[-1].last if self.parts else 0
        if self.skips:
            last = max(last, max(skip.last for skip in self.skips.values()))
        elif not self.parts:
            last = self.committed
        return max(self.reach, last)

    @property
    def first(self) -> int:
        """The lowest sequence number still kept (or stood for); above `last` when none is."""
        starts = [part.first for part in self.parts[:1]]
        starts += list(self.skips)
        return min(starts, default=self.committed + 1)

    @property
    def pending(self) -> int:
        """How many readings or events the collector does not have yet."""
        return max(0, self.last - self.committed)

    @property
    def done(self) -> bool:
        """Whether nothing of it will ever be needed again."""
        return not self.live and self.safe >= self.last and not self.recovered

    def skip_over(self, seq: int) -> Skip | None:
        """Return the skip that stands for `seq`; of several the one that begins last."""
        over = [s for s in self.skips.values() if s.first <= seq <= s.last]
        return max(over, key=lambda s: s.first) if over else None

    def part_over(self, seq: int) -> Part | None:
        """Return the part that holds `seq`."""
        return next((p for p in self.parts if p.first <= seq <= p.last), None)

    def run_end(self, seq: int) -> int:
        """Return the last number before the next skip begins, for a run that starts at `seq`."""
        later = [first for first in self.skips if first > seq]
        return min(later) - 1 if later else self.last

    def missing(self, seq: int) -> tuple[int, int] | None:
        """Return the range around `seq` that no part and no skip holds; None when one does."""
        if seq > self.last or self.skip_over(seq) or self.part_over(seq):
            return None
        later = [p.first for p in self.parts if p.first > seq]
        later += [first for first in self.skips if first > seq]
        return seq, min(later, default=self.last + 1) - 1

    def extend(self, file: str, first: int, last: int, batches: int) -> None:
        """Note newly stored batches."""
        if self.parts and self.parts[-1].file == file:
            self.parts[-1].last = last
            self.parts[-1].batches += batches
        else:
            self.parts.append(Part(file=file, first=first, last=last, batches=batches))
        self.ordinal += batches

    def insert(self, file: str, first: int, last: int, batches: int) -> None:
        """Note batches that were found again, wherever they belong."""
        part = next((part for part in self.parts if part.file == file), None)
        if part is None:
            self.parts.append(Part(file=file, first=first, last=last, batches=batches))
        else:
            part.first, part.last = min(part.first, first), max(part.last, last)
            part.batches += batches
        self.parts.sort(key=lambda each: each.first)

    def resent_arrived(self) -> None:
        """The collector answered: it has the recovered batches that were handed out."""
        last, self.resent = self.resent, None
        if last is None or not self.recovered:
            return
        if last >= self.recovered[0].last:
            del self.recovered[0]
        else:
            self.recovered[0].first = last + 1

    def offer_recovered(self) -> None:
        """The collector went back: what was recovered is offered in its turn like everything."""
        for part in self.recovered:
            self.insert(part.file, part.first, part.last, part.batches)
        self.recovered, self.resent = [], None

    def note_end(self) -> None:
        """Keep the chain head of a part that was committed to its end."""
        for part in self.parts:
            if part.last == self.committed:
                part.head = self.head

    def forget_ends(self) -> None:
        """Forget the heads behind `committed`: what is sent again may be a skip by then."""
        for part in self.parts:
            if part.last > self.committed:
                part.head = None

    def progress(self) -> Progress:
        """Return what must survive a restart."""
        return Progress(
            number=self.number,
            committed=self.committed,
            head=self.head,
            safe=self.safe,
            anchor=self.anchor,
            anchor_head=self.anchor_head,
            skipped=self.skipped,
            told=self.told,
        )

    def resume(self, progress: Progress) -> None:
        """Take up what an earlier process had persisted."""
        self.committed, self.head = progress.committed, progress.head
        self.safe, self.skipped = progress.safe, progress.skipped
        self.anchor, self.anchor_head = progress.anchor, progress.anchor_head
        self.told = max(self.told, progress.told)
        self.guessed = False
