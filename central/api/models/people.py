"""Sessions, tokens and the audit."""

from typing import Literal

from pydantic import Field

from central.api.models.words import Answer, Asked, ClockNow, Name, Params
from central.api.times import Time
from central.identity.roles import Role


class Scope(Answer):
    """The sites a person may see."""

    sites: list[str]


class Person(Answer):
    """Who is logged in; `scope` null is every site."""

    name: str
    roles: list[Role]
    scope: Scope | None


class Session(Answer):
    """The person behind the cookie, and the collector's clock."""

    person: Person
    version: str
    clock: ClockNow


class Login(Asked):
    """Name and password."""

    name: str = Field(min_length=1, max_length=128)
    password: str = Field(min_length=1, max_length=1024)


class LinkLogin(Asked):
    """The code of a one-time login link."""

    code: str = Field(min_length=1, max_length=128)


class Token(Answer):
    """An API token; its secret is shown once, at creation."""

    id: str
    name: str
    kind: Literal["person", "system", "gateway", "readings"]
    roles: list[Role]
    scope: Scope | None
    gateway: str | None
    person: str | None
    created: Time
    created_by: str
    revoked: Time | None


class Tokens(Answer):
    """Every API token, newest first."""

    items: list[Token]


class NewToken(Asked):
    """A token to make: `person` acts for its maker, `system` for a machine of the city's."""

    name: str = Field(min_length=1, max_length=64)
    kind: Literal["person", "system"]
    roles: list[Role] = Field(min_length=1, max_length=len(Role))
    sites: list[Name] | None = Field(default=None, max_length=1000)


class TokenMade(Answer):
    """A new token; this is the only time its secret is shown."""

    id: str
    name: str
    token: str


class AuditLine(Answer):
    """One act; `hash` is sha256 over the line before and this one."""

    id: int
    time: Time
    actor: str
    action: str
    subject: str
    detail: Params
    prev: str
    hash: str


class AuditPage(Answer):
    """Newest first; `next` is the cursor of the following page."""

    items: list[AuditLine]
    next: str | None
