"""Reads one YAML file strictly: plain data, and the line of every value.

Refused, each by its own code: aliases, anchors, tags, merge keys, duplicate keys, several
documents, nesting beyond 20, files beyond the size limit, bytes that are not UTF-8 and the scalars
of `protocols.schema.scalars`. What can be skipped is skipped, so that one reading names every
mistake. Nothing is ever expanded or constructed: memory and time are bounded by the file's size.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, Final

from protocols.errors import ConfigError, Problem
from protocols.words import Value

Path = tuple[str | int, ...]
"""Where in a file: keys and list indices from the root."""

EDGE_LIMIT: Final = 256 * 1024
"""Bytes of a gateway's own file; a mistaken or hostile one must not fill the gateway."""

MAX_PROBLEMS: Final = 100
"""More are counted in one last line: nobody reads on, and a bomb must not print for ever."""


@dataclass(frozen=True, slots=True)
class Place:
    """Line and column (both from 1) of an entry, and its value as written if it is a scalar."""

    line: int
    column: int
    raw: str | None = None
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """A file as read. `data` is the best that could be read where `problems` is not empty."""

    file: str
    data: Any
    places: Mapping[Path, Place] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    spoiled: frozenset[Path] = frozenset()
    """Paths whose value is known to be wrong already: not to be complained about twice."""

    def line(self, path: Path) -> int:
        """Return the line of the entry, or of the nearest that holds it (0: the file is empty)."""
        for end in range(len(path), -1, -1):
            if (place := self.places.get(path[:end])) is not None:
                return place.line
        return 0

    def raw(self, path: Path) -> str | None:
        """Return a scalar as it was written."""
        place = self.places.get(path)
        return place.raw if place else None

    def problem(
        self, path: Path, code: str, allowed: tuple[str, ...] = (), **params: Value
    ) -> Problem:
        """Name something wrong at `path`; `value` is filled in from the file if not given."""
        if (raw := self.raw(path)) is not None:
            params.setdefault("value", raw)
        return Problem(code, self.file, self.line(path), dotted(path), params, allowed)

    def is_spoiled(self, path: Path) -> bool:
        """Return whether the entry or something that holds it was refused while reading."""
        return any(path[:end] in self.spoiled for end in range(len(path) + 1))


def dotted(path: Path) -> str:
    """Write a path as people do: `buses[0].devices[2].unit`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f"{'.' if text else ''}{part}"
    return text


def in_order(problems: list[Problem]) -> tuple[Problem, ...]:
    """Sort by file (as first met) and line, one per key and code; past MAX_PROBLEMS a count."""
    files: dict[str, int] = {}
    for problem in problems:
        files.setdefault(problem.file, len(files))
    unique = {(item.file, item.line, item.key, item.code): item for item in problems}
    ordered = sorted(unique.values(), key=lambda item: (files[item.file], item.line))
    if len(ordered) <= MAX_PROBLEMS:
        return tuple(ordered)
    last = ordered[MAX_PROBLEMS]
    more = Problem("MORE_PROBLEMS", last.file, 0, "", {"count": len(ordered) - MAX_PROBLEMS})
    return (*ordered[:MAX_PROBLEMS], more)


def read(path: FilePath, *, limit: int = EDGE_LIMIT) -> Source:
    """Read `path`; whatever is wrong is in `problems`, never raised."""
    from protocols.schema.yaml_events import build  # PyYAML only when reading

    name = str(path)
    try:
        with path.open("rb") as file:
            raw = file.read(limit + 1)
    except FileNotFoundError:
        return _refused(name, "FILE_MISSING")
    except OSError as exc:
        return _refused(name, "FILE_UNREADABLE", reason=exc.strerror or type(exc).__name__)
    if len(raw) > limit:
        return _refused(name, "FILE_TOO_LARGE", limit=limit // 1024)
    try:
        return build(name, raw.decode("utf-8-sig"))
    except UnicodeDecodeError as exc:
        line = raw[: exc.start].count(b"\n") + 1
        return _refused(name, "FILE_NOT_UTF8", line, byte=f"0x{raw[exc.start]:02X}")


def load(path: FilePath, *, limit: int = EDGE_LIMIT) -> Source:
    """Read `path`. Raises ConfigError with everything that is wrong."""
    source = read(path, limit=limit)
    if source.problems:
        raise ConfigError(source.problems)
    return source


def _refused(file: str, code: str, line: int = 0, **params: Value) -> Source:
    return Source(file, None, {}, (Problem(code, file, line, "", params),), frozenset({()}))
