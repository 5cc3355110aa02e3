"""Answers gateways that ask what to judge by (docs/wire.md section 15), from memory.

Documents are named by digest and made when somebody asks; a gateway that has them is told so and
nothing else. Lives on the event loop.
"""

import asyncio
import logging
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from central.effects import Effects
from central.guidance import acts, rule_sets
from protocols.errors import IngestError, WireError
from protocols.wire.rule_set import encode_rules
from protocols.wire.rule_talk import (
    ACTS,
    KINDS,
    RULES,
    Part,
    Question,
    Said,
    Want,
    brief,
    digest_of,
    parts_of,
)

if TYPE_CHECKING:
    from central.collector import Collector

logger = logging.getLogger(__name__)

DOCUMENTS: Final = 256
"""Documents in memory; one that was let go of is made again."""


class Guidance:
    """Of every gateway; `heard` listens to the collector."""

    def __init__(self, collector: "Collector") -> None:
        self._collector = collector
        self._acts = acts.Acts()
        self._loading: asyncio.Task[None] | None = None
        self._loaded = False
        self._digests: dict[str, dict[str, str]] = {}
        self._made: dict[str, int] = {}
        """At which change of the rules the digest of a gateway's was made."""
        self._parts: OrderedDict[str, tuple[bytes, ...]] = OrderedDict()
        self._had: dict[str, str] = {}
        """What each gateway has since it asked last, briefly."""
        self._behind: dict[str, None] = {}
        self._catching_up: asyncio.Task[None] | None = None

    def heard(self, effects: Effects) -> None:
        """Take what a commit changed."""
        if self._loading is None:
            return  # nobody has asked yet: it will be read
        loading = not self._loaded
        self._acts.heard(effects.episodes, loading=loading)
        for laid in effects.overlays:
            point = self._collector.registry.by_number(laid.point)
            if point is not None:
                self._acts.laid(point.gateway, laid, loading=loading)

    async def hint(self, gateway: str) -> str:
        """Return which documents a gateway should have, briefly."""
        return brief(await self.digests(gateway))

    def news(self, gateway: str) -> str:
        """Return which documents a gateway should have, where it has others; "": nothing is new.

        Asked with every delivery, so it waits for nothing: rules that changed are worked out
        beside, one gateway after the other, and are news from then on.
        """
        had, digests = self._had.get(gateway), self._digests.get(gateway)
        if had is None or digests is None or RULES not in digests:
            return ""  # it has not asked yet
        if self._made.get(gateway) != self._collector.rules.changes:
            self._behind[gateway] = None
            if self._catching_up is None or self._catching_up.done():
                self._catching_up = asyncio.create_task(self._catch_up())
        if gateway in self._acts.changed:
            self._tell_acts(gateway, digests)
        said = brief(digests)
        return "" if said == had else said

    async def digests(self, gateway: str) -> dict[str, str]:
        """Return what documents a gateway should have, by kind."""
        await self._load()
        digests = self._digests.setdefault(gateway, {})
        change = self._collector.rules.changes
        if RULES not in digests or self._made.get(gateway) != change:
            # A rule for a city's every point takes a while, and the loop has others to serve.
            digests[RULES] = self._keep(await asyncio.to_thread(self._rules, gateway))
            self._made[gateway] = change
        if ACTS not in digests or gateway in self._acts.changed:
            self._tell_acts(gateway, digests)
        return digests

    async def answer(self, gateway: str, question: Question, nonce: str) -> Said:
        """Answer a question. Raises IngestError: there is no such document any more."""
        digests = await self.digests(gateway)
        want = question.want
        if want is None:
            differs = (kind for kind in KINDS if question.have[kind] != digests[kind])
            kind = next(differs, None)
            want = None if kind is None else Want(kind, digests[kind], 0)
        part = None if want is None else self._part(gateway, want)
        had = dict(question.have)
        if part is not None and part.part == part.parts - 1:
            had[part.kind] = part.digest
        self._had[gateway] = brief(had)
        return Said(dict(digests), nonce, part)

    def _tell_acts(self, gateway: str, digests: dict[str, str]) -> None:
        self._acts.changed.discard(gateway)
        digests[ACTS] = self._keep(self._acts.document(gateway))

    async def _catch_up(self) -> None:
        while self._behind:
            gateway = next(iter(self._behind))
            del self._behind[gateway]
            await self.digests(gateway)

    def _part(self, gateway: str, want: Want) -> Part | None:
        digests = self._digests[gateway]
        if digests[want.kind] != want.digest:
            return None  # another is told by now
        parts = self._parts.get(want.digest)
        if parts is None:
            make = self._rules if want.kind == RULES else self._acts.document
            if self._keep(make(gateway)) != want.digest:
                del digests[want.kind]
                raise IngestError("BUSY", 503, lane="rules", retry_after_ms=1_000)
            parts = self._parts[want.digest]
        if want.part >= len(parts):
            return None
        return Part(*want, len(parts), parts[want.part])

    def _rules(self, gateway: str) -> bytes:
        entry, rules = self._collector.registry.entry(gateway), self._collector.rules
        if entry is None:
            return encode_rules((), ())
        resolved = rules.resolved(gateway)
        try:
            document = rule_sets.document_of(entry, resolved, rules.objects)
            parts_of(document)
        except WireError as exc:
            logger.error("rules of %s are too many to be told: %s", gateway, exc)  # noqa: TRY400
            return encode_rules(resolved.masked, ())
        return document

    def _keep(self, document: bytes) -> str:
        digest = digest_of(document)
        self._parts[digest] = self._parts.get(digest) or parts_of(document)
        self._parts.move_to_end(digest)
        while len(self._parts) > DOCUMENTS:
            self._parts.popitem(last=False)
        return digest

    async def _load(self) -> None:
        if self._loading is None:
            self._loading = asyncio.create_task(self._read())
        if not self._loaded:
            await asyncio.shield(self._loading)

    async def _read(self) -> None:
        try:
            self._acts.load(await self._collector.db.read(acts.read))
        except BaseException:
            self._loading = None
            raise
        self._loaded = True
