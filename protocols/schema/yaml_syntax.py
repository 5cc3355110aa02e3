"""Says in our words what a YAML parser could not read.

The two parsers of PyYAML word the same mistake differently and point at where they noticed it; the
text itself tells more: a tab, a Chinese colon, a bracket or quote that stays open.
"""

import re
from typing import Any, Final

import yaml

from protocols.errors import Problem

_WIDE_COLON: Final = re.compile(r"\s*(- +)?[A-Za-z_][A-Za-z0-9_]*\s*：")
_TAB: Final = re.compile(r" *\t")

_CONTROL: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_MEANINGS: Final[tuple[tuple[str, str], ...]] = (
    ("quoted scalar", "YAML_QUOTE"),
    ("double-quoted", "YAML_QUOTE"),
    ("flow sequence", "YAML_BRACKET"),
    ("flow mapping", "YAML_BRACKET"),
    ("mapping values are not allowed", "YAML_COLON"),
    ("could not find expected ':'", "YAML_NO_COLON"),
    ("cannot start any token", "YAML_CHARACTER"),
    ("block mapping", "YAML_INDENT"),
    ("block collection", "YAML_INDENT"),
    ("document start", "YAML_INDENT"),
)

_AT_OPENING: Final = frozenset({"YAML_QUOTE", "YAML_BRACKET", "YAML_NO_COLON"})
"""Better shown where the thing began than where the parser gave up."""


def control_character(file: str, text: str) -> Problem | None:
    """Name the first character that YAML does not allow, or return None."""
    found = _CONTROL.search(text)
    if found is None:
        return None
    line = text[: found.start()].count("\n") + 1
    return Problem("YAML_CONTROL", file, line, "", {"value": f"U+{ord(found.group()):04X}"})


def syntax_problem(file: str, text: str, error: yaml.YAMLError) -> Problem:
    """Name the mistake that `error` stands for."""
    problem_line, opening = _line(error, "problem_mark"), _line(error, "context_mark")
    lines = text.splitlines()
    for number in sorted({problem_line, max(1, problem_line - 1), opening or problem_line}):
        content = lines[number - 1] if number <= len(lines) else ""
        if _TAB.match(content):
            return Problem("YAML_TAB", file, number, "")
        if _WIDE_COLON.match(content):
            return Problem("YAML_WIDE_COLON", file, number, "", {"value": content.strip()})
    code, detail = _meaning(error)
    line = opening if code in _AT_OPENING and opening else problem_line
    content = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    return Problem(code, file, line, "", {"value": content, "detail": detail})


def _line(error: Any, mark: str) -> int:
    found = getattr(error, mark, None)
    return int(found.line) + 1 if found is not None else 0


def _meaning(error: Any) -> tuple[str, str]:
    parts = (getattr(error, "context", None), getattr(error, "problem", None))
    detail = ", ".join(part for part in parts if part)
    for words, code in _MEANINGS:
        if words in detail:
            return code, detail
    return "YAML_SYNTAX", detail
