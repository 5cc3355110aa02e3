"""Asks the collector for its rules and for what people did, and hands on what is new.

At most once a minute while nothing changes, and at once when the answer to a delivery or to a
report of health says that there is something else. Nothing is sent down that is here already. What
cannot be read is reported and not asked for again until the collector has another.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from protocols.clock import real_monotonic
from protocols.errors import UplinkError, WireError
from protocols.wire.acts_told import ActsTold, decode_acts
from protocols.wire.rule_set import RuleSet, decode_rules
from protocols.wire.rule_talk import (
    ACTS,
    KINDS,
    NONE,
    PARTS,
    RULES,
    Part,
    Question,
    Said,
    Want,
    brief,
    joined,
)

logger = logging.getLogger(__name__)

EVERY: Final = 60.0
"""Real seconds between questions while nobody says that something changed."""
LEAST: Final = 1.0
"""Real seconds between questions whatever is hinted at: hints are not signed."""


class Taking(Protocol):
    """Who judges by it; `version` is the digest of the rules that are judged by already."""

    @property
    def version(self) -> str: ...
    async def judge_by(self, rules: RuleSet, digest: str, document: bytes) -> None: ...
    def obey(self, told: ActsTold) -> None: ...
    def refuse(self, what: str, reason: str) -> None: ...


class Following:
    """`have` is what was taken or refused last, by kind; `ask` sends a question."""

    def __init__(
        self, ask: Callable[[Question], Awaitable[Said]], boot: str, alarms: Taking
    ) -> None:
        self._ask = ask
        self._boot = boot
        self._alarms = alarms
        self.have = {RULES: alarms.version, ACTS: NONE}
        self._due = 0.0
        self._hinted = asyncio.Event()
        self._asking = asyncio.Lock()

    def heard(self, hint: str) -> None:
        """Take what came with the answer to a delivery; "": it hints at nothing."""
        if hint and hint != brief(self.have):
            self._hinted.set()

    async def run(self) -> None:
        """Ask soon after a hint, until cancelled."""
        while True:
            await self._hinted.wait()
            self._due = 0.0
            await self.look()
            self._hinted.clear()
            await asyncio.sleep(LEAST)

    async def look(self, hint: str = "") -> None:
        """Ask if it is time, or if `hint` names other documents; what fails is asked again."""
        now = real_monotonic()
        if now < self._due and hint in ("", brief(self.have)):
            return
        try:
            await self.follow()
        except UplinkError as exc:
            logger.debug("rules not asked for: %s", exc)
        self._due = now + EVERY

    async def follow(self) -> None:
        """Ask until nothing is missing. Raises UplinkError."""
        async with self._asking:
            for _ in KINDS:
                said = await self._ask(Question(self._boot, dict(self.have)))
                if said.part is None:
                    return
                await self._fetch(said.part)

    async def _fetch(self, first: Part) -> None:
        """Take a document of which the first part is here."""
        if first.part != 0 or first.parts > PARTS:
            return
        parts = [first.data]
        for number in range(1, first.parts):
            want = Want(first.kind, first.digest, number)
            part = (await self._ask(Question(self._boot, dict(self.have), want))).part
            if part is None or part[:4] != (*want, first.parts):
                return  # it is another by now: asked again
            parts.append(part.data)
        try:
            await self._take(first.kind, first.digest, joined(parts, first.digest))
        except WireError as exc:
            logger.warning("%s of the collector cannot be used: %s", first.kind, exc)
            self._alarms.refuse(first.kind, exc.code)
        self.have[first.kind] = first.digest

    async def _take(self, kind: str, digest: str, document: bytes) -> None:
        if kind == RULES:
            await self._alarms.judge_by(decode_rules(document), digest, document)
        else:
            self._alarms.obey(decode_acts(document))
