"""What the store set aside: looked at by who sees everything, settled by administrators."""

from dataclasses import asdict
from typing import Annotated, Final, Literal, cast

from fastapi import APIRouter, Query

from central.api import models
from central.api.access import principal
from central.api.errors import ApiError
from central.api.rooms import House
from central.identity.principal import Principal
from central.identity.roles import Permission
from central.store import settling
from central.store.settling import Aside

router: Final = APIRouter(prefix="/api/v1/store/set-aside", tags=["store"])
Who = Annotated[Principal, principal(Permission.READ)]
Keeper = Annotated[Principal, principal(Permission.STORE)]


@router.get("")
async def set_aside(
    who: Who,
    house: House,
    limit: Annotated[int, Query(ge=1, le=settling.MOST_LISTED)] = 100,
    cursor: Annotated[int | None, Query(ge=1, le=2**62)] = None,
) -> models.AsidePage:
    """Return what cannot be read or was set aside, and what became of it; of the whole store."""
    if not who.sees_all:
        raise ApiError(403, "FORBIDDEN", permission=Permission.READ.value)
    found = await house.collector.db.read(lambda conn: settling.listed(conn, limit + 1, cursor))
    shown = found[:limit]
    spoilt = house.collector.store.damage.chunks.values()
    return models.AsidePage(
        items=[_shown(piece) for piece in shown],
        damaged=[models.DamagedChunk(what=each.what, reason=each.why) for each in spoilt],
        next=str(shown[-1].id) if len(found) > limit else None,
    )


@router.post("/{number}/rebuild")
async def rebuild(who: Keeper, house: House, number: int) -> models.RebuildDone:
    """Put a piece back from evidence, as far as evidence holds it; judged by no alarm again."""
    _everything(who)
    done = asdict(await house.collector.rebuilding.rebuild(_known(number), who.name))
    return models.RebuildDone(**done)


@router.post("/{number}/dismiss", status_code=204)
async def dismiss(who: Keeper, house: House, number: int, asked: models.DismissAsked) -> None:
    """Say that nobody needs a piece any more; its bytes stay, and the audit says who and why."""
    _everything(who)
    await house.collector.rebuilding.dismiss(_known(number), who.name, asked.reason)


def _everything(who: Principal) -> None:
    if not who.sees_all:
        raise ApiError(403, "FORBIDDEN", permission=Permission.STORE.value)


def _known(number: int) -> int:
    if not 0 < number < 2**63:
        raise settling.PieceUnknown(id=number)
    return number


def _shown(piece: Aside) -> models.SetAside:
    return models.SetAside(
        id=piece.id,
        found=piece.found,
        origin=cast(Literal["journal", "seal", "head"], piece.origin),
        what=piece.what,
        n=piece.n,
        reason=piece.reason,
        bytes=piece.bytes,
        restored=piece.restored,
        settled=piece.settled,
        settled_by=piece.settled_by,
        how=cast(Literal["dismissed", "rebuilt"] | None, piece.how),
        note=piece.note,
    )
