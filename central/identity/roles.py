"""Roles and what each may do: one table, deny by default.

A permission that is not in a role's row is refused. Duties are kept apart: the auditor reads
everything and changes nothing; the audit itself nobody can change, the administrator included.
"""

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What a person or a token is trusted with."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ENGINEER = "engineer"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"
    ENTERPRISE = "enterprise"


class Permission(StrEnum):
    """What a route asks for."""

    SESSION = "session"
    """Know oneself, log out."""
    READ = "read"
    """Sites, points, values, alarms, within the scope."""
    EVENTS = "events"
    """Faults, losses and security events."""
    ACKNOWLEDGE = "acknowledge"
    """Say that an alarm was seen, reset it, say what it turned out to be, comment on it."""
    SHELVE = "shelve"
    """Shelve alarms for a time, and end shelves; confirm another person's."""
    SUPPRESS = "suppress"
    """Suppress alarms, and take them out of service by a permit or a filing: with no end."""
    METRICS = "metrics"
    DEMO = "demo"
    """Pull and plug the demonstration's cables."""
    GATEWAYS = "gateways"
    """Create gateways."""
    APPROVE = "approve"
    """Let a gateway in that has proved its code, or keep it out."""
    CALENDAR = "calendar"
    """Enter, end and withdraw filings and platform faults: they decide what counts as owed."""
    RULES = "rules"
    """Change, confirm, attach and retire rules: they decide what raises an alarm."""
    STORE = "store"
    """Put back or dismiss what the store set aside as damaged."""
    TOKENS = "tokens"
    """Create, list and revoke API tokens; by a session only, so that no token mints another."""
    AUDIT = "audit"
    INGEST = "ingest"
    """Deliver; held by gateway tokens and by no role."""
    READINGS = "readings"
    """Hand in readings and describe points; held by a virtual gateway's tokens and by no role."""


_WATCH: Final = frozenset({Permission.SESSION, Permission.READ, Permission.EVENTS})
_OPERATE: Final = (
    _WATCH | {Permission.ACKNOWLEDGE, Permission.SHELVE} | {Permission.METRICS, Permission.DEMO}
)
_ENGINEER: Final = (
    _OPERATE | {Permission.SUPPRESS, Permission.APPROVE} | {Permission.CALENDAR, Permission.RULES}
)

PERMISSIONS: Final[dict[Role, frozenset[Permission]]] = {
    Role.VIEWER: _WATCH | {Permission.METRICS},
    Role.OPERATOR: _OPERATE,
    Role.ENGINEER: _ENGINEER,
    Role.ADMINISTRATOR: _ENGINEER
    | {Permission.GATEWAYS, Permission.TOKENS, Permission.AUDIT, Permission.STORE},
    Role.AUDITOR: _WATCH | {Permission.METRICS, Permission.AUDIT},
    Role.ENTERPRISE: _WATCH,
}

SESSION_ONLY: Final = frozenset({Permission.TOKENS, Permission.GATEWAYS, Permission.APPROVE})
"""Acts on identity: a stolen token must not be able to mint another one."""
