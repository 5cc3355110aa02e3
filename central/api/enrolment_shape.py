"""Codes, keys and held starts as the API's models."""

from collections.abc import Callable
from dataclasses import asdict
from typing import cast

from central.api import models
from central.api.models.enrolment import KeyState
from central.enrolment.acts import Picture
from central.enrolment.keys import Key


def picture(
    source: Picture, sees: Callable[[str], bool], now: int, *, approver: bool
) -> models.Enrolment:
    """Return what concerns gateways that `sees` lets through; codes and digits for an approver.

    Whoever knows how a code begins can spoil it, and who knows the digits need not be read them.
    """
    return models.Enrolment(
        now=now,
        codes=[
            models.Code.model_validate(code, from_attributes=True)
            for code in source.codes
            if approver and sees(code.gateway)
        ],
        keys=[_key(key, approver=approver) for key in source.keys if sees(key.gateway)],
        held=[
            models.HeldStart.model_validate(asdict(held))
            for held in source.held
            if sees(held.gateway)
        ],
    )


def _key(key: Key, *, approver: bool) -> models.Key:
    code = key.code
    return models.Key(
        keyid=key.keyid,
        gateway=key.gateway,
        state=cast(KeyState, key.standing),
        created=key.created,
        approved_by=key.approved_by,
        approved=key.approved,
        ended=key.ended,
        digits=code.digits if approver and code and key.state == "pending" else None,
        work_order=code.work_order if code else None,
        installer=code.installer if code else None,
    )
