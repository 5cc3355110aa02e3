"""The library as a file, XLSX or YAML, and a file brought in: dry, or for real.

With faults nothing is done, and the same file comes back with them in it (422): red cells and a
column of their own, or comments above the lines.
"""

import asyncio
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from central.api.errors import ApiError
from central.api.models import rules as models
from central.api.rooms import House
from central.api.routes.rules import Keeper, Reader, person
from central.identity.roles import Permission
from central.rules.acts import told
from central.rules.exchange import attachment_document, named_document
from central.rules.importing import MEDIA, bring_in, exported
from central.rules.reading import body_document

router: Final = APIRouter(prefix="/api/v1/rule-file", tags=["rules"])
_FILE: Final[dict[str, Any]] = {"schema": {"type": "string", "format": "binary"}}
_FILES: Final[dict[str, Any]] = {"content": dict.fromkeys(MEDIA.values(), _FILE)}
Form = Annotated[Literal["xlsx", "yaml"], Query(alias="format")]
MOST_SHOWN: Final = 500


@router.get("", response_class=Response, responses={200: _FILES})
async def export(who: Reader, house: House, form: Form = "xlsx") -> Response:
    """Return every rule, attachment and named level that stands, as a file."""
    if not who.sees_all:
        raise ApiError(403, "FORBIDDEN", permission=Permission.READ.value)
    headers = {"Content-Disposition": f'attachment; filename="rules.{form}"'}
    data = await asyncio.to_thread(exported, house.collector.rules, form)
    return Response(data, 200, headers, MEDIA[form])


@router.post(
    "",
    response_model=models.RulesImported,
    responses={422: {"description": "the same file with its faults, or an error", **_FILES}},
    openapi_extra={"requestBody": {"required": True, **_FILES}},
)
async def bring(
    who: Keeper,
    house: House,
    request: Request,
    how: Annotated[models.Importing, Query()],
) -> Response:
    """Bring a file in: what differs is created, changed, retired, attached and named."""
    if not who.sees_all:
        raise ApiError(403, "FORBIDDEN", permission=Permission.RULES.value)
    by, data = person(who, house, "import"), await request.body()
    book = house.collector.rules
    done = await bring_in(
        book, data, by, dry_run=how.dry_run, ahead=how.ahead, language=how.language
    )
    if done.marked is not None and how.faults == "list":
        shown: Any = told(done.faults[:MOST_SHOWN])
        count = len(done.faults)
        raise ApiError(422, "RULES_FILE", count=count, form=done.form, problems=shown)
    if done.marked is not None:
        headers = {
            "Content-Disposition": f'attachment; filename="rules-faults.{done.form}"',
            "Fengsui-Faults": str(len(done.plan.problems)),
        }
        return Response(done.marked, 422, headers, MEDIA[done.form])
    asked = done.plan
    answer = models.RulesImported(
        dry_run=how.dry_run,
        created=[body.id for body in asked.create],
        changed=[body.id for body in asked.change],
        retired=asked.retire,
        attached=len(asked.attach),
        named=len(asked.name),
        unchanged=asked.unchanged,
        rules=[body_document(body) for body in (*asked.create, *asked.change)],
        attachments=[attachment_document(each) for each in asked.attach],
        named_levels=[named_document(each) for each in asked.name],
    )
    return JSONResponse(answer.model_dump())
