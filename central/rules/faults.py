"""Faults of a document become problems of a file: with its name and the line they are on."""

import re
from collections.abc import Iterable
from typing import Final

from protocols.errors import Problem
from protocols.schema.yaml_source import Path, Source

_PART: Final = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


def path_of(dotted: str) -> Path:
    """Return `rules[3].levels[0].limit` as keys and places."""
    return tuple(int(place) if place else key for place, key in _PART.findall(dotted))


def in_file(source: Source, problems: Iterable[Problem]) -> list[Problem]:
    """Return problems with the file's name and line."""
    return [
        Problem(
            problem.code,
            source.file,
            source.line(path_of(problem.key)),
            problem.key,
            problem.params,
            problem.allowed,
        )
        for problem in problems
    ]
