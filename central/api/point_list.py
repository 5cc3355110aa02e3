"""All points as one JSON text, made in portions: nobody waits while a city's are written down."""

import asyncio
from collections.abc import Sequence
from typing import Final

from pydantic import TypeAdapter

from central.api import models, shapes
from central.registry_records import PointRecord

PORTION: Final = 200
"""Points between two moments in which others have their turn: some milliseconds."""
_POINTS: Final = TypeAdapter(list[models.Point])


async def listed(points: Sequence[PointRecord]) -> bytes:
    """Return `models.Points` of them as JSON."""
    parts = []
    for at in range(0, len(points), PORTION):
        made = [shapes.point(each) for each in points[at : at + PORTION]]
        parts.append(_POINTS.dump_json(made, by_alias=True)[1:-1])
        await asyncio.sleep(0)
    return b'{"items":[' + b",".join(parts) + b"]}"
