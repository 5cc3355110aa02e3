"""Verifies one stream, batch by batch, in memory that does not grow with it (pure).

Recomputes `h[k] = digest(h[k-1] | batch k)` from the opening record or the edge, compares every
head that is kept and checks the signature over it. A skip takes its numbers like data; an original
that came back after its skip stands apart and is proved by a head of its own, where one is kept.
After something was found it goes on: every place is named, not only the first.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from protocols.errors import WireError
from protocols.verify.model import UNCHECKED, Findings, Kept, KeptHead, Keys, Proved, Start
from protocols.verify.signed import signed_text
from protocols.wire.batch import BatchKind, SkipBatch, decode_batch, read_header
from protocols.wire.chain import chain_next, chain_start, digest
from protocols.wire.header import Header
from protocols.wire.opening import Opening, decode_opening

BRANCHES: Final = 4
"""Chains through what came back that are followed at once."""


class StreamCheck:
    """`heads` and `apart` come in order of their numbers; batches by seq0, a skip before others."""

    def __init__(  # which stream, its record, what is kept of it, whose keys, where to say it
        self,
        name: tuple[str, str],
        opening: bytes,
        start: Start,
        heads: tuple[Iterable[KeptHead], Iterable[KeptHead]],
        keys: Keys,
        findings: Findings,
    ) -> None:
        """`name`: the stream's id and its gateway."""
        self.id, self._gateway = name
        self._record = opening
        self._keys = keys
        self._findings = findings
        self._heads, self._apart = _Peek(heads[0]), _Peek(heads[1])
        self.opening = self._read_opening()
        self._alg = self.opening.digest_alg if self.opening else "sha256"
        self._wants_signature = self.opening is not None and self.opening.sig_alg != "none"
        self.proved = Proved(stream=self.id, start=start.kind)
        if self.opening is not None:
            self.proved.kind = self.opening.kind.name.lower()
        self._begin(start)

    @property
    def seq(self) -> int:
        """The last number of the chain so far."""
        return self.proved.last

    @property
    def head(self) -> bytes | None:
        """The head after it; None while that is not known."""
        return self._candidates[0] if self._candidates else None

    def batch(self, kept: Kept) -> Header | None:
        """Take the next batch; return its header where its bytes are what they were."""
        header, sound = self._open(kept)
        if header is None:
            seq0, last, kind = kept.seq0, kept.seq0 + kept.n - 1, kept.kind
        else:
            seq0, last, kind = header.seq0, header.last, int(header.kind)
        if last <= self._edge:
            self.proved.below += 1
        elif kind != BatchKind.SKIP and self._skip[0] <= seq0 and last <= self._skip[1]:
            self._take_recovered(seq0, last, kept.raw)
        elif seq0 <= self.seq:
            self._say("VERIFY_OVERLAP", seq0, last=last, until=self.seq)
            return None
        else:
            self._take(seq0, last, kept, header)
        return header if sound else None

    def move_edge(self, start: Start) -> None:
        """Go on at a later edge: what lies before it was deleted while we looked."""
        self.proved.start = start.kind
        self._begin(start)

    def finish(self) -> Proved:
        """Look at what is left of the heads; return what holds."""
        for head in self._heads.rest():
            self._say("VERIFY_HEAD_BEYOND", head.seq, until=self.seq)
        for head in self._apart.rest():
            self._signature(head)
        return self.proved

    def _begin(self, start: Start) -> None:
        zero = chain_start(self._record, self._alg)
        if start.seq == 0 and start.head != zero:
            self._say("VERIFY_OPENING_HEAD", 0)
        self._candidates = [start.head]
        self._edge = self.proved.last = start.seq
        self.proved.first = start.seq + 1
        self._skip = (1, 0)
        self._fork: tuple[int, list[bytes]] = (-1, [])
        self._branches: list[bytes] = []
        self._branch_at = self._branched = 0
        while (head := self._heads.at_most(start.seq)) is not None:
            signed = self._signature(head)
            if head.seq == 0 and head.head != zero:
                self._say("VERIFY_OPENING_HEAD", 0)
                if start.seq == 0:
                    self._candidates.append(head.head)
            elif head.seq == 0:
                self.proved.opening_signed = signed
            elif head.seq == start.seq and head.head != start.head:
                self._say("VERIFY_HEAD", head.seq, since=start.seq)
        while (head := self._apart.at_most(start.seq)) is not None:
            self._signature(head)

    def _read_opening(self) -> Opening | None:
        try:
            opening = decode_opening(self._record)
        except WireError as exc:
            self._say("VERIFY_OPENING", 0, reason=exc.code)
            return None
        if (opening.stream, opening.gateway) != (self.id, self._gateway):
            self._say("VERIFY_OPENING", 0, reason="name")
        return opening

    def _open(self, kept: Kept) -> tuple[Header | None, bool]:
        """Compare the bytes with what is noted beside them."""
        self.proved.batches += 1
        self.proved.bytes += len(kept.raw)
        came = self.proved.received or (kept.received, kept.received)
        self.proved.received = (min(came[0], kept.received), max(came[1], kept.received))
        if digest(kept.raw) != kept.digest:
            self._say("VERIFY_DIGEST", kept.seq0, n=kept.n)
            return None, False
        try:
            header, _ = read_header(kept.raw)
        except WireError as exc:
            self._say("VERIFY_BATCH", kept.seq0, reason=exc.code)
            return None, False
        if (header.seq0, header.n, header.kind) != (kept.seq0, kept.n, kept.kind):
            self._say("VERIFY_PLACE", header.seq0, noted=kept.seq0, n=kept.n)
            return header, False
        return header, True

    def _take(self, seq0: int, last: int, kept: Kept, header: Header | None) -> None:
        if seq0 > self.seq + 1:
            self._say("VERIFY_GAP", self.seq + 1, last=seq0 - 1)
            self._candidates = []
        # A chain through what came back goes on with what both have, while a head of it is due.
        alive = self._branches if self._branch_at == seq0 - 1 and self._apart.left else []
        self._fork = (seq0 - 1, [*alive, *self._candidates[:1]][:BRANCHES])
        self._branches = [self._next(head, kept.raw) for head in alive]
        self._branch_at = last
        self._candidates = [self._next(head, kept.raw) for head in self._candidates]
        self.proved.last = last
        kind = kept.kind if header is None else int(header.kind)
        if kind == BatchKind.SKIP:
            self._skip = (seq0, last)
            reason, skipped = _reason(kept.raw), self.proved.skipped
            skipped[reason] = skipped.get(reason, 0) + last - seq0 + 1
        else:
            self.proved.items += last - seq0 + 1
        while (head := self._heads.at_most(last)) is not None:
            self._compare(head)
        self._compare_apart()

    def _take_recovered(self, seq0: int, last: int, raw: bytes) -> None:
        n = last - seq0 + 1
        self.proved.recovered += n
        self.proved.unproved += n
        before: list[bytes] = []
        if self._fork[0] == seq0 - 1:
            before = self._fork[1]
            self._branched = self._branched if len(before) > 1 else 0
        elif self._branch_at == seq0 - 1:
            before = self._branches
        self._branches = [self._next(head, raw) for head in before]
        self._branch_at = last
        self._branched += n
        self._compare_apart()

    def _compare(self, head: KeptHead) -> None:
        self.proved.heads += 1
        signed = self._signature(head)
        if head.seq != self.seq:
            self._say("VERIFY_HEAD_PLACE", head.seq)
            return
        if head.head in self._candidates or not self._candidates:
            known = bool(self._candidates)
            self._candidates = [head.head]
            if signed and known:
                self.proved.signed = head.seq
            return
        self._say("VERIFY_HEAD", head.seq, since=self.proved.signed)
        # Either may be the damaged one: the next head shows which.
        self._candidates = [self._candidates[0], head.head]

    def _compare_apart(self) -> None:
        """An original that came back is proved where its own chain's head is signed."""
        if not self._branches:
            return
        while (head := self._apart.at_most(self._branch_at)) is not None:
            signed = self._signature(head)
            if signed and head.seq == self._branch_at and head.head in self._branches:
                self.proved.unproved -= self._branched
                self._branched = 0

    def _signature(self, head: KeptHead) -> bool:
        signed = head.signed
        if signed is None:
            if self._wants_signature:
                self._say("VERIFY_UNSIGNED", head.seq)
            return False
        key = self._keys(signed.keyid, signed.alg, head.received)
        if key == UNCHECKED:
            return False
        if isinstance(key, str):
            self._say("VERIFY_KEY", head.seq, keyid=signed.keyid[:80], reason=key)
            return False
        fits = head.seq != 0 or signed.content_digest == digest(self._record)
        fits = fits and (key.alg, key.keyid) == (signed.alg, signed.keyid)
        try:
            fits = fits and key.verify(signed.signature, signed_text(self.id, head, signed))
        except WireError:
            fits = False
        if not fits:
            self._say("VERIFY_SIGNATURE", head.seq, keyid=signed.keyid[:80])
        self.proved.signatures += fits
        return fits

    def _next(self, head: bytes, raw: bytes) -> bytes:
        return chain_next(head, raw, self._alg)

    def _say(self, code: str, seq: int, **params: int | str) -> None:
        self._findings.add(code, self.id, seq, **params)


class _Peek:
    """Heads in order, of which the next can be looked at without being taken."""

    def __init__(self, heads: Iterable[KeptHead]) -> None:
        self._heads: Iterator[KeptHead] = iter(heads)
        self._next = next(self._heads, None)

    @property
    def left(self) -> bool:
        """Whether there is one."""
        return self._next is not None

    def at_most(self, seq: int) -> KeptHead | None:
        """Take the next if its number is not beyond `seq`."""
        head = self._next
        if head is None or head.seq > seq:
            return None
        self._next = next(self._heads, None)
        return head

    def rest(self) -> Iterator[KeptHead]:
        """Take all that are left."""
        while (head := self.at_most(1 << 64)) is not None:
            yield head


def _reason(raw: bytes) -> str:
    try:
        content = decode_batch(raw)
    except WireError:
        return "unreadable"
    return content.reason.name.lower() if isinstance(content, SkipBatch) else "unreadable"
