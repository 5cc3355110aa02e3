"""What people ask of alarms, and what came of it."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from central.api.models.alarms import Episode, Layer
from central.api.models.words import READABLE, Answer, Asked, Params, Reason, VerificationName
from central.api.times import Time

Seconds = Annotated[float, Field(gt=0, le=31_536_000, strict=True)]
MOST = 200
"""Alarms acknowledged together."""


class Comments(Asked):
    """What goes with it; may be empty."""

    comment: Annotated[str, Field(max_length=500), READABLE] = ""


class Reasoned(Asked):
    """Why."""

    reason: Reason


class ShelveAsked(Asked):
    """For how long nobody is called, and why; `one_shot`: it also ends when the alarm returns."""

    seconds: Seconds
    reason: Reason
    one_shot: bool = False


class OutOfServiceAsked(Asked):
    """By which permit, or by which filing (its number); one of the two."""

    reason: Reason
    permit: Annotated[str, Field(max_length=100), READABLE] = ""
    filing: Annotated[int, Field(ge=1, le=2**62)] | None = None


class OverlayAsked(Asked):
    """An act on a rule's alarm, whether it stands or not; what goes with the act as there."""

    rule: Annotated[str, Field(min_length=1, max_length=300)]
    act: Literal["shelve", "unshelve", "suppress", "unsuppress", "out_of_service", "in_service"]
    reason: Reason
    seconds: Seconds | None = None
    one_shot: bool = False
    permit: Annotated[str, Field(max_length=100), READABLE] = ""
    filing: Annotated[int, Field(ge=1, le=2**62)] | None = None


class VerifyAsked(Asked):
    """What it turned out to be."""

    result: VerificationName
    note: Annotated[str, Field(max_length=1_000), READABLE] = ""


class CommentAsked(Asked):
    """What is to be said of it."""

    text: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000), READABLE
    ]


class AcknowledgeAsked(Asked):
    """Several alarms, each with an outcome of its own."""

    alarms: Annotated[
        list[Annotated[str, Field(max_length=64)]], Field(min_length=1, max_length=MOST)
    ]
    comment: Annotated[str, Field(max_length=500), READABLE] = ""


class OneOfMany(Answer):
    """What became of one: the alarm as it is now, or why it could not be, as an error says it."""

    id: str
    done: bool
    code: str | None
    params: Params
    alarm: Episode | None


class Acknowledgements(Answer):
    """In the order they were asked for."""

    items: list[OneOfMany]


class RuleOverlay(Answer):
    """What lies over a rule now, the strongest first; nothing: it is free. Also a live event."""

    rule: str
    point: str | None
    site: str
    layers: list[Layer]


class RuleOverlays(Answer):
    """Every rule in scope that is not free."""

    items: list[RuleOverlay]


class OverlayDone(Answer):
    """What lies there now. `request`: nothing yet, a second person has to confirm that one."""

    overlay: RuleOverlay
    alarm: Episode | None
    request: int | None


class ShelfRequest(Answer):
    """A shelf that needs a second person; `decision` null: it waits."""

    id: int
    rule: str
    site: str
    seconds: float
    one_shot: bool
    reason: str
    asked: Time
    asked_by: str
    decision: Literal["confirmed", "refused", "lapsed"] | None
    decided: Time | None
    decided_by: str | None


class ShelfRequests(Answer):
    """The newest first."""

    items: list[ShelfRequest]
