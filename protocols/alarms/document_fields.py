"""Takes fields out of an untrusted JSON object and notes everything that is wrong with them.

A reader always gets a value of the asked type, so that one pass names every fault; whether there
were any is asked at the end. Bounded: texts are shown short, and few faults are kept.
"""

import json
import math
from collections.abc import Callable, Collection
from typing import Any, Final, TypeVar

from protocols.errors import FengsuiError, Problem

T = TypeVar("T")

MOST: Final = 100
TEXT: Final = 1_000
"""Characters of the longest text."""
ITEMS: Final = 256
"""Items of the longest list."""
_SHOWN: Final = 80
_KEYS: Final = 40


class Faults:
    """What was found wrong, in order; `count` goes on beyond what is kept."""

    def __init__(self, most: int = MOST) -> None:
        self.kept: list[Problem] = []
        self.count = 0
        self._most = most

    def add(self, at: str, code: str, value: Any, allowed: Collection[str] = ()) -> None:
        """Note that the value at `at` cannot be used."""
        self.take(Problem(code, "", 0, at, {"value": shown(value)}, tuple(allowed)))

    def take(self, problem: Problem) -> None:
        """Note what somebody else found."""
        self.count += 1
        if len(self.kept) < self._most:
            self.kept.append(problem)

    def refused(self, at: str, value: Any, exc: FengsuiError) -> None:
        """Note what another reader refused, with what it says of it."""
        self.take(Problem(exc.code, "", 0, at, {**exc.params, "value": shown(value)}))


class Held:
    """One object at the path `at`; every method answers, and notes what it could not take."""

    def __init__(self, value: Any, at: str, keys: Collection[str], faults: Faults) -> None:
        self.at = at
        self.faults = faults
        self.known = isinstance(value, dict)
        self.data: dict[Any, Any] = value if isinstance(value, dict) else {}
        if not self.known:
            faults.add(at, "TYPE_MAPPING", value)
        for key in list(self.data)[:_KEYS]:
            if key not in keys:
                faults.add(self.path(shown(key)), "KEY_UNKNOWN", key, sorted(keys))
        if len(self.data) > _KEYS:
            faults.add(at, "LIST_LENGTH", len(self.data), [f"≤ {_KEYS}"])

    def path(self, key: str) -> str:
        """Return where a field is."""
        return f"{self.at}.{key}" if self.at else key

    def wrong(self, key: str, code: str, allowed: Collection[str] = ()) -> None:
        """Note that a field cannot be used."""
        self.faults.add(self.path(key), code, self.data.get(key), allowed)

    def has(self, key: str) -> bool:
        """Return whether the field is there; notes one that has to be and is not."""
        if key in self.data:
            return True
        if self.known:
            self.faults.add(self.path(key), "KEY_MISSING", key)
        return False

    def text(self, key: str, default: str | None = None, most: int = TEXT) -> str:
        """Return a text; without a `default` it has to be there and says something."""
        if default is not None and key not in self.data:
            return default
        if not self.has(key):
            return ""
        value = self.data[key]
        if not isinstance(value, str):
            self.wrong(key, "TYPE_TEXT")
            return ""
        if len(value) > most or (default is None and not value) or not _writable(value):
            self.wrong(key, "TEXT_LENGTH", [f"{0 if default is not None else 1} … {most}"])
            return ""
        return value

    def maybe_text(self, key: str) -> str | None:
        """Return a text, or None where it is null or not there."""
        return None if self.data.get(key) is None else self.text(key, "")

    def choice(self, key: str, words: Collection[str], default: str | None = None) -> str:
        """Return one of `words`."""
        first = next(iter(words))
        if default is not None and key not in self.data:
            return default
        if not self.has(key):
            return first
        value = self.data[key]
        if isinstance(value, str) and value in words:
            return value
        self.wrong(key, "VALUE_CHOICE", list(words))
        return first

    def number(
        self,
        key: str,
        default: float | None = None,
        low: float = -math.inf,
        high: float = math.inf,
    ) -> float:
        """Return a finite number from `low` to `high`."""
        if default is not None and key not in self.data:
            return default
        return self._number(key, low, high) if self.has(key) else 0.0

    def maybe_number(self, key: str, low: float, high: float) -> float | None:
        """Return a number, or None where it is null or not there."""
        return None if self.data.get(key) is None else self._number(key, low, high)

    def integer(self, key: str, default: int, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`."""
        if key not in self.data:
            return default
        value = self.data[key]
        if type(value) is not int:
            self.wrong(key, "TYPE_INTEGER")
        elif not low <= value <= high:
            self.wrong(key, "NUMBER_RANGE", [f"{low} … {high}"])
        else:
            return value
        return default

    def boolean(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self.data.get(key, default)
        if isinstance(value, bool):
            return value
        self.wrong(key, "TYPE_BOOLEAN")
        return default

    def numbers(self, key: str, low: float, high: float, most: int) -> tuple[float, ...]:
        """Return a list of numbers; none where it is not there."""
        return tuple(
            found
            for place, each in enumerate(self.items(key, 0, most))
            if (found := finite(each, f"{self.path(key)}[{place}]", (low, high), self.faults))
            is not None
        )

    def items(self, key: str, least: int, most: int) -> list[Any]:
        """Return a list; one that may be empty need not be there."""
        if key not in self.data and (least == 0 or not self.has(key)):
            return []
        value = self.data[key]
        if not isinstance(value, list | tuple):
            self.wrong(key, "TYPE_LIST")
            return []
        if not least <= len(value) <= most:
            self.faults.add(self.path(key), "LIST_LENGTH", len(value), [f"{least} … {most}"])
        return list(value[:most])

    def each(self, key: str, least: int, most: int, read: Callable[[Any, str], T]) -> list[T]:
        """Return what `read` makes of every item and its path."""
        found = enumerate(self.items(key, least, most))
        return [read(each, f"{self.path(key)}[{place}]") for place, each in found]

    def _number(self, key: str, low: float, high: float) -> float:
        found = finite(self.data[key], self.path(key), (low, high), self.faults)
        return 0.0 if found is None else found


def finite(value: Any, at: str, span: tuple[float, float], faults: Faults) -> float | None:
    """Return a finite number within `span`, both ends included; None: it is none, and noted."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        faults.add(at, "TYPE_NUMBER", value)
        return None
    low, high = span
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number) or not low <= number <= high:
        faults.add(at, "NUMBER_RANGE", value, [between(low, high)])
        return None
    return number


def between(low: float, high: float) -> str:
    """Write a span as people do."""
    if math.isinf(low) and math.isinf(high):
        return "-1e308 … 1e308"
    if math.isinf(high):
        return f"≥ {low:.10g}"
    return f"≤ {high:.10g}" if math.isinf(low) else f"{low:.10g} … {high:.10g}"


def shown(value: Any) -> str:
    """Write any value short."""
    if isinstance(value, str):
        text = value
    elif isinstance(value, int) and value.bit_length() > 256:
        text = "…"
    elif isinstance(value, dict):
        text = "{…}"
    elif isinstance(value, list | tuple):
        text = "[…]"
    elif value is None or isinstance(value, bool | int | float):
        text = json.dumps(value)
    else:
        text = type(value).__name__
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _writable(value: str) -> bool:
    """Return whether it can be written at all: half a character pair cannot."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
