"""What the collector says of its certificates, and the task that keeps them in order.

The machine's own clock counts, whatever story the data runs on: it is what the other end's TLS
library looks at. What happens is logged, audited and told among the events.
"""

import asyncio
import logging
import sqlite3
from functools import partial
from pathlib import Path
from typing import Final

from sqlite_utils import Database as Tables

from central import events
from central.database import Database
from central.identity import audit
from central.tls.authority import DAY
from central.tls.folder import collector_id
from central.tls.keeping import Keeping, Note, keeping
from central.tls.settings import Tls
from protocols.clock import MINUTE, Clock, ClockState
from protocols.errors import FengsuiError
from protocols.signing.answer import signed
from protocols.signing.keys import Signer
from protocols.tls.statement import Statement, encode_statement

logger = logging.getLogger(__name__)

OFTEN: Final = MINUTE
"""Between two looks: a given file that was replaced takes effect so soon."""
ACTOR: Final = "collector"


class TrustDesk:
    """Who the collector is and what it shows; `signer` None: nobody can prove what it says."""

    def __init__(
        self, collector: str, keeping: Keeping, clock: Clock, signer: Signer | None = None
    ) -> None:
        self.collector = collector
        self._keeping = keeping
        self._clock = clock
        self._signer = signer
        self._told: dict[str, int] = {}
        self._untold: list[Note] = []

    @classmethod
    def open(
        cls, tls: Tls | None, data: Path, clock: Clock, *, signer: Signer | None = None
    ) -> "TrustDesk":
        """Make or read what there is to show in the data folder.

        Raises OwnFileUnusable or AuthorityUnusable.
        """
        collector = collector_id(data)
        desk = cls(collector, keeping(tls, data, collector), clock, signer)
        desk._untold = desk._look()
        return desk

    @property
    def shown(self) -> Keeping:
        """What is shown now."""
        return self._keeping

    def statement(self, nonce: str) -> bytes:
        """Return what gateways should go by, signed over `nonce` (32 hex digits)."""
        shown, signer = self._keeping.shown, self._signer
        said = Statement(
            collector=self.collector,
            key=None if signer is None else signer.public.encode(),
            name=shown.name,
            authorities=shown.authorities,
            now=self._clock.now(),
            nonce=nonce,
        )
        body = encode_statement(said)
        return body if signer is None else signed(body, signer)

    async def run(self, db: Database) -> None:
        """Keep it in order until cancelled; without TLS there is nothing to keep."""
        if self._keeping.plate is None:
            return
        while True:
            await self._tell(db)
            await self._clock.sleep(OFTEN)
            self._untold += await asyncio.to_thread(self._look)

    async def _tell(self, db: Database) -> None:
        if not self._untold:
            return
        try:
            await db.write(partial(record, notes=self._untold, now=self._clock.now()))
        except (sqlite3.Error, FengsuiError) as exc:  # a full disk passes
            logger.error("not written yet: %s", exc)  # noqa: TRY400
        else:
            self._untold = []

    def _look(self) -> list[Note]:
        """Return what is new since it was last told, within a day."""
        now, sure = self._clock.now(), self._clock.state is ClockState.SYNCHRONISED
        fresh = []
        for note in self._keeping.look(now, sure=sure):
            if note.fault and now - self._told.get(note.code, -DAY) < DAY:
                continue
            self._told[note.code] = now
            logger.warning("%s %s", note.code, note.params)
            fresh.append(note)
        return fresh


def record(tables: Tables, notes: list[Note], now: int) -> None:
    """Write the notes where people find them."""
    for note in notes:
        kind = events.FAULT if note.fault else events.SECURITY
        events.record(tables, (now, now), kind, note.code, "", note.params)
        if not note.fault:
            act = audit.Act(
                time=now, actor=ACTOR, action=note.code, subject="tls", detail=note.params
            )
            audit.append(tables, act)
