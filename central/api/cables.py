"""Speaks to the controls of a demonstration's cables: tiny HTTP servers on loopback."""

import asyncio
import http.client
import json
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from central.api import models
from central.api.errors import ApiError

PATIENCE: Final = 2.0
"""Real seconds a control on loopback may take."""
ANSWER_LIMIT: Final = 4096


class Cables:
    """The cables of the configuration: gateway to control address."""

    def __init__(self, controls: Mapping[str, str]) -> None:
        self._controls = dict(controls)

    @property
    def gateways(self) -> frozenset[str]:
        """The gateways that have a cable."""
        return frozenset(self._controls)

    async def states(self) -> list[models.Cable]:
        """Return every cable; one whose control does not answer is null."""
        names = sorted(self._controls)
        states = await asyncio.gather(*(self._state(name) for name in names))
        return [
            models.Cable(gateway=name, connected=state)
            for name, state in zip(names, states, strict=True)
        ]

    async def set(self, gateway: str, *, connected: bool) -> models.Cable:
        """Plug in or pull out. Raises ApiError 502 when the control does not answer."""
        url = self._controls[gateway]
        try:
            state = await asyncio.to_thread(_ask, url, "PUT", connected)
        except (OSError, http.client.HTTPException, ValueError) as exc:
            raise ApiError(502, "CABLE_SILENT", gateway=gateway) from exc
        return models.Cable(gateway=gateway, connected=state)

    async def _state(self, gateway: str) -> bool | None:
        try:
            return await asyncio.to_thread(_ask, self._controls[gateway], "GET", None)
        except (OSError, http.client.HTTPException, ValueError):
            return None


def _ask(url: str, method: str, connected: bool | None) -> bool:  # noqa: FBT001  # a body's field
    parts = urlsplit(url)
    link = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
    body = None if connected is None else json.dumps({"connected": connected})
    try:
        link.request(method, parts.path or "/", body, {"Content-Type": "application/json"})
        answer = link.getresponse()
        content = answer.read(ANSWER_LIMIT)
    finally:
        link.close()
    if answer.status != 200:
        raise ValueError(f"the cable's control answered {answer.status}")
    match json.loads(content):
        case {"connected": bool(state)}:
            return state
        case _:
            raise ValueError("the cable's control answered something else")
