"""Builds plain data from PyYAML's events: no constructor, no alias, no recursion.

Used by `protocols.schema.yaml_source`. The parser in C is taken where the wheel has it.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from protocols.errors import Problem
from protocols.schema.scalars import key_trap, resolve
from protocols.schema.yaml_source import Path, Place, Source, dotted, in_order
from protocols.schema.yaml_syntax import control_character, syntax_problem
from protocols.words import Value

MAX_DEPTH: Final = 20

LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _TooBroken(Exception):
    """Reading on would only bring consequences of what was already named."""


@dataclass(slots=True)
class _Frame:
    """An open mapping or list; `key` is set between a key and its value."""

    path: Path
    data: dict[str, Any] | list[Any]
    key: str | None = None
    key_mark: Any = None
    duplicate: bool = False
    lines: dict[str, int] = field(default_factory=dict)


def build(file: str, text: str) -> Source:
    """Turn `text` into a Source; what is wrong is in its `problems`."""
    builder = _Builder(file)
    if (control := control_character(file, text)) is not None:
        return Source(file, None, {}, (control,), frozenset({()}))
    try:
        for event in yaml.parse(text, Loader=LOADER):
            builder.take(event)
    except _TooBroken:
        pass
    except yaml.YAMLError as exc:
        builder.problems.append(syntax_problem(file, text, exc))
        builder.spoiled.add(())
    if builder.documents == 0 and not builder.problems:
        builder.problems.append(Problem("FILE_EMPTY", file, 0, ""))
        builder.spoiled.add(())
    problems = in_order(builder.problems)
    return Source(file, builder.root, builder.places, problems, frozenset(builder.spoiled))


class _Builder:
    def __init__(self, file: str) -> None:
        self.file = file
        self.root: Any = None
        self.places: dict[Path, Place] = {}
        self.problems: list[Problem] = []
        self.spoiled: set[Path] = set()
        self.documents = 0
        self._frames: list[_Frame] = []
        self._aliases: set[tuple[int, str]] = set()
        """Line and name: a bomb of references is named once a line."""

    def take(self, event: Any) -> None:
        """Use one event of the parser."""
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self._fatal((), "YAML_DOCUMENTS", event)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.ScalarEvent):
            self._decorated(event)
            self._scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._decorated(event)
            self._open(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._frames.pop()

    def _at(self) -> Path:
        """Return the path of the value that comes next."""
        if not self._frames:
            return ()
        frame = self._frames[-1]
        if isinstance(frame.data, list):
            return (*frame.path, len(frame.data))
        return frame.path if frame.key is None else (*frame.path, frame.key)

    def _expects_key(self) -> bool:
        return (
            bool(self._frames)
            and isinstance(self._frames[-1].data, dict)
            and self._frames[-1].key is None
        )

    def _name(self, path: Path, code: str, event: Any, **params: Value) -> None:
        line = event.start_mark.line + 1
        self.problems.append(Problem(code, self.file, line, dotted(path), params))
        self.spoiled.add(path)

    def _fatal(self, path: Path, code: str, event: Any, **params: Value) -> None:
        self._name(path, code, event, **params)
        self.spoiled.add(())
        raise _TooBroken

    def _decorated(self, event: Any) -> None:
        if event.anchor is not None:
            self._name(self._at(), "YAML_ANCHOR", event, value=f"&{event.anchor}")
        if event.tag is not None:
            self._name(self._at(), "YAML_TAG", event, value=_short(event.tag))

    def _alias(self, event: Any) -> None:
        value = f"*{event.anchor}"
        if self._expects_key():
            self._fatal(self._at(), "YAML_ALIAS", event, value=value)
        place = (event.start_mark.line, value)
        if place not in self._aliases:
            self._aliases.add(place)
            self._name(self._at(), "YAML_ALIAS", event, value=value)
        self.spoiled.add(self._at())
        self._put(None, event)

    def _scalar(self, event: Any) -> None:
        plain = event.implicit[0] and event.style in (None, "")
        if self._expects_key():
            self._key(event, plain=plain)
            return
        value, code = resolve(event.value) if plain else (event.value, None)
        if code is not None:
            self._name(self._at(), code, event, value=event.value)
        self._put(value, event, event.value, quoted=not plain)

    def _key(self, event: Any, *, plain: bool) -> None:
        frame = self._frames[-1]
        key = event.value
        code = key_trap(key) if plain else None
        if code is not None:
            self._name((*frame.path, key), code, event, value=key)
        first = frame.lines.setdefault(key, event.start_mark.line + 1)
        frame.duplicate = first != event.start_mark.line + 1 or key in frame.data
        if frame.duplicate:
            self.problems.append(
                Problem(
                    "YAML_DUPLICATE",
                    self.file,
                    event.start_mark.line + 1,
                    dotted((*frame.path, key)),
                    {"value": key, "first": first},
                )
            )
        frame.key, frame.key_mark = key, event.start_mark

    def _open(self, event: Any) -> None:
        path = self._at()
        if self._expects_key():
            self._fatal(path, "YAML_KEY", event)
        if len(self._frames) >= MAX_DEPTH:
            self._fatal(path[:4], "YAML_DEPTH", event, limit=MAX_DEPTH)
        data: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._put(data, event)
        self._frames.append(_Frame(path, data))

    def _put(self, value: Any, event: Any, raw: str | None = None, *, quoted: bool = False) -> None:
        """Store the value where it belongs, with its place; a repeated key keeps the first."""
        path = self._at()
        if not self._frames:
            self.root = value
            self.places.setdefault(path, _place(event.start_mark, raw, quoted))
            return
        frame = self._frames[-1]
        if isinstance(frame.data, list):
            frame.data.append(value)
            self.places.setdefault(path, _place(event.start_mark, raw, quoted))
            return
        if not frame.duplicate:
            frame.data[str(frame.key)] = value
            self.places.setdefault(path, _place(frame.key_mark, raw, quoted))
        frame.key = None


def _place(mark: Any, raw: str | None, quoted: bool) -> Place:  # noqa: FBT001  # private
    return Place(mark.line + 1, mark.column + 1, raw, quoted)


def _short(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")
