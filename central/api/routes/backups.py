"""Backups: every attempt, what came of it, and how much it added to its folder."""

from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Query

from central.api import models
from central.api.access import principal
from central.api.rooms import House
from central.backup import records
from central.backup.records import BackupRecord
from central.identity.principal import Principal
from central.identity.roles import Permission

router: Final = APIRouter(prefix="/api/v1", tags=["store"])
Who = Annotated[Principal, principal(Permission.READ)]


@router.get("/backups")
async def backups(
    who: Who,
    house: House,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[int | None, Query(ge=1, le=2**62)] = None,
) -> models.BackupPage:
    """Return attempts, newest first; where the files lie is not said."""
    found = await house.collector.db.read(lambda conn: records.listed(conn, limit + 1, cursor))
    shown = found[:limit]
    return models.BackupPage(
        configured=house.collector.config.backup is not None,
        items=[_shown(record) for _, record in shown],
        next=str(shown[-1][0]) if len(found) > limit else None,
    )


def _shown(record: BackupRecord) -> models.BackupMade:
    code, params = records.told_of(record)
    names = {name: Path(str(params[name])).name for name in ("file", "folder") if name in params}
    return models.BackupMade(
        time=record.time,
        file=Path(record.file).name,
        result=record.result,
        code=code,
        params={**params, **names},
        bytes=record.bytes,
        written=record.written,
        seconds=record.seconds,
        identity=record.identity,
        actor=record.actor,
    )
