"""The kinds of values that files hold: names, labels, choices, dates, numbers.

Each refuses with a code of the text catalogue; what is allowed travels with the refusal.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from protocols.words import NAME, Label

FORMAT: Final = "v1"
"""Version of every file that people write; a file of another version is refused, never guessed."""


class Strict(BaseModel):
    """Unknown keys, text for numbers and numbers for text are mistakes, never converted."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class Choice:
    """Annotates a text that must be one of `allowed`."""

    allowed: tuple[str, ...]
    shown: tuple[str, ...] = ()
    """A shorter list for people, where the whole would hide the point."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> Any:
        return {"type": "string", "enum": list(self.allowed)}

    def _check(self, value: str) -> str:
        if value not in self.allowed:
            shown = self.shown or self.allowed
            raise PydanticCustomError("VALUE_CHOICE", "choice", {"allowed": shown})
        return value


@dataclass(frozen=True, slots=True)
class Matching:
    """Annotates a text that must fit `pattern`; refused as `code`."""

    code: str
    pattern: re.Pattern[str]

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> Any:
        return {"type": "string", "pattern": f"^{self.pattern.pattern}$"}

    def _check(self, value: str) -> str:
        if not self.pattern.fullmatch(value):
            raise PydanticCustomError(self.code, "pattern")
        return value


_DAY: Final = re.compile(r"(?:(\d{4})-)?(\d{2})-(\d{2})")


def _day(value: str) -> str:
    refusal = PydanticCustomError("DAY_FORMAT", "day", {"allowed": ("MM-DD", "YYYY-MM-DD")})
    found = _DAY.fullmatch(value)
    if found is None:
        raise refusal
    try:
        # 29 February is a day of some years: a leap year stands for every year.
        date(int(found[1] or 2024), int(found[2]), int(found[3]))
    except ValueError:
        raise refusal from None
    return value


def _date(value: str) -> str:
    try:
        date.fromisoformat(value)
    except ValueError:
        raise PydanticCustomError("DATE_FORMAT", "date", {"allowed": ("YYYY-MM-DD",)}) from None
    return value


Format = Annotated[str, Choice((FORMAT,))]
Name = Annotated[str, Matching("NAME_FORMAT", NAME)]
Day = Annotated[str, AfterValidator(_day)]
Date = Annotated[str, AfterValidator(_date)]
Line = Annotated[str, Field(min_length=1, max_length=200)]
Seconds = Annotated[float, Field(ge=0, le=86_400 * 31)]


class LabelModel(Strict):
    """A name for people: `{zh: 液位, en: Level}`, or just the Chinese text."""

    zh: Annotated[str, Field(min_length=1, max_length=80)]
    en: Annotated[str, Field(max_length=120)] = ""

    @model_validator(mode="before")
    @classmethod
    def _plain_text(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"zh": value}
        if not isinstance(value, dict):
            raise PydanticCustomError("LABEL_FORM", "label")
        return value

    @classmethod
    def __get_pydantic_json_schema__(cls, core: Any, handler: Any) -> Any:
        mapping = handler.resolve_ref_schema(handler(core))
        return {"anyOf": [{"type": "string", "minLength": 1, "maxLength": 80}, mapping]}

    def label(self) -> Label:
        """Return the frozen struct."""
        return Label(self.zh, self.en)


def duplicates(items: Iterable[tuple[int, str]]) -> list[tuple[int, str, int]]:
    """Return (index, text, first index) of every text that stood before."""
    first: dict[str, int] = {}
    return [(i, text, first[text]) for i, text in items if first.setdefault(text, i) != i]
