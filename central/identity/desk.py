"""The front desk: lets people in and out and says who stands behind a request.

Real time throughout (`clock` is the machine's, also when the collector runs on a story). Every
login, refusal and logout is in the audit, in the transaction of the act where there is one.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from sqlite_utils import Database as Tables

from central.database import Database
from central.identity import audit, gateway_keys, persons, sessions, tokens
from central.identity.lockout import Lockout
from central.identity.passwords import Passwords
from central.identity.principal import Kind, Principal
from central.identity.recognised import STANDS, Recognised
from central.identity.secrets import stored
from central.identity.signatures import SignatureRefused, Signatures
from protocols.clock import SECOND, Clock
from protocols.errors import FengsuiError


class LoginRefused(FengsuiError):
    """Name or password wrong; which of the two is not said."""

    code = "LOGIN_REFUSED"


class LinkRefused(FengsuiError):
    """The link is unknown, was used, or is older than ten minutes; which is not said."""

    code = "LINK_REFUSED"


class LoginLocked(FengsuiError):
    """Too many failures; `seconds` says when to try again."""

    code = "LOGIN_LOCKED"
    retry = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Where a login comes from, and the session token it already carries, which it replaces."""

    address: str
    replaces: str | None = None


class FrontDesk:
    """Logins, logouts and the recognition of sessions and tokens."""

    def __init__(self, db: Database, clock: Clock, passwords: Passwords | None = None) -> None:
        self._db = db
        self.clock = clock
        self._passwords = passwords or Passwords()
        self._lockout = Lockout()
        self.signatures = Signatures(db)
        self._gateways: dict[str, Principal] = {}
        self._revocations = 0
        # Apart: a session is no bearer's, and no token stands in a cookie.
        self._sessions, self._tokens = Recognised(), Recognised()
        self.guessed: Callable[[str, int], None] = _nobody
        """Hears at once that an address is locked, and how many failures led to it."""

    async def login(self, name: str, password: str, visit: Visit) -> str:
        """Return a new session's token. Raises LoginRefused, LoginLocked, TooManyLogins."""
        self._admit(name, visit)
        known = await self._db.glance(lambda conn: persons.password_hash(conn, name))
        if not await self._passwords.verify(password, known):
            # Counted as it was typed, so that no wait tells whether there is such a person; but
            # not written down: what stands there may be a password.
            await self._refuse(name, "LOGIN_FAILED", visit, shown=name if known else "")
            raise LoginRefused
        self._lockout.succeeded(name, visit.address)
        now = self.clock.now()
        return await self._db.write(lambda db: _enter(db, name, "LOGIN", visit, now))

    async def login_by_link(self, code: str, visit: Visit) -> str:
        """Use up a one-time link and return a new session's token. LinkRefused, LoginLocked."""
        self._admit("", visit)
        now = self.clock.now()

        def use(db: Tables) -> str | None:
            name = persons.use_link(db, code, now)
            return None if name is None else _enter(db, name, "LOGIN_BY_LINK", visit, now)

        token = await self._db.write(use)
        if token is None:
            await self._refuse("", "LINK_FAILED", visit)
            raise LinkRefused
        return token

    async def logout(self, who: Principal) -> None:
        """End the session at once."""
        act = audit.Act(time=self.clock.now(), actor=who.name, action="LOGOUT", subject=who.name)

        def leave(db: Tables) -> None:
            sessions.end(db, who.credential)
            audit.append(db, act)

        await self._db.write(leave)

    def recognised(self, token: str) -> Principal | None:
        """Return who the session was a moment ago; None: the tables know."""
        return self._sessions.find(stored(token), self._db.changes, self.clock.now())

    async def by_session(self, token: str) -> Principal | None:
        """Return who the session is, and note that it was used."""
        now, key, changes = self.clock.now(), stored(token), self._db.changes
        if (known := self._sessions.find(key, changes, now)) is not None:
            return known
        found = await self._db.glance(lambda conn: sessions.find(conn, key, now))
        if found is None:
            return None
        who, until = found
        if until <= now:
            await self._db.write(lambda db: sessions.touch(db, key, now))
        elif changes == self._db.changes:
            self._sessions.put(key, who, changes, (now, until))
        return who

    async def by_token(self, token: str) -> Principal | None:
        """Return whom an API token stands for.

        A gateway, a virtual one too, is known from memory after its first request. Only this
        process writes: `revoked` forgets at once. Raises SignatureRefused KEY_REQUIRED for a
        gateway that has a key.
        """
        key = stored(token)
        if (known := self._gateways.get(key)) is not None:
            return known
        revocations, changes, now = self._revocations, self._db.changes, self.clock.now()
        if (known := self._tokens.find(key, changes, now)) is not None:
            return known
        who, has_key = await self._db.glance(lambda conn: _by_token(conn, key))
        if who is not None and has_key:
            raise SignatureRefused("KEY_REQUIRED", gateway=who.name)
        machine = who is not None and who.kind in (Kind.GATEWAY, Kind.READINGS)
        if who is not None and machine and revocations == self._revocations:
            self._gateways[key] = who
        elif who is not None and not machine and changes == self._db.changes:
            self._tokens.put(key, who, changes, (now, now + STANDS))
        return who

    def revoked(self) -> None:
        """Take note, after the commit, that some token or key no longer stands, or a key began to.

        The very next request is judged by it.
        """
        self._revocations += 1
        self._gateways.clear()
        self.signatures.forget()

    async def still(self, who: Principal) -> Principal | None:
        """Return the same caller as it is now (rights may have changed); None: it is out."""
        now = self.clock.now()

        def again(conn: sqlite3.Connection) -> Principal | None:
            found = sessions.find(conn, who.credential, now)
            return found[0] if found else tokens.find(conn, who.credential)

        return await self._db.glance(again)

    def _admit(self, name: str, visit: Visit) -> None:
        wait = self._lockout.wait(name, visit.address, self.clock.now())
        if wait:
            raise LoginLocked(seconds=-(-wait // SECOND))

    async def _refuse(self, name: str, action: str, visit: Visit, shown: str = "") -> None:
        now = self.clock.now()
        wait = self._lockout.failed(name, visit.address, now)
        act = audit.Act(
            time=now,
            actor=shown,
            action=action,
            subject=shown,
            detail={"address": visit.address, "wait_s": -(-wait // SECOND)},
        )
        if wait:
            self.guessed(visit.address, self._lockout.led_to_it(name, visit.address))
        await self._db.write(lambda db: audit.append(db, act))


def _nobody(_: str, __: int) -> None:
    """Nobody listens."""


def _by_token(conn: sqlite3.Connection, key: str) -> tuple[Principal | None, bool]:
    """Return whom the token stands for, and whether a gateway's key has taken its place."""
    who = tokens.find(conn, key)
    gateway = who is not None and who.kind is Kind.GATEWAY
    return who, gateway and who is not None and gateway_keys.has_active(conn, who.name)


def _enter(db: Tables, name: str, action: str, visit: Visit, now: int) -> str:
    if visit.replaces is not None:
        sessions.end(db, stored(visit.replaces))
    detail = {"address": visit.address}
    audit.append(db, audit.Act(time=now, actor=name, action=action, subject=name, detail=detail))
    return sessions.start(db, name, now)
