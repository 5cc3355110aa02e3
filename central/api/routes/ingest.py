"""What a gateway delivers (docs/wire.md): bytes in, the collector's answer out.

Only a gateway's own token comes this far, and everything it says is held against that gateway. A
refusal of batches has the answer's shape too, so that the gateway can tell it from a proxy's page.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Request, Response

from central.api.access import principal
from central.api.delivery import deliver
from central.api.rooms import House
from central.identity.principal import Principal
from central.identity.roles import Permission
from central.ingest.request import IngestRequest
from protocols.wire.cursors import encode_cursors
from protocols.wire.headers import CHAIN, CLOCK, CONTENT_DIGEST, LANE, NONCE

router: Final = APIRouter(prefix="/api/v1/ingest", tags=["ingest"])
Sender = Annotated[Principal, principal(Permission.INGEST)]
BINARY: Final = {"requestBody": {"required": True, "content": {"application/octet-stream": {}}}}


@router.put("/manifests/{digest}", openapi_extra=BINARY)
async def put_manifest(who: Sender, house: House, digest: str, request: Request) -> Response:
    """Take a manifest the collector did not know; 400 when it is not what `digest` names."""
    encoding = request.headers.get("content-encoding", "")
    await house.collector.ingest.put_manifest(who.name, digest, await request.body(), encoding)
    return Response()


@router.put("/streams/{stream}", openapi_extra=BINARY)
async def put_stream(who: Sender, house: House, stream: str, request: Request) -> Response:
    """Take a stream's opening record; 428 when its manifest is not known yet."""
    await house.collector.ingest.put_stream(who.name, stream, await request.body())
    return Response()


@router.post("/streams/{stream}/batches", openapi_extra=BINARY)
async def post_batches(who: Sender, house: House, stream: str, request: Request) -> Response:
    """Take N consecutive whole batches; only this answer lets the gateway forget."""
    said = request.headers
    asked = IngestRequest(
        body=await request.body(),
        encoding=said.get("content-encoding", ""),
        content_digest=said.get(CONTENT_DIGEST, ""),
        chain=said.get(CHAIN, ""),
        clock=said.get(CLOCK, ""),
        lane=said.get(LANE, ""),
        nonce=said.get(NONCE, ""),
    )
    return await deliver(house, who.name, stream, asked)


@router.post("/cursors", openapi_extra=BINARY)
async def post_cursors(who: Sender, house: House, request: Request) -> Response:
    """Say how far the streams a gateway still keeps are here, and what of them is backed up."""
    nonce = request.headers.get(NONCE, "")
    said = await house.collector.ingest.cursors(who.name, await request.body(), nonce)
    return Response(encode_cursors(said), media_type="application/json")


@router.post("/health", openapi_extra=BINARY)
async def post_health(who: Sender, house: House, request: Request) -> Response:
    """Take the gateway's own state."""
    await house.collector.ingest.post_health(who.name, await request.body())
    return Response()
