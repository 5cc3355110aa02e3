"""Who the collector is and which certificates are its: open, signed, the same for everybody."""

from typing import Final

from fastapi import APIRouter, Request, Response

from central.api.errors import ApiError
from central.api.models.trust import Trust
from central.api.rooms import House
from protocols.tls.statement import PATH
from protocols.wire.fields import HEX128
from protocols.wire.headers import NONCE

router: Final = APIRouter(tags=["trust"])
NOBODY_ASKED: Final = "0" * 32


@router.get(PATH, response_model=Trust)
async def trust(house: House, request: Request) -> Response:
    """Return the statement of trust (docs/wire.md section 12), over the number the caller made up.

    Holds nothing secret: CA certificates, the collector's public key, its time.
    """
    nonce = request.headers.get(NONCE, NOBODY_ASKED)
    if not HEX128.fullmatch(nonce):
        raise ApiError(422, "INVALID", problems=NONCE)
    return Response(house.trust.statement(nonce), media_type="application/json")
