"""Takes fields out of a JSON object: each there, of its type and within its bounds, none beside."""

import math
import re
from typing import Final

from protocols.errors import WireError
from protocols.wire.bounds import NUMBER
from protocols.wire.canonical import JsonValue
from protocols.words import NAME, Label

HEX128: Final = re.compile(r"[0-9a-f]{32}")
HEX256: Final = re.compile(r"[0-9a-f]{64}")


class Fields:
    """The fields of one JSON object; `where` names it for errors.

    Every method raises WireError.
    """

    __slots__ = ("data", "where")

    def __init__(self, value: JsonValue, where: str, keys: frozenset[str] | None = None) -> None:
        if not isinstance(value, dict):
            raise WireError("WIRE_JSON", where=where, what="object")
        if keys is not None and value.keys() != keys:
            odd = ",".join(sorted(value.keys() ^ keys))
            raise WireError("WIRE_JSON", where=where, what="keys", key=odd[:200])
        self.data = value
        self.where = where

    def any(self, key: str) -> JsonValue:
        """Return the field, whatever it is."""
        if key not in self.data:
            raise self.wrong(key)
        return self.data[key]

    def text(self, key: str, pattern: re.Pattern[str] | None = None) -> str:
        """Return a text, which `pattern` must match as a whole."""
        value = self.any(key)
        if not isinstance(value, str) or (pattern is not None and not pattern.fullmatch(value)):
            raise self.wrong(key)
        return value

    def name(self, key: str) -> str:
        """Return a logical name."""
        return self.text(key, NAME)

    def optional_text(self, key: str, pattern: re.Pattern[str] | None = None) -> str | None:
        """Return a text or None."""
        return None if self.any(key) is None else self.text(key, pattern)

    def one_of(self, key: str, words: tuple[str, ...]) -> str:
        """Return one of `words`."""
        value = self.text(key)
        if value not in words:
            raise self.wrong(key)
        return value

    def integer(self, key: str, low: int = 0, high: int = NUMBER) -> int:
        """Return an integer between `low` and `high`."""
        value = self.any(key)
        if type(value) is not int or not low <= value <= high:
            raise self.wrong(key)
        return value

    def optional_integer(self, key: str, low: int = 0, high: int = NUMBER) -> int | None:
        """Return an integer or None."""
        return None if self.any(key) is None else self.integer(key, low, high)

    def number(self, key: str, low: float = -math.inf, high: float = math.inf) -> float:
        """Return a finite float (written with a fraction or an exponent) from `low` to `high`."""
        value = self.any(key)
        if type(value) is not float or not math.isfinite(value) or not low <= value <= high:
            raise self.wrong(key)
        return value

    def optional_number(self, key: str) -> float | None:
        """Return a float or None."""
        return None if self.any(key) is None else self.number(key)

    def items(self, key: str, limit: int) -> list[JsonValue]:
        """Return a list of at most `limit` items."""
        value = self.any(key)
        if not isinstance(value, list) or len(value) > limit:
            raise self.wrong(key)
        return value

    def label(self, key: str) -> Label:
        """Return a label `{zh, en}`."""
        fields = Fields(self.any(key), f"{self.where}.{key}", frozenset({"zh", "en"}))
        return Label(fields.text("zh"), fields.text("en"))

    def wrong(self, key: str) -> WireError:
        """Return the error of a field that is missing, of another type or outside its bounds."""
        return WireError("WIRE_JSON", where=self.where, what="field", key=key)
