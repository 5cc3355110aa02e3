"""Shows problems of a file to people and to programs, in either language.

Text: `file:line key: sentence`. JSON: one object a line with file, line, key, code, value, allowed
and message. Both say the same.
"""

import json
from collections.abc import Iterable
from typing import Final

from protocols.errors import Problem
from protocols.texts import text

_COMMA: Final = {"zh": "、", "en": ", "}


def sentence(problem: Problem, language: str = "zh") -> str:
    """Return what is wrong and what to do, without the place."""
    allowed = _COMMA.get(language, "、").join(problem.allowed)
    return text(problem.code, {"allowed": allowed, "key": problem.key, **problem.params}, language)


def as_line(problem: Problem, language: str = "zh") -> str:
    """Return `file:line key: sentence`."""
    place = f"{problem.file}:{problem.line}" if problem.line else problem.file
    key = f" {problem.key}" if problem.key else ""
    return f"{place}{key}: {sentence(problem, language)}"


def as_json(problem: Problem, language: str = "zh") -> str:
    """Return one JSON object on one line."""
    return json.dumps(
        {
            "file": problem.file,
            "line": problem.line,
            "key": problem.key,
            "code": problem.code,
            "value": problem.params.get("value"),
            "allowed": list(problem.allowed),
            "message": sentence(problem, language),
        },
        ensure_ascii=False,
    )


def lines(problems: Iterable[Problem], language: str = "zh", *, json_lines: bool) -> Iterable[str]:
    """Return every problem as one line of text or of JSON."""
    show = as_json if json_lines else as_line
    return (show(problem, language) for problem in problems)
