"""What one request, and one gateway, has under way; `central.ingest.admission` decides over it.

Contexts are plain objects: they are made for every request, and a generator costs as much again.
"""

from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING

from protocols.errors import IngestError
from protocols.wire.bounds import REQUEST_BYTES
from protocols.words import Lane

if TYPE_CHECKING:
    from central.ingest.admission import Admission


@dataclass(slots=True)
class Sender:
    """One gateway: when it was last here, what it has under way, what it was granted."""

    last: float
    bytes: int = 0
    requests: Counter[Lane] = field(default_factory=Counter)
    granted: int = REQUEST_BYTES
    granted_before: int = REQUEST_BYTES

    @property
    def idle(self) -> bool:
        """Whether nothing of it is under way."""
        return not self.bytes and not self.requests.total()


class Place:
    """One request's room, held while the context lasts. Made for each: no generator."""

    __slots__ = ("_admission", "gateway", "lane", "sender", "size", "stated")

    def __init__(
        self, admission: "Admission", gateway: str, lane: Lane, stated: int | None
    ) -> None:
        """`stated`: the bytes it says its body has (None: it does not say)."""
        self._admission = admission
        self.gateway = gateway
        self.lane = lane
        self.stated = stated
        self.size = REQUEST_BYTES if stated is None or stated > REQUEST_BYTES else stated
        self.sender: Sender | None = None

    async def __aenter__(self) -> None:
        await self._admission.take(self)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._admission.leave(self)


class Approach:
    """The first question of a request. Its context gives the refusal of what has no chance now."""

    __slots__ = ("_admission", "_lane")

    def __init__(self, admission: "Admission", lane: Lane) -> None:
        self._admission = admission
        self._lane = lane

    async def __aenter__(self) -> IngestError | None:
        return await self._admission.arrive(self._lane)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._admission.depart(self._lane)
