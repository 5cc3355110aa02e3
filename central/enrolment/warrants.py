"""Gateways that a restored backup does not know come back by their warrant (入网凭证).

Approvals after the backup are gone with what was restored. A gateway shows the warrant the
collector gave it then; it counts only where such a loss is on record, for the time that was lost,
and never against what is known. Revocations of that time are lost too: each return is told, so that
a person can look. Runs on the machine's own time.
"""

import json
import logging
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlite_utils import Database as Tables

from central import events
from central.database import Database
from central.effects import CollectorEvent, Effects
from central.enrolment import keys
from central.enrolment.keys import Key
from central.registry import Entry, insert_gateway, read_entry
from protocols.clock import Clock
from protocols.errors import FengsuiError, WireError
from protocols.signing.keys import PublicKey, Signer
from protocols.warrant import Warrant, write
from protocols.words import Label, Value

logger = logging.getLogger(__name__)

ACTOR: Final = "warrant"
COUNTS: Final = ("active", "held")


class WarrantRefused(FengsuiError):
    """The warrant does not bring the key back; `reason` says which rule."""

    code = "WARRANT_REFUSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoration:
    """What a restore lost: everything after `backup` and up to `restored` (µs UTC).

    `ended`: keys that were revoked or replaced in that time, as far as the database that was put
    aside could still be read.
    """

    backup: int
    restored: int
    ended: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What this database knows of the key a warrant names, and of its gateway.

    `others`: state, time of approval and of the end of the gateway's other keys that were ever
    approved.
    """

    collector: str
    key: Key | None = None
    others: Sequence[tuple[str, int, int | None]] = ()
    virtual: bool = False
    restorations: Sequence[Restoration] = ()


def refusal(warrant: Warrant, known: Standing) -> str | None:
    """Return why the key stays out; None: it comes back, or counts already."""
    key = known.key
    if warrant.collector != known.collector:
        return "collector"
    if key is not None and key.gateway != warrant.gateway:
        return "gateway"
    if key is not None and key.state in COUNTS:
        return None
    if key is not None and key.state != "pending":
        return "ended"
    return "gateway" if known.virtual else _not_lost(warrant, known)


def _not_lost(warrant: Warrant, known: Standing) -> str | None:
    """Return why the approval is none that a restore lost, or what was decided since."""
    lost = [each for each in known.restorations if each.backup < warrant.approved <= each.restored]
    if not lost:
        return "not_lost"
    keyid = PublicKey.parse(warrant.key).keyid
    if any(keyid in each.ended for each in known.restorations):
        return "ended"
    if any(state in COUNTS and at >= warrant.approved for state, at, _ in known.others):
        return "newer"
    since = min(each.restored for each in lost)
    if any(state == "revoked" and (ended or 0) > since for state, _, ended in known.others):
        return "revoked_since"
    return None


class Warrants:
    """Gives warrants out and takes them; `changed`, `created`, `tell` as for the office."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        who: tuple[str, Signer],
        changed: Callable[[], None],
        created: Callable[[Entry], None],
        tell: Callable[[Effects], None],
    ) -> None:
        self._db = db
        self._clock = clock
        self._collector, self._signer = who
        self._changed = changed
        self._created = created
        self._tell = tell

    async def of(self, keyid: str) -> bytes | None:
        """Return the warrant of a key; None for one that does not count now."""
        found = await self._db.glance(lambda conn: _warrant(conn, keyid, self._collector))
        try:
            return None if found is None else write(found, self._signer)
        except WireError as exc:  # a label that is no text; the key counts all the same
            logger.warning("no warrant for %s: %s", keyid, exc)
            return None

    async def take(self, warrant: Warrant, public: PublicKey, address: str) -> Key:
        """Let the key come back that signed the request. Raises WarrantRefused.

        The caller has checked both signatures: the key's and, on the warrant, the collector's.
        """
        now = self._clock.now()

        def work(db: Tables) -> _Taken:
            return _take(db, warrant, public, (self._collector, address), now)

        taken = await self._db.write(work, self._heard)
        if taken.key is None:
            raise WarrantRefused(gateway=warrant.gateway, reason=taken.reason)
        return taken.key

    def _heard(self, taken: "_Taken") -> None:
        if taken.entry is not None:
            self._created(taken.entry)
        if taken.back:
            self._changed()
        if taken.events:
            self._tell(Effects(events=taken.events))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    events: list[CollectorEvent]
    key: Key | None = None
    reason: str = ""
    entry: Entry | None = None
    back: bool = False


def _take(
    db: Tables, warrant: Warrant, public: PublicKey, about: tuple[str, str], now: int
) -> _Taken:
    collector, address = about
    standing = _standing(db.conn, warrant, public.keyid, collector)
    reason, subject = refusal(warrant, standing), warrant.gateway
    said: dict[str, Value] = {"gateway": subject, "key": public.keyid, "address": address}
    if reason is not None:
        said["reason"] = reason
        told = events.record_once(db, now, events.SECURITY, "WARRANT_REFUSED", subject, said)
        return _Taken(events=told, reason=reason)
    if standing.key is not None and standing.key.state != "pending":
        return _Taken(events=[], key=standing.key)
    entry = read_entry(db.conn, warrant.gateway)
    made = None
    if entry is None:
        made = Entry(warrant.gateway, warrant.label, warrant.site, now)
        insert_gateway(db, made)
    key = standing.key or Key(
        keyid=public.keyid,
        gateway=warrant.gateway,
        alg=public.alg,
        public=public.raw,
        state="pending",
        created=warrant.approved,
        approved_by=None,
        ended=None,
        boot_first=None,
    )
    keys.put(db, key)
    ended = keys.activate(db, key, warrant.approved_by, now)
    # It counts from when it was approved, so that a younger one is known as such.
    db.execute("UPDATE gateway_key SET approved = ? WHERE keyid = ?", (warrant.approved, key.keyid))
    said |= {"approved": warrant.approved, "approved_by": warrant.approved_by}
    said["ended"] = ", ".join(ended)
    # Told as a matter of security, and so entered in the audit too.
    told = [events.record(db, (now, now), events.SECURITY, "GATEWAY_CAME_BACK", subject, said)]
    found = keys.find(db.conn, key.keyid)
    return _Taken(events=told, key=found, entry=made, back=True)


def _standing(conn: sqlite3.Connection, warrant: Warrant, keyid: str, collector: str) -> Standing:
    others = conn.execute(
        "SELECT state, coalesce(approved, created), ended FROM gateway_key "
        "WHERE gateway = ? AND keyid <> ? AND approved_by IS NOT NULL",
        (warrant.gateway, keyid),
    ).fetchall()
    virtual = conn.execute("SELECT 1 FROM virtual_gateway WHERE name = ?", (warrant.gateway,))
    rows = conn.execute("SELECT backup, restored, ended FROM restoration ORDER BY number")
    return Standing(
        collector=collector,
        key=keys.find(conn, keyid),
        others=others,
        virtual=virtual.fetchone() is not None,
        restorations=[
            Restoration(backup=row[0], restored=row[1], ended=frozenset(json.loads(row[2])))
            for row in rows
        ],
    )


def _warrant(conn: sqlite3.Connection, keyid: str, collector: str) -> Warrant | None:
    row = conn.execute(
        "SELECT g.name, g.label, g.site, k.alg, k.public, coalesce(k.approved, k.created), "
        "k.approved_by FROM gateway_key k JOIN gateway g ON g.name = k.gateway "
        "WHERE k.keyid = ? AND k.state IN ('active', 'held')",
        (keyid,),
    ).fetchone()
    if row is None:
        return None
    return Warrant(
        collector=collector,
        gateway=row[0],
        key=PublicKey(row[3], row[4]).encode(),
        site=row[2],
        label=Label(*json.loads(row[1])),
        approved=row[5],
        approved_by=row[6] or ACTOR,
    )
