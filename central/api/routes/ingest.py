"""What a gateway delivers (docs/wire.md): bytes in, the collector's answer out.

Only a gateway's own signature or token comes this far, and everything it says is held against that
gateway. A refusal of batches has the answer's shape too, so that the gateway can tell it from a
proxy's page.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Request, Response

from central.api.access import principal
from central.api.body import receive
from central.api.delivery import Admitted, Posted, deliver
from central.api.held import by_clock, by_health, by_question, by_rule_question, refuse_held
from central.api.machine_route import MachineRoute
from central.api.rooms import House, Rooms
from central.api.signed import hold_to_digest, sealed, signed_of, use_nonce
from central.health import HEALTH_BYTES
from central.identity.principal import Principal
from central.identity.roles import Permission
from central.ingest.admission import lane_of
from central.ingest.request import Sent, refused
from protocols.errors import WireError
from protocols.wire.bounds import RECORD_BYTES, REQUEST_BYTES
from protocols.wire.cursors import encode_cursors
from protocols.wire.headers import CLOCK, LANE, NONCE
from protocols.wire.request import parse_nonce
from protocols.wire.rule_talk import HINT, Question, decode_question, encode_said

router: Final = APIRouter(prefix="/api/v1/ingest", tags=["ingest"], route_class=MachineRoute)
Sender = Annotated[Principal, principal(Permission.INGEST)]
BINARY: Final = {"requestBody": {"required": True, "content": {"application/octet-stream": {}}}}


@router.put("/manifests/{digest}", openapi_extra=BINARY)
async def put_manifest(who: Sender, house: House, digest: str, request: Request) -> Response:
    """Take a manifest the collector did not know; 400 when it is not what `digest` names."""
    encoding, sent = request.headers.get("content-encoding", ""), _sent(house, request)
    async with Admitted(house, who.name, request, REQUEST_BYTES) as body:
        hold_to_digest(request, body)
        await house.collector.ingest.put_manifest(who.name, digest, body, encoding, sent)
    return Response()


@router.put("/streams/{stream}", openapi_extra=BINARY)
async def put_stream(who: Sender, house: House, stream: str, request: Request) -> Response:
    """Take a stream's opening record; 428 when its manifest is not known yet."""
    sent = _sent(house, request)
    async with Admitted(house, who.name, request, RECORD_BYTES) as body:
        with house.collector.ingest.figures.refusing():
            hold_to_digest(request, body)
            await refuse_held(house, who, request, by_clock(request))
        await house.collector.ingest.put_stream(who.name, stream, body, sent)
    return Response()


@router.post("/streams/{stream}/batches", openapi_extra=BINARY)
async def post_batches(who: Sender, house: House, stream: str, request: Request) -> Response:
    """Take N consecutive whole batches; only this answer lets the gateway forget."""
    said = request.headers
    lane = lane_of(said.get(LANE, ""))
    posted = Posted(stream, request.scope, request.receive, said, lane)
    return (await deliver(house, who.name, posted)).response()


@router.post("/cursors", openapi_extra=BINARY)
async def post_cursors(who: Sender, house: House, request: Request) -> Response:
    """Say how far the streams a gateway still keeps are here, and what of them is backed up."""
    nonce = request.headers.get(NONCE, "")
    with house.collector.ingest.figures.refusing():
        body = await receive(request, RECORD_BYTES)
        hold_to_digest(request, body)
        await refuse_held(house, who, request, by_question(body))
    fields = use_nonce(house, who, request)
    said = await house.collector.ingest.cursors(who.name, body, nonce)
    content = sealed(house, request, encode_cursors(said))
    return Response(content, headers=fields, media_type="application/json")


@router.post("/rules", openapi_extra=BINARY)
async def post_rules(who: Sender, house: House, request: Request) -> Response:
    """Tell a gateway what it judges by, and what people did with its alarms, where it has else."""
    with house.collector.ingest.figures.refusing():
        body = await receive(request, RECORD_BYTES)
        hold_to_digest(request, body)
        await refuse_held(house, who, request, by_rule_question(body))
        question, nonce = read_rule_question(body, request.headers.get(NONCE, ""))
    fields = use_nonce(house, who, request)
    await house.collector.gateways.seen(who.name)
    said = await house.guidance.answer(who.name, question, nonce)
    content = sealed(house, request, encode_said(said))
    return Response(content, headers=fields, media_type="application/json")


@router.post("/health", openapi_extra=BINARY)
async def post_health(who: Sender, house: House, request: Request) -> Response:
    """Take the gateway's own state."""
    with house.collector.ingest.figures.refusing():
        body = await receive(request, HEALTH_BYTES)
        hold_to_digest(request, body)
        await refuse_held(house, who, request, by_health(body))
    fields = use_nonce(house, who, request)
    await house.collector.ingest.post_health(who.name, body)
    return Response(headers={**fields, HINT: await house.guidance.hint(who.name)})


def read_rule_question(body: bytes, nonce: str) -> tuple[Question, str]:
    """Return what is asked, and by which number. Raises IngestError WIRE."""
    try:
        return decode_question(body), parse_nonce(nonce)
    except WireError as exc:
        raise refused(exc) from exc


def _sent(house: Rooms, request: Request) -> Sent:
    said = request.headers
    return Sent(
        lane=said.get(LANE, ""),
        signed=signed_of(request),
        clock=said.get(CLOCK, ""),
        arrived=house.collector.clock.now(),
    )
