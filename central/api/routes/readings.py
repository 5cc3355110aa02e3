"""The door for others' systems: readings as JSON or CSV, and the points they speak of.

A virtual gateway's token comes this far and no other. The arrays of a request never pass through
the framework's models: they are read where they are judged.
"""

import json
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response

from central.api import models
from central.api.access import principal
from central.api.body import receive
from central.api.machine_route import MachineRoute
from central.api.rooms import House, Rooms
from central.api.times import rfc3339
from central.door import bounds
from central.door.preparing import Posted
from central.identity.principal import Principal
from central.identity.roles import Permission
from protocols.errors import IngestError
from protocols.words import Purpose

router: Final = APIRouter(tags=["readings"], route_class=MachineRoute)
Sender = Annotated[Principal, principal(Permission.READINGS)]

TYPES: Final = {"application/json": "json", "text/csv": "csv"}
LIMITS: Final = {"json": bounds.JSON_BYTES, "csv": bounds.CSV_BYTES}
PURPOSES: Final = {purpose.name.lower(): purpose for purpose in Purpose}

_TIME: Final = {"type": "string", "format": "date-time"}
_CELL: Final = {"type": ["number", "boolean", "string", "null"]}
_QUALITY: Final = {"type": ["string", "integer", "null"]}
_MEANS: Final[dict[str, dict[str, Any]]] = {
    "point": {"type": "string"},
    "time": _TIME,
    "time_us": {"type": "integer", "description": "µs UTC, instead of time"},
    "value": _CELL,
    "quality": _QUALITY,
}
_ROW: Final = {"type": "object", "properties": _MEANS, "required": ["point", "value"]}
_LISTED: Final[dict[str, dict[str, Any]]] = {
    **_MEANS,
    "point": {"type": ["string", "integer"], "description": "integer: an index of manifest"},
}
_COLUMNS: Final = {
    "type": "object",
    "properties": {
        **{name: {"type": "array", "items": means} for name, means in _LISTED.items()},
        "manifest": {"type": "string", "description": "digest of the points that indexes mean"},
    },
    "required": ["point", "value"],
}
_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "oneOf": [
                        {"type": "object", "properties": {"columns": _COLUMNS}},
                        {
                            "type": "object",
                            "properties": {"rows": {"type": "array", "items": _ROW}},
                        },
                    ]
                }
            },
            "text/csv": {"schema": {"type": "string"}},
        },
    },
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": True,
            "schema": {"type": "string", "minLength": 1, "maxLength": 128},
        },
        {
            "name": "purpose",
            "in": "query",
            "schema": {"enum": list(PURPOSES), "default": "production"},
        },
    ],
}
_DESCRIPTION: Final = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {}}}}
}


@router.post("/api/v1/readings", response_model=models.ReadingsTaken, openapi_extra=_BODY)
async def post_readings(who: Sender, house: House, request: Request) -> Response:
    """Take readings once per Idempotency-Key; what cannot be taken is listed, the rest goes in."""
    return Response(await taken(who, house, request), media_type="application/json")


async def taken(who: Principal, house: Rooms, request: Request) -> bytes:
    """Take a request for readings and return its answer; `central.api.quick_readings` does too."""
    door = house.collector.door
    async with door.enter(who.credential) as account:
        key, kind, charset = _key(request), *_kind(request)
        purpose = _purpose(request)
        body = await receive(request, LIMITS[kind])
        posted = Posted(key=key, kind=kind, charset=charset, purpose=purpose, body=body)
        answer = await door.post(who.name, account, posted)
    return json.dumps({**answer, "received": rfc3339(answer["received"])}).encode()


@router.put(
    "/api/v1/virtual-gateways/{name}/manifest",
    response_model=models.PointsDescribed,
    openapi_extra=_DESCRIPTION,
)
async def put_manifest(who: Sender, house: House, name: str, request: Request) -> Response:
    """Describe sites, devices, points and their limits; holds from the next reading on."""
    door = house.collector.door
    async with door.enter(who.credential):
        if name != who.name:
            raise IngestError("FORBIDDEN", 403)
        body = await receive(request, bounds.MANIFEST_BYTES)
        answer = await door.describe(who.name, body)
    return Response(json.dumps(answer), media_type="application/json")


def _key(request: Request) -> str:
    keys = request.headers.getlist("idempotency-key")
    if len(keys) != 1 or not bounds.KEY.fullmatch(keys[0]):
        raise IngestError("DOOR_KEY", 400)
    return keys[0]


def _kind(request: Request) -> tuple[str, str]:
    """Return json or csv, and the charset that is named."""
    stated = request.headers.get("content-type", "")
    kind, *more = [part.strip() for part in stated.split(";")]
    packed = request.headers.get("content-encoding", "identity")
    if kind.lower() not in TYPES or packed.lower() != "identity":
        value = stated if packed.lower() == "identity" else f"{stated}, {packed}"
        raise IngestError("DOOR_TYPE", 415, value=value[:200], expected=", ".join(TYPES))
    named = [part[8:].strip('"') for part in more if part.lower().startswith("charset=")]
    return TYPES[kind.lower()], named[0].lower() if named else ""


def _purpose(request: Request) -> Purpose:
    if not request.scope["query_string"]:
        return Purpose.PRODUCTION
    said = request.query_params.get("purpose", "production")
    if said not in PURPOSES:
        raise bounds.unreadable("PURPOSE", expected=", ".join(PURPOSES))
    return PURPOSES[said]
