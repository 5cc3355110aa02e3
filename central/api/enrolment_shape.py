"""Codes, keys and held starts as the API's models."""

from collections.abc import Callable
from dataclasses import asdict
from typing import cast

from central.api import models
from central.api.models.enrolment import KeyState
from central.enrolment.acts import Picture
from central.enrolment.keys import Key


def picture(source: Picture, sees: Callable[[str], bool]) -> models.Enrolment:
    """Return what concerns gateways that `sees` lets through."""
    return models.Enrolment(
        codes=[
            models.Code.model_validate(code, from_attributes=True)
            for code in source.codes
            if sees(code.gateway)
        ],
        keys=[_key(key) for key in source.keys if sees(key.gateway)],
        held=[
            models.HeldStart.model_validate(asdict(held))
            for held in source.held
            if sees(held.gateway)
        ],
    )


def _key(key: Key) -> models.Key:
    code = key.code
    return models.Key(
        keyid=key.keyid,
        gateway=key.gateway,
        state=cast(KeyState, key.standing),
        created=key.created,
        approved_by=key.approved_by,
        ended=key.ended,
        digits=code.digits if code and key.state == "pending" else None,
        work_order=code.work_order if code else None,
        installer=code.installer if code else None,
    )
