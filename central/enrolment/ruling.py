"""What a person decides about a key or a held start, and what follows from it, in one transaction.

Runs in the writer thread.
"""

import re
from typing import Final

from sqlite_utils import Database as Tables

from central.enrolment import clones, codes, keys
from central.enrolment.clones import HeldBoot
from central.enrolment.keys import Key
from central.identity import audit, tokens
from protocols.enrolment import DIGITS
from protocols.errors import FengsuiError
from protocols.words import Value

BOOT: Final = re.compile(r"[0-9a-f]{32}")


class NothingWaits(FengsuiError):
    """No key and no start of this gateway waits for a decision."""

    code = "ENROLMENT_NOTHING_WAITS"


class DigitsDiffer(FengsuiError):
    """What waits shows other digits: do not approve, somebody else may stand in between."""

    code = "ENROLMENT_DIGITS_DIFFER"


class NothingToRevoke(FengsuiError):
    """The gateway has no key and no token."""

    code = "ENROLMENT_NOTHING_TO_REVOKE"


def approve(
    gateway: str, answer: str, by: str, now: int, db: Tables
) -> Key | HeldBoot | DigitsDiffer:
    """Approve the key with these six digits, or the held start with this id.

    Digits that differ are returned, not raised, so that their line in the audit stays.
    Raises NothingWaits.
    """
    if BOOT.fullmatch(answer):
        return _decide(db, gateway, answer, (by, now), approved=True)
    waiting = keys.of_gateway(db.conn, gateway, ("pending",))
    if not waiting:
        raise NothingWaits(gateway=gateway)
    wanted = "".join(answer.split())
    fits = [key for key in waiting if key.code is not None and key.code.digits == wanted]
    if not DIGITS.fullmatch(wanted) or not fits:
        _note(db, (by, now), "ENROLMENT_DIGITS_DIFFER", gateway)
        return DigitsDiffer(gateway=gateway)
    ended = keys.activate(db, fits[0], by, now)
    detail: dict[str, Value] = {"key": fits[0].keyid, "ended": ", ".join(ended)}
    _note(db, (by, now), "GATEWAY_KEY_APPROVED", gateway, detail)
    return fits[0]


def refuse(gateway: str, boot: str | None, by: str, now: int, db: Tables) -> list[str]:
    """Refuse every key that waits, or the held start `boot`. Raises NothingWaits."""
    if boot is not None:
        _decide(db, gateway, boot, (by, now), approved=False)
        return [boot]
    waiting = keys.of_gateway(db.conn, gateway, ("pending",))
    if not waiting:
        raise NothingWaits(gateway=gateway)
    for key in waiting:
        keys.end(db, key.keyid, now)
        _note(db, (by, now), "GATEWAY_KEY_REFUSED", gateway, {"key": key.keyid})
    return [key.keyid for key in waiting]


def revoke(gateway: str, by: str, now: int, db: Tables) -> list[str]:
    """End every key, token and open code of the gateway: nothing older comes back to life.

    A gateway is stolen with the paper beside it, and a work order's code lets in unasked.
    Raises NothingToRevoke.
    """
    ended = keys.of_gateway(db.conn, gateway, ("pending", "active", "held"))
    for key in ended:
        keys.end(db, key.keyid, now)
        _note(db, (by, now), "GATEWAY_KEY_REVOKED", gateway, {"key": key.keyid})
    standing = tokens.of_gateway(db.conn, gateway)
    for token in standing:
        tokens.revoke(db, token, now)
        subject, detail = f"token/{token}", {"name": gateway}
        act = audit.Act(time=now, actor=by, action="TOKEN_REVOKED", subject=subject, detail=detail)
        audit.append(db, act)
    open_codes = codes.withdraw_open(db, gateway, now)
    for code in open_codes:
        _note(db, (by, now), "ENROLMENT_CODE_WITHDRAWN", gateway, {"code": code})
    if not ended and not standing and not open_codes:
        raise NothingToRevoke(gateway=gateway)
    return [key.keyid for key in ended]


def _decide(
    db: Tables, gateway: str, boot: str, by: tuple[str, int], *, approved: bool
) -> HeldBoot:
    found = clones.find(db.conn, gateway, boot)
    if found is None:
        raise NothingWaits(gateway=gateway)
    clones.decide(db, found, *by, approved=approved)
    action = "HELD_START_APPROVED" if approved else "HELD_START_REFUSED"
    _note(db, by, action, gateway, {"boot": boot, "key": found.keyid})
    return found


def _note(
    db: Tables,
    by: tuple[str, int],
    action: str,
    gateway: str,
    detail: dict[str, Value] | None = None,
) -> None:
    actor, now = by
    subject = f"gateway/{gateway}"
    act = audit.Act(time=now, actor=actor, action=action, subject=subject, detail=detail or {})
    audit.append(db, act)
