"""What of the store is damaged or was set aside, and what people do about it."""

from typing import Annotated, Literal

from pydantic import Field

from central.api.models.words import Answer, Asked
from central.api.times import Time


class SetAside(Answer):
    """A piece of the store that could not be read or sealed; it is in no answer to a question.

    `origin`: `journal` (a row of what came), `seal` (what no chunk could be made of) or `head` (a
    page of newest values). `what`: a gateway, or a device and a day. `n`: its readings, as far as
    that is known; `restored` of them were put back; `bytes` are kept of it. `how` null: nobody
    settled it yet, `note` says why it was dismissed.
    """

    id: int
    found: Time
    origin: Literal["journal", "seal", "head"]
    what: str
    n: int
    reason: str
    bytes: int
    restored: int
    settled: Time | None
    settled_by: str | None
    how: Literal["dismissed", "rebuilt"] | None
    note: str | None


class DamagedChunk(Answer):
    """A chunk that cannot be read: of which device and UTC day, and why."""

    what: str
    reason: str


class AsidePage(Answer):
    """Newest first; `next` goes on where this page ends. `damaged`: chunks known to be so."""

    items: list[SetAside]
    damaged: list[DamagedChunk]
    next: str | None


class DismissAsked(Asked):
    """Why nobody needs it any more."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


class RebuildDone(Answer):
    """What came of putting a piece back from evidence.

    `state`: `rebuilt` (it is settled), `part`, `gone` (evidence does not hold its batches any more)
    or `refused` (it cannot be stored; `reason`). Of `n` readings `restored` were put back now;
    `past` are past their time in the store.
    """

    id: int
    what: str
    state: Literal["rebuilt", "part", "gone", "refused"]
    n: int
    restored: int
    past: int
    reason: str
