"""The enrolment desk: what a gateway that nobody knows yet may ask.

hello -> (salt, nonce) -> proof -> the key waits for approval, or is active at once where a work
order approved beforehand. Nothing is said to whoever does not know the code but that it is no good;
which of unknown, used, too old, too early it was stands in the audit. Real time throughout.
"""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlite_utils import Database as Tables

from central import events
from central.database import Database
from central.effects import CollectorEvent, Effects
from central.enrolment import codes, keys
from central.enrolment.codes import Secret
from central.enrolment.greetings import Greeting, Greetings, Proved
from central.enrolment.keys import Key
from central.enrolment.refusals import (
    BeginAgain,
    CertificateUnknown,
    CodeRefused,
    EnrolmentLocked,
    KeyEnded,
    ProofRefused,
)
from central.identity import audit
from central.identity.lockout import Lockout
from protocols.clock import SECOND, Clock
from protocols.enrolment import Transcript, digits, proof, proves
from protocols.signing.keys import PublicKey
from protocols.wire.headers import new_nonce
from protocols.words import Value

WHO: Final = "enrolment"
"""Under which the lockout counts: five failures of an address, whatever codes it tried."""
ALIVE: Final = ("pending", "active", "held")


@dataclass(frozen=True, slots=True, kw_only=True)
class Itself:
    """What the collector says of itself; `ca` is its CA's SHA-256, None where it has none."""

    id: str
    key: str
    ca: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """The answer to a hello."""

    salt: bytes
    nonce: str
    itself: Itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Where a request comes from; `certificates` are those of ours it may have seen.

    `seen` is the one it says it was shown (in a hello).
    """

    address: str
    certificates: Sequence[str | None]
    seen: str | None = None


class EnrolmentDesk:
    """Takes hellos and proofs; `changed` is called when a key may have begun or ended to count."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        itself: Callable[[], Itself],
        changed: Callable[[], None],
        tell: Callable[[Effects], None],
    ) -> None:
        self._db = db
        self._clock = clock
        self._itself = itself
        self._changed = changed
        self._tell = tell
        self._lockout = Lockout()
        self._greetings = Greetings()

    async def hello(
        self, code_id: str, key: PublicKey, nonce: str, boot: str, visit: Visit
    ) -> Welcome:
        """Return the salt of an open code.

        Raises CodeRefused, EnrolmentLocked, CertificateUnknown (the code is still good).
        """
        self._admit(visit)
        now, itself = self._clock.now(), self._itself()
        secret = await self._db.glance(lambda conn: codes.find(conn, code_id, now))
        if secret is None:
            await self._fail(visit, "ENROLMENT_CODE_UNKNOWN", code_id)
            raise CodeRefused
        if visit.seen not in visit.certificates:
            await self._warn(secret, visit)
            raise CertificateUnknown
        greeting = Greeting(
            code_id=code_id,
            address=visit.address,
            key=key.encode(),
            gateway_nonce=nonce,
            collector_nonce=new_nonce(),
            boot=boot,
            made=now,
        )
        self._greetings.add(greeting)
        return Welcome(salt=secret.salt, nonce=greeting.collector_nonce, itself=itself)

    async def prove(self, code_id: str, nonce: str, shown: str, visit: Visit) -> Proved:
        """Take the proof for the hello that was answered with `nonce`.

        The same again is answered the same. Raises ProofRefused (the code is burnt by it),
        CodeRefused, BeginAgain, KeyEnded, EnrolmentLocked.
        """
        self._admit(visit)
        now = self._clock.now()
        greeting = self._greetings.find(code_id, nonce, now)
        if greeting is None:
            await self._fail(visit, "ENROLMENT_HELLO_UNKNOWN", code_id)
            raise BeginAgain
        if greeting.proved is not None and greeting.shown == shown:
            return greeting.proved
        secret = await self._db.glance(lambda conn: codes.find(conn, code_id, now))
        if secret is None:
            await self._fail(visit, "ENROLMENT_CODE_UNKNOWN", code_id)
            raise CodeRefused
        transcript = self._fitting(secret, greeting, shown, visit)
        if transcript is None:
            await self._burn(secret, greeting, visit)
            raise ProofRefused
        proved = await self._take(secret, greeting, transcript, visit)
        greeting.shown, greeting.proved = shown, proved
        self._lockout.succeeded(WHO, visit.address)
        return proved

    async def key(self, keyid: str) -> Key | None:
        """Return what is known of a key, for its own question after how it stands."""
        return await self._db.glance(lambda conn: keys.find(conn, keyid))

    def _fitting(
        self, secret: Secret, greeting: Greeting, shown: str, visit: Visit
    ) -> Transcript | None:
        for certificate in visit.certificates:
            transcript = self._transcript(greeting, certificate)
            if proves(secret.key, "gateway", transcript, shown):
                return transcript
        return None

    def _transcript(self, greeting: Greeting, certificate: str | None) -> Transcript:
        itself = self._itself()
        return Transcript(
            code_id=greeting.code_id,
            boot=greeting.boot,
            gateway_nonce=greeting.gateway_nonce,
            collector_nonce=greeting.collector_nonce,
            gateway_key=greeting.key,
            collector_id=itself.id,
            collector_key=itself.key,
            certificate=certificate,
        )

    async def _take(
        self, secret: Secret, greeting: Greeting, transcript: Transcript, visit: Visit
    ) -> Proved:
        code, now = secret.code, self._clock.now()
        public = PublicKey.parse(greeting.key)
        key = Key(
            keyid=public.keyid,
            gateway=code.gateway,
            alg=public.alg,
            public=public.raw,
            state="pending",
            created=now,
            approved_by=None,
            ended=None,
            boot_first=greeting.boot,
            code=code,
        )
        shown = digits(secret.key, transcript)
        state = await self._db.write(
            partial(_enter, key, (shown, visit.address), now), lambda _: self._changed()
        )
        return Proved(
            proof=proof(secret.key, "collector", transcript),
            gateway=code.gateway,
            site=code.site,
            state=state,
            digits=shown,
        )

    async def _burn(self, secret: Secret, greeting: Greeting, visit: Visit) -> None:
        now, code = self._clock.now(), secret.code
        self._lockout.failed(WHO, visit.address, now)
        detail: dict[str, Value] = {"address": visit.address, "code": code.id}
        detail["key"] = PublicKey.parse(greeting.key).keyid

        def burn(db: Tables) -> list[CollectorEvent]:
            if not codes.burn(db, code.number, now):
                return []  # somebody else ended it meanwhile
            audit.append(db, _act(now, "ENROLMENT_CODE_BURNT", code.gateway, detail))
            params = {"gateway": code.gateway, "code": code.id, "address": visit.address}
            kind, what = events.SECURITY, "ENROLMENT_CODE_BURNT"
            return [events.record(db, (now, now), kind, what, code.gateway, params)]

        await self._db.write(burn, self._heard)

    async def _warn(self, secret: Secret, visit: Visit) -> None:
        """Somebody between may be an honest proxy; who looks after the site has to know."""
        now, gateway = self._clock.now(), secret.code.gateway
        detail: dict[str, Value] = {"address": visit.address, "seen": visit.seen or ""}

        def warn(db: Tables) -> list[CollectorEvent]:
            audit.append(db, _act(now, "ENROLMENT_CERTIFICATE_UNKNOWN", gateway, detail))
            kind, what = events.SECURITY, "ENROLMENT_BETWEEN"
            params: dict[str, Value] = {"address": visit.address}
            return events.record_once(db, now, kind, what, gateway, params)

        await self._db.write(warn, self._heard)

    async def _fail(self, visit: Visit, action: str, code_id: str) -> None:
        now = self._clock.now()
        wait = -(-self._lockout.failed(WHO, visit.address, now) // SECOND)

        def note(db: Tables) -> list[CollectorEvent]:
            detail: dict[str, Value] = {"address": visit.address, "wait_s": wait}
            detail["reason"] = _reason(db.conn, code_id, now)
            act = audit.Act(
                time=now, actor=WHO, action=action, subject=f"code/{code_id}", detail=detail
            )
            audit.append(db, act)
            if not wait:
                return []
            params: dict[str, Value] = {"address": visit.address, "seconds": wait}
            kind, what = events.SECURITY, "ENROLMENT_GUESSED"
            return events.record_once(db, now, kind, what, visit.address, params)

        await self._db.write(note, self._heard)

    def _heard(self, happened: list[CollectorEvent]) -> None:
        if happened:
            self._tell(Effects(events=happened))

    def _admit(self, visit: Visit) -> None:
        wait = self._lockout.wait(WHO, visit.address, self._clock.now())
        if wait:
            raise EnrolmentLocked(seconds=-(-wait // SECOND))


def _enter(key: Key, seen: tuple[str, str], now: int, db: Tables) -> str:
    """Use the code up and keep the key, or nothing of both; return how the key stands."""
    code = key.code
    if code is None:
        raise AssertionError("a key comes in by a code")
    shown, address = seen
    known = keys.find(db.conn, key.keyid)
    if known is not None and (known.gateway != key.gateway or known.state not in ALIVE):
        raise KeyEnded(keyid=key.keyid)
    if not codes.use(db, code.number, key.keyid, shown, now):
        raise CodeRefused
    detail: dict[str, Value] = {"address": address, "code": code.id, "key": key.keyid}
    audit.append(db, _act(now, "ENROLMENT_PROVED", key.gateway, detail))
    if known is None:
        keys.put(db, key)
    elif known.state != "pending":
        return known.state  # the same hardware lost what it knew of us
    if (order := code.order) is None:
        return "pending"
    ended = keys.activate(db, key, f"work-order/{order.number}", now)
    detail = {"key": key.keyid, "work_order": order.number, "installer": order.installer}
    detail["ended"] = ", ".join(ended)
    audit.append(db, _act(now, "GATEWAY_KEY_APPROVED", key.gateway, detail))
    return "active"


def _act(now: int, action: str, gateway: str, detail: dict[str, Value]) -> audit.Act:
    subject = f"gateway/{gateway}"
    return audit.Act(time=now, actor=WHO, action=action, subject=subject, detail=detail)


def _reason(conn: sqlite3.Connection, code_id: str, now: int) -> str:
    """Return what became of the newest code that begins like this, for the audit only."""
    found = [code for code in codes.listed(conn, now) if code.id == code_id]
    if not found:
        return "unknown"
    return "early" if found[0].state == "open" and found[0].opens > now else found[0].state
