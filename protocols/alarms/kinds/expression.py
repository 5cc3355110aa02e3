"""A formula in CEL over one or several inputs, for what no other kind says.

`level > 12 && flow / area < 0.5`; true is 1, so that a level `= 1` raises, and a number is held
against the levels as it is. A part of CEL: inputs by name (`value` is the rule's only input),
numbers, + - * /, comparisons, && || !, c ? a : b, and abs, min, max. There are no lists, texts or
macros in it, so that a formula takes no longer than it is long. Every number is a double: CEL
would not add 1 to 2.5. An input that is not known, or a result that is no number (x / 0), is no
verdict.
"""

import importlib.machinery
import importlib.util
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

from protocols.alarms.kinds.kind import Reading, Taken
from protocols.alarms.rule import Level
from protocols.errors import FengsuiError

LONGEST: Final = 500
DEEPEST: Final = 24
"""Parentheses in each other, and signs before one number."""
MOST_INPUTS: Final = 32
OWN: Final = "value"
"""What the input of a rule that has but one is called."""


def _abs(*given: float) -> float:
    return abs(given[0]) if len(given) == 1 else math.nan


def _max(*given: float) -> float:
    return max(given) if len(given) > 1 else math.nan


def _min(*given: float) -> float:
    return min(given) if len(given) > 1 else math.nan


FUNCTIONS: Final[Mapping[str, Any]] = {"abs": _abs, "max": _max, "min": _min}
"""They raise nothing: CEL would write that to the log."""
TRUTHS: Final = ("true", "false")
RESERVED: Final = re.compile(
    "as|break|const|continue|else|for|function|if|import|in|let|loop|package|namespace|null"
    "|return|var|void|while"
)
_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<mark>&&|\|\||[<>=!]=|[-+*/<>!()?:,]))",
    re.ASCII,
)

Known = tuple[tuple[str, float | None], ...]


class ExpressionRefused(FengsuiError):
    """A formula that cannot be used; the code says why."""

    code = "EXPRESSION_SYNTAX"


class Reckoned(NamedTuple):
    """The inputs that were heard of, by name (None: not known), and why there is no result."""

    known: Known = ()
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Expression:
    """`text` has to be one that `check` takes; one that is not never has a verdict."""

    text: str

    @property
    def lateness(self) -> float:
        """Return 0."""
        return 0.0

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names in it, in order of the alphabet. Raises ExpressionRefused."""
        return compiled(self.text).inputs

    def begin(self) -> Reckoned:
        """Return that no input is known."""
        return Reckoned()

    def take(self, memory: Reckoned, reading: Reading, levels: tuple[Level, ...]) -> Taken:
        """Take one input; there is a verdict while all are known and the result is a number."""
        values = dict(memory.known)
        values[reading.input or OWN] = reading.value
        known = tuple(sorted(values.items()))
        return self._held(Reckoned(known, memory.fault), levels)

    def again(
        self, before: "Expression", held: Taken, levels: tuple[Level, ...], time: int
    ) -> Taken:
        """Reckon with what is known."""
        return self._held(held.memory, levels)

    def lose(self, memory: Reckoned, name: str, time: int) -> Reckoned:
        """Forget one input."""
        known = dict(memory.known)
        known[name or OWN] = None
        return Reckoned(tuple(sorted(known.items())), memory.fault)

    def _held(self, memory: Reckoned, levels: tuple[Level, ...]) -> Taken:
        result, fault = self._result(dict(memory.known))
        said = fault if fault != memory.fault else None
        return Taken(Reckoned(memory.known, fault), (result,) * len(levels), said)

    def _result(self, values: Mapping[str, float | None]) -> tuple[float | None, str]:
        try:
            formula = compiled(self.text)
        except ExpressionRefused as exc:
            return None, exc.code
        known: dict[str, float] = {}
        for name in formula.inputs:
            value = values.get(name)
            if value is None:
                return None, ""
            known[name] = float(value)  # a whole number would be another type
        return formula.result(known)


class Formula:
    """A formula as CEL has it."""

    def __init__(self, text: str, program: Any, inputs: tuple[str, ...], calls: bool) -> None:  # noqa: FBT001
        self.text = text
        self.inputs = inputs
        self._program = program
        self._calls = calls

    def result(self, known: dict[str, float]) -> tuple[float | None, str]:
        """Return the result, or None and why there is none."""
        given = _cel().Context(known, dict(FUNCTIONS)) if self._calls else known
        try:
            found = self._program.execute(given)
        except (RuntimeError, TypeError, ValueError, ArithmeticError) as exc:
            return None, _short(exc)
        if isinstance(found, bool | int | float) and math.isfinite(found):
            return float(found), ""
        return None, str(found)[:80]


def check(text: str) -> tuple[str, ...]:
    """Return the names of its inputs. Raises ExpressionRefused: what is wrong, and where."""
    return compiled(text).inputs


@lru_cache(maxsize=4096)
def compiled(text: str) -> Formula:
    """Return it as CEL has it, made once. Raises ExpressionRefused."""
    if len(text) > LONGEST:
        raise ExpressionRefused("EXPRESSION_LONG", length=len(text), most=LONGEST)
    words = list(_words(text))
    _shallow(words)
    inputs, calls = _names(words)
    try:
        program = _cel().compile(" ".join(word for word, _ in words))
    except (ValueError, RuntimeError, TypeError) as exc:
        raise ExpressionRefused(detail=_short(exc)) from exc
    formula = Formula(text, program, inputs, calls)
    _tried(formula)
    return formula


def _words(text: str) -> Iterator[tuple[str, int]]:
    """Yield its words as CEL shall have them, each with its place from 1."""
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            at = len(text) - len(text[at:].lstrip())
            raise ExpressionRefused("EXPRESSION_CHARACTER", at=at + 1, found=text[at : at + 10])
        number = found["number"]
        if number is not None and math.isinf(float(number)):
            raise ExpressionRefused("EXPRESSION_CHARACTER", at=at + 1, found=number[:10])
        word = repr(float(number)) if number is not None else found["name"] or found["mark"]
        yield word, found.end() - len(found[0].lstrip()) + 1
        at = found.end()


def _shallow(words: list[tuple[str, int]]) -> None:
    depth = signs = 0
    for word, at in words:
        depth += (word == "(") - (word == ")")
        signs = signs + 1 if word in "-!" else 0
        if depth > DEEPEST or signs > DEEPEST:
            raise ExpressionRefused("EXPRESSION_DEEP", at=at, most=DEEPEST)


def _names(words: list[tuple[str, int]]) -> tuple[tuple[str, ...], bool]:
    """Return the inputs, and whether it calls a function."""
    inputs, calls = set[str](), False
    for place, (word, at) in enumerate(words):
        if not (word[0].isalpha() or word[0] == "_"):
            continue
        called = place + 1 < len(words) and words[place + 1][0] == "("
        if called and word not in FUNCTIONS:
            allowed = ", ".join(FUNCTIONS)
            raise ExpressionRefused("EXPRESSION_FUNCTION", at=at, found=word, allowed=allowed)
        if RESERVED.fullmatch(word) or (word in FUNCTIONS and not called):
            raise ExpressionRefused("EXPRESSION_WORD", at=at, found=word)
        calls = calls or called
        if not called and word not in TRUTHS:
            inputs.add(word)
    if not 1 <= len(inputs) <= MOST_INPUTS:
        raise ExpressionRefused("EXPRESSION_INPUTS", count=len(inputs), most=MOST_INPUTS)
    return tuple(sorted(inputs)), calls


def _tried(formula: Formula) -> None:
    """Refuse what can have no result at all: `a > b > 2` compares a truth with a number."""
    faults = [
        formula.result({name: at + place for place, name in enumerate(formula.inputs)})
        for at in (1.0, -2.5, 0.0, 1000.0)
    ]
    if all(result is None for result, _ in faults):
        raise ExpressionRefused("EXPRESSION_RESULT", detail=faults[0][1])


def _short(exc: BaseException) -> str:
    text = " ".join(str(exc).split())
    return text.rpartition("Syntax error: ")[2].partition(" expecting {")[0][:120]


@lru_cache(maxsize=1)
def _cel() -> Any:
    """Return the library, loaded by the first formula.

    Only its extension: the package itself also loads a command line, 30 MB of it.
    """
    package = importlib.util.find_spec("cel")
    folders = package.submodule_search_locations if package is not None else None
    found = importlib.machinery.PathFinder.find_spec("cel", folders) if folders else None
    if found is None or found.loader is None:
        raise ExpressionRefused("EXPRESSION_LIBRARY")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module
