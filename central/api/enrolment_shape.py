"""Codes, keys and held starts as the API's models."""

import base64
from collections.abc import Callable
from dataclasses import asdict
from typing import cast

from central.api import models
from central.api.models.enrolment import KeyState
from central.enrolment import qr
from central.enrolment.acts import Issued, Picture
from central.enrolment.keys import Key
from central.enrolment.office import Office
from protocols.enrolment import Invitation, show_code, write_invitation


def code_made(issued: Issued, office: Office, asked_under: str) -> models.CodeMade:
    """Return a new code with what its sheet shows; `asked_under` where no address is configured."""
    url = office.url or asked_under.rstrip("/")
    text = write_invitation(Invitation(url=url, ca=office.itself().ca, code=issued.code))
    size, path = qr.drawing(text)
    return models.CodeMade(
        number=issued.number,
        code=show_code(issued.code),
        gateway=issued.gateway,
        site=issued.site,
        opens=issued.opens,
        expires=issued.expires,
        text=text,
        qr=base64.b64encode(qr.png(text)).decode(),
        drawing=models.Drawing(size=size, path=path),
        url=url,
        url_configured=office.url is not None,
        now=office.clock.now(),
    )


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
