"""Who did what, newest first; nobody can change a line."""

from typing import Annotated, Final

from fastapi import APIRouter, Query

from central.api import models, shapes
from central.api.access import principal
from central.api.rooms import House
from central.identity import audit
from central.identity.principal import Principal
from central.identity.roles import Permission
from protocols.wire.bounds import NUMBER

router: Final = APIRouter(prefix="/api/v1/audit", tags=["audit"])
Auditor = Annotated[Principal, principal(Permission.AUDIT)]


@router.get("")
async def lines(
    who: Auditor,
    house: House,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[int | None, Query(ge=1, le=NUMBER)] = None,
) -> models.AuditPage:
    """Return a page of the audit."""
    found = await house.collector.db.read(lambda conn: audit.page(conn, limit, cursor))
    more = len(found) == limit and found[-1].id > 1
    return models.AuditPage(
        items=[shapes.audit_line(line) for line in found],
        next=str(found[-1].id) if more else None,
    )
