"""What people do about gateways' keys: make a code, approve, refuse, revoke, withdraw.

The same from the page, the interface and the command line; each act is in the audit, in the
transaction of the act itself. `changed` is called after a key began or ended to count: the very
next request is judged by it.
"""

import asyncio
import re
import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from sqlite_utils import Database as Tables

from central.database import Database
from central.enrolment import clones, codes, keys, ruling
from central.enrolment.clones import HeldBoot
from central.enrolment.codes import Code, NewCode, WorkOrder
from central.enrolment.keys import Key
from central.identity import audit
from central.registry import Entry, NameRefused, insert_gateway, read_entry
from protocols.clock import MINUTE, Clock
from protocols.enrolment import SALT_BYTES, id_of, new_code, stretch
from protocols.errors import FengsuiError
from protocols.words import NAME, Label

TRIES: Final = 8
"""Codes made until one begins like no other open one; of 32,768 beginnings few are taken."""
SHORTEST: Final = 5 * MINUTE
LINE: Final = re.compile(r"[^\x00-\x1f\x7f]{1,64}")


class WindowRefused(FengsuiError):
    """The time on site is over, shorter than five minutes or longer than 31 days."""

    code = "ENROLMENT_WINDOW"


class SiteDiffers(FengsuiError):
    """The gateway stands at another site."""

    code = "ENROLMENT_SITE_DIFFERS"


class GatewayVirtual(FengsuiError):
    """The name is another system's at the readings door; a machine cannot enrol as it."""

    code = "ENROLMENT_GATEWAY_VIRTUAL"


class OrderIncomplete(FengsuiError):
    """A work order that approves beforehand needs number, installer, site and window.

    Number and installer are one line each: they stand in the audit and in the key's warrant.
    """

    code = "ENROLMENT_ORDER_INCOMPLETE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A code to make for `gateway`, which is created where it is missing.

    `opens` and `expires` (µs UTC) go with a work order; without one a code is good for 24 hours.
    """

    gateway: str
    by: str
    site: str | None = None
    label: Label | None = None
    order: WorkOrder | None = None
    opens: int | None = None
    expires: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A new code, told this once."""

    code: str
    number: int
    gateway: str
    site: str | None
    opens: int
    expires: int

    def __repr__(self) -> str:
        return f"Issued({self.gateway})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Codes, keys and held starts, what waits for somebody first."""

    codes: list[Code] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    held: list[HeldBoot] = field(default_factory=list)


class Acts:
    """`created` is given a gateway that is new, after the commit."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        changed: Callable[[], None],
        created: Callable[[Entry], None],
    ) -> None:
        self._db = db
        self._clock = clock
        self._changed = changed
        self._created = created

    async def code(self, wanted: Wanted) -> Issued:
        """Make a code.

        Raises WindowRefused, OrderIncomplete, SiteDiffers, NameRefused, GatewayVirtual.
        """
        if not NAME.fullmatch(wanted.gateway):
            raise NameRefused(name=wanted.gateway)
        now = self._clock.now()
        window = _window(wanted, now)
        for _ in range(TRIES):
            code, salt = new_code(), secrets.token_bytes(SALT_BYTES)
            secret = await asyncio.to_thread(stretch, code, salt)
            put = partial(_put, wanted, (id_of(code), salt, secret), window, now)
            number, entry, _ = await self._db.write(put, self._made)
            if number is not None:
                opens, expires = window
                return Issued(
                    code=code,
                    number=number,
                    gateway=wanted.gateway,
                    site=wanted.site or entry.site,
                    opens=opens,
                    expires=expires,
                )
        raise FengsuiError("ENROLMENT_CODES_TAKEN")

    async def withdraw(self, number: int, by: str) -> Code | None:
        """End an open code; None: it is not open."""
        now = self._clock.now()

        def work(db: Tables) -> Code | None:
            code = codes.withdraw(db, number, now)
            if code is not None:
                _note(db, by, "ENROLMENT_CODE_WITHDRAWN", code.gateway, now, code=code.id)
            return code

        return await self._db.write(work)

    async def approve(self, gateway: str, answer: str, by: str) -> Key | HeldBoot:
        """Approve the key whose digits are `answer`, or let the held start `answer` go on.

        Raises NothingWaits, DigitsDiffer.
        """
        work = partial(ruling.approve, gateway, answer, by, self._clock.now())
        ruled = await self._db.write(work, self._ruled)
        if isinstance(ruled, FengsuiError):
            raise ruled
        return ruled

    async def refuse(self, gateway: str, boot: str | None, by: str) -> list[str]:
        """Refuse the keys that wait, or the held start `boot`. Raises NothingWaits."""
        work = partial(ruling.refuse, gateway, boot, by, self._clock.now())
        return await self._db.write(work, self._ruled)

    async def revoke(self, gateway: str, by: str) -> list[str]:
        """End every key, token and open code of the gateway. Raises NothingToRevoke."""
        work = partial(ruling.revoke, gateway, by, self._clock.now())
        return await self._db.write(work, self._ruled)

    async def picture(self) -> Picture:
        """Return codes, keys and held starts."""
        now = self._clock.now()

        def look(conn: sqlite3.Connection) -> Picture:
            return Picture(
                codes=codes.listed(conn, now), keys=keys.listed(conn), held=clones.listed(conn)
            )

        return await self._db.read(look)

    def _made(self, made: tuple[int | None, Entry, bool]) -> None:
        _, entry, new = made
        if new:
            self._created(entry)

    def _ruled(self, _: object) -> None:
        self._changed()


def _window(wanted: Wanted, now: int) -> tuple[int, int]:
    if wanted.order is None:
        return now, now + codes.VALID
    if wanted.opens is None or wanted.expires is None or wanted.site is None:
        raise OrderIncomplete
    if not (LINE.fullmatch(wanted.order.number) and LINE.fullmatch(wanted.order.installer)):
        raise OrderIncomplete
    opens, expires = wanted.opens, wanted.expires
    if expires <= now or not SHORTEST <= expires - opens <= codes.LONGEST:
        raise WindowRefused
    return opens, expires


def _put(
    wanted: Wanted,
    code: tuple[str, bytes, bytes],
    window: tuple[int, int],
    now: int,
    db: Tables,
) -> tuple[int | None, Entry, bool]:
    """Return the code's number (None: its beginning is taken), the gateway, whether it is new."""
    entry, new_one = _gateway(db, wanted, now)
    site = wanted.site or entry.site
    id_, salt, secret = code
    new = NewCode(
        id=id_,
        gateway=wanted.gateway,
        site=site,
        salt=salt,
        secret=secret,
        created=now,
        created_by=wanted.by,
        opens=window[0],
        expires=window[1],
        order=wanted.order,
    )
    number = codes.put(db, new)
    if number is not None:
        order = wanted.order
        _note(
            db,
            wanted.by,
            "ENROLMENT_CODE_MADE",
            wanted.gateway,
            now,
            code=id_,
            site=site or "",
            work_order=order.number if order else "",
            installer=order.installer if order else "",
        )
    return number, entry, new_one


def _gateway(db: Tables, wanted: Wanted, now: int) -> tuple[Entry, bool]:
    """Return the gateway, created where it is missing, and whether it was.

    Raises SiteDiffers, GatewayVirtual.
    """
    known = read_entry(db.conn, wanted.gateway)
    if db.execute("SELECT 1 FROM virtual_gateway WHERE name = ?", (wanted.gateway,)).fetchone():
        raise GatewayVirtual(gateway=wanted.gateway)
    if known is None:
        label = wanted.label or Label(wanted.gateway)
        made = Entry(wanted.gateway, label, wanted.site, now)
        insert_gateway(db, made)
        _note(db, wanted.by, "GATEWAY_CREATED", wanted.gateway, now, site=wanted.site or "")
        return made, True
    if wanted.site is not None and known.site is not None and wanted.site != known.site:
        raise SiteDiffers(gateway=wanted.gateway, site=known.site)
    return known, False


def _note(db: Tables, by: str, action: str, gateway: str, now: int, **detail: str) -> None:
    subject = f"gateway/{gateway}"
    audit.append(
        db, audit.Act(time=now, actor=by, action=action, subject=subject, detail=dict(detail))
    )
