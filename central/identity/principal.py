"""Who stands behind a request: name, roles and the sites it may see."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from central.identity.roles import PERMISSIONS, SESSION_ONLY, Permission, Role


class Kind(StrEnum):
    """How a principal proved itself."""

    SESSION = "session"
    PERSON = "person"  # an API token that acts for a person
    SYSTEM = "system"
    GATEWAY = "gateway"
    READINGS = "readings"  # hands in the readings of one virtual gateway


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """One caller. `scope` None: every site; otherwise the sites it may see, possibly none.

    `credential` is the hash its session or token is stored under, so that a long answer can ask
    again whether it still stands.
    """

    name: str
    kind: Kind
    roles: frozenset[Role] = frozenset()
    scope: frozenset[str] | None = frozenset()
    gateway: str | None = None
    credential: str = ""

    def may(self, permission: Permission) -> bool:
        """Return whether one of the roles grants `permission` (a gateway may deliver, only)."""
        if self.kind is Kind.GATEWAY:
            return permission is Permission.INGEST
        if self.kind is Kind.READINGS:
            return permission is Permission.READINGS
        if permission in SESSION_ONLY and self.kind is not Kind.SESSION:
            return False
        return any(permission in PERMISSIONS[role] for role in self.roles)

    @property
    def sees_all(self) -> bool:
        """Whether the scope is everything."""
        return self.scope is None

    def sees(self, site: str) -> bool:
        """Return whether `site` is in scope."""
        return self.scope is None or site in self.scope

    def narrow(self, sites: Iterable[str] | None) -> frozenset[str] | None:
        """Return the asked-for sites that are in scope; None: no limit at all."""
        if sites is None:
            return self.scope
        asked = frozenset(sites)
        return asked if self.scope is None else asked & self.scope


@lru_cache(maxsize=256)
def read_roles(text: str) -> frozenset[Role]:
    """Read roles as stored (a JSON list)."""
    return frozenset(Role(name) for name in json.loads(text))


@lru_cache(maxsize=256)
def read_scope(text: str | None, roles: frozenset[Role]) -> frozenset[str] | None:
    """Read a scope as stored: NULL is every site, `{"sites": [...]}` those.

    An enterprise without a stated scope sees nothing, never everything.
    """
    if text is None:
        return frozenset() if roles <= {Role.ENTERPRISE} else None
    return frozenset(json.loads(text)["sites"])


def write_roles(roles: Iterable[Role]) -> str:
    """Return roles as stored."""
    return json.dumps(sorted(roles))


def write_scope(scope: Iterable[str] | None) -> str | None:
    """Return a scope as stored."""
    return None if scope is None else json.dumps({"sites": sorted(scope)})
