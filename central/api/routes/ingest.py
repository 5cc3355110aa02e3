"""What a gateway delivers (docs/wire.md): bytes in, the collector's answer out.

Only a gateway's own token comes this far, and everything it says is held against that gateway.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Request, Response

from central.api.access import principal
from central.api.rooms import House, Rooms
from central.identity.principal import Principal
from central.identity.roles import Permission

router: Final = APIRouter(prefix="/api/v1/ingest", tags=["ingest"])
Sender = Annotated[Principal, principal(Permission.INGEST)]


@router.put("/manifests/{digest}")
async def put_manifest(who: Sender, house: House, digest: str, request: Request) -> Response:
    """Take a manifest the collector did not know."""
    encoding = request.headers.get("content-encoding", "")
    await house.collector.ingest.put_manifest(_own(who), digest, await request.body(), encoding)
    return Response(status_code=200)


@router.put("/streams/{stream}")
async def put_stream(who: Sender, house: House, stream: str, request: Request) -> Response:
    """Take a stream's opening record."""
    await house.collector.ingest.put_stream(_own(who), stream, await request.body())
    return Response(status_code=200)


@router.post("/streams/{stream}/batches")
async def post_batches(who: Sender, house: House, stream: str, request: Request) -> Response:
    """Take N consecutive whole batches; only this answer lets the gateway forget."""
    return await _batches(_own(who), house, stream, request)


@router.post("/health")
async def post_health(who: Sender, house: House, request: Request) -> Response:
    """Take the gateway's own state."""
    await house.collector.ingest.post_health(_own(who), await request.body())
    return Response(status_code=200)


def _own(who: Principal) -> str:
    assert who.gateway is not None  # a gateway's token names it
    return who.gateway


async def _batches(gateway: str, house: Rooms, stream: str, request: Request) -> Response:
    return Response()
