"""The journal of all alarms, as another system follows it."""

from typing import Annotated

from pydantic import Field

from central.api.models.words import READABLE, Answer, Asked
from central.api.times import Time
from protocols.words import Value


class FollowedLine(Answer):
    """One line. `alarm`, `purpose` and `late` are null where it is of a rule without an alarm.

    `time`: when it happened, `recorded`: when it was known. Lines of a test or a drill say so.
    """

    number: int
    alarm: str | None
    rule: str
    site: str
    time: Time
    recorded: Time
    event: str
    level: str | None
    value: Value
    actor: str | None
    comment: str
    nth: int | None
    purpose: str | None
    late: bool | None


class Followed(Answer):
    """Lines in order of commit; ask on with `next` as `after`. `newest`: the last there is."""

    items: list[FollowedLine]
    next: int
    newest: int


class ReaderPlace(Answer):
    """How far a reader is: the number of the last line it is done with."""

    reader: str
    position: int


class ReaderAsked(Asked):
    """Be done with all lines up to `position`."""

    reader: Annotated[str, Field(min_length=1, max_length=100), READABLE]
    position: int = Field(ge=0)
