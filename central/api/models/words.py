"""Words every answer uses: the two kinds of body, errors, labels, quality, levels, the clock."""

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from central.api.times import Time
from protocols.words import UNSEEN

Value = bool | int | float | str | None
Params = dict[str, Any]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$")]


def _readable(text: str) -> str:
    if UNSEEN.search(text):
        raise PydanticCustomError("text_control", "has characters that nobody sees")
    return text


READABLE: Final = AfterValidator(_readable)
"""Of what people write: nothing in it that nobody sees, or that turns the rest around."""
Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), READABLE
]
"""Why; blanks are none."""
ColourName = Literal["blue", "yellow", "orange", "red"]
PurposeName = Literal["production", "test", "drill"]
ClockName = Literal["unsynchronised", "synchronised", "story"]
TierName = Literal["raw", "1min", "1h"]
EpisodeState = Literal["UNACK", "ACKED", "RTN_UNACK", "LATCHED_UNACK", "LATCHED_ACKED", "NORMAL"]
OverlayName = Literal["SHELVED", "SUPPRESSED", "OUT_OF_SERVICE"]
VerificationName = Literal["real", "false", "instrument", "filed", "test"]
HappeningKind = Literal["fault", "loss", "quarantine", "security"]


class Answer(BaseModel):
    """What goes out; every field is always there."""

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


class Asked(BaseModel):
    """What comes in; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Error(Answer):
    """Every refusal: `code` is a key of the text catalogue, `request` finds it in the log."""

    code: str
    params: Params
    request: str


class Label(Answer):
    """A name for people; an empty `en` falls back to `zh`."""

    zh: str
    en: str


class ClockNow(Answer):
    """The collector's clock, so that the page's ages follow it."""

    now: Time
    factor: float
    story: bool


class Level(Answer):
    """One step of a ladder (protocols/alarms/rule.py)."""

    name: str
    name_en: str
    colour: ColourName
    op: str
    limit: float
    deadband: float
    on_delay: float
    off_delay: float
    source: str
    clause: str | None
    status: str
    confirmed_by: str | None
    confirmed_on: str | None
    valid_from: str | None
    valid_to: str | None
    active: bool


class Quality(Answer):
    """OPC UA StatusCode, its class and the reason as a code (`BAD_NO_COMMUNICATION`)."""

    code: int
    class_: Literal["good", "uncertain", "bad"] = Field(serialization_alias="class")
    reason: str | None


class Health(Answer):
    """Whether the collector takes requests."""

    status: Literal["ok"]
