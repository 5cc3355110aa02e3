"""Collects what is wrong with a file, and turns pydantic's findings into ours.

Every finding keeps the line of the file and what would be allowed; nothing is named twice, and what
the YAML reader refused already is not complained about again.
"""

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from protocols.errors import ConfigError, Problem
from protocols.schema.yaml_source import Path, Source, in_order
from protocols.words import Value

Model = TypeVar("Model", bound=BaseModel)

_TYPES: Final = {
    "string_type": "TYPE_TEXT",
    "string_sub_type": "TYPE_TEXT",
    "int_type": "TYPE_INTEGER",
    "int_from_float": "TYPE_INTEGER",
    "float_type": "TYPE_NUMBER",
    "bool_type": "TYPE_BOOLEAN",
    "list_type": "TYPE_LIST",
    "dict_type": "TYPE_MAPPING",
    "model_type": "TYPE_MAPPING",
    "model_attributes_type": "TYPE_MAPPING",
}
_BOUNDS: Final = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")
_LENGTHS: Final = {
    "string_too_short": ("TEXT_LENGTH", "≥", "min_length"),
    "string_too_long": ("TEXT_LENGTH", "≤", "max_length"),
    "too_short": ("LIST_LENGTH", "≥", "min_length"),
    "too_long": ("LIST_LENGTH", "≤", "max_length"),
}
_SIGNS: Final = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
_OWN: Final = re.compile(r"[A-Z][A-Z0-9_]+")


class Report:
    """The problems of one file, in the making."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = list(source.problems)

    def at(self, path: Path, code: str, allowed: Iterable[str] = (), **params: Value) -> None:
        """Name something wrong at `path`, unless the reader refused the value already."""
        if not self.source.is_spoiled(path):
            self.problems.append(self.source.problem(path, code, tuple(allowed), **params))

    def check(self, model: type[Model], data: Any, path: Path = ()) -> Model | None:
        """Validate `data` found at `path`; None if anything in it is wrong (all of it is named)."""
        try:
            return model.model_validate(data)
        except ValidationError as exc:
            for error in exc.errors(include_url=False):
                self._translate(model, data, path, error)
            return None

    def finish(self) -> None:
        """Raise ConfigError if anything is wrong."""
        if self.problems:
            raise ConfigError(in_order(self.problems))

    def _translate(self, model: type[BaseModel], found: Any, prefix: Path, error: Any) -> None:
        """`found` is the data at `prefix`; `error` one of pydantic's for it."""
        inner: Path = tuple(error["loc"])
        path = (*prefix, *_without_tags(found, inner))
        kind, context = error["type"], error.get("ctx", {})
        if kind == "extra_forbidden":
            self._unknown(path, fields_at(model, inner[:-1]))
        elif kind == "missing":
            self.at(path, "KEY_MISSING", value=str(inner[-1]))
        elif kind == "union_tag_not_found":
            self.at((*path, "protocol"), "KEY_MISSING", value="protocol")
        elif kind == "union_tag_invalid":
            tags = re.findall(r"'([^']*)'", context["expected_tags"])
            self.at((*path, "protocol"), "VALUE_CHOICE", tags)
        elif kind in _TYPES:
            self._type(path, _TYPES[kind])
        elif kind in _BOUNDS:
            self.at(path, "NUMBER_RANGE", [bounds_at(model, inner)])
        else:
            self._other(path, kind, context, error["msg"])

    def _type(self, path: Path, code: str) -> None:
        place = self.source.places.get(path)
        if place is not None and place.quoted:
            self.at(path, code, value=f'"{place.raw}"')
        else:
            self.at(path, code)

    def _other(self, path: Path, kind: str, context: dict[str, Any], message: str) -> None:
        if kind in _LENGTHS:
            code, sign, name = _LENGTHS[kind]
            self.at(path, code, [f"{sign} {context[name]}"])
        elif _OWN.fullmatch(kind):
            self.at(path, kind, context.get("allowed", ()))
        else:
            self.at(path, "VALUE_INVALID", reason=message)

    def _unknown(self, path: Path, known: tuple[str, ...]) -> None:
        key = str(path[-1])
        if near := nearest(key, known):
            self.at(path, "KEY_UNKNOWN_NEAR", known, value=key, near=near[0])
        else:
            self.at(path, "KEY_UNKNOWN", known, value=key)


def _without_tags(data: Any, path: Path) -> Path:
    """Leave out what pydantic adds to a path: the tag of a chosen model, which is no key."""
    kept: list[str | int] = []
    for place, part in enumerate(path):
        last = place == len(path) - 1
        if isinstance(part, str) and isinstance(data, dict) and part not in data and not last:
            continue
        kept.append(part)
        data = _step(data, part)
    return tuple(kept)


def _step(data: Any, part: str | int) -> Any:
    if isinstance(data, dict):
        return data.get(part)
    if isinstance(data, list) and isinstance(part, int) and part < len(data):
        return data[part]
    return None


def nearest(word: str, known: Iterable[str], count: int = 1) -> list[str]:
    """Return the known words that `word` was probably meant to be, best first."""
    return difflib.get_close_matches(word, list(known), n=count, cutoff=0.6)


def fields_at(model: type[BaseModel], path: Path) -> tuple[str, ...]:
    """Return the keys that may stand at `path` (as pydantic writes it) inside `model`."""
    found = _models_at(model, path)
    return tuple(found[0].model_fields) if found else ()


def bounds_at(model: type[BaseModel], path: Path) -> str:
    """Return the range of the number at `path`: `1 … 65535`, `> 0`, `≥ 0`."""
    key = max((i for i, part in enumerate(path) if isinstance(part, str)), default=0)
    holders = _models_at(model, path[:key])
    field = holders[0].model_fields[str(path[key])]
    limits: dict[str, float] = {}
    for item in (*field.metadata, *_metadata(field.annotation)):
        limits |= {name: getattr(item, name) for name in _SIGNS if hasattr(item, name)}
    if {"ge", "le"} <= set(limits) and "gt" not in limits:
        return f"{limits['ge']:.10g} … {limits['le']:.10g}"
    return ", ".join(f"{_SIGNS[name]} {limits[name]:.10g}" for name in _SIGNS if name in limits)


def _models_at(model: type[BaseModel], path: Path) -> Sequence[type[BaseModel]]:
    """Return the models whose keys may stand at `path`."""
    found: Sequence[type[BaseModel]] = (model,)
    for part in path:
        if not isinstance(part, str):
            continue  # an index: the element's model is inside the same annotation
        chosen = [candidate for candidate in found if _tag(candidate) == part]
        if chosen:
            found = chosen
        elif found and (field := found[0].model_fields.get(part)) is not None:
            found = _models(field.annotation)
        # Else a key of a mapping: its value's model is inside the same annotation.
    return found


def _tag(model: type[BaseModel]) -> str | None:
    field = model.model_fields.get("protocol")
    return str(get_args(field.annotation)[0]) if field and get_args(field.annotation) else None


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Return the models inside `list[Model]`, `dict[str, Model]`, `Model | None`, a union."""
    found = [annotation] if isinstance(annotation, type) and not get_args(annotation) else []
    models = [item for item in found if issubclass(item, BaseModel)]
    for argument in get_args(annotation):
        models.extend(_models(argument))
    return models


def _metadata(annotation: Any) -> list[Any]:
    """Return what annotates the parts of `annotation`: `Port | None` keeps its bounds inside."""
    found: list[Any] = []
    for item in getattr(annotation, "__metadata__", ()):
        found.extend(getattr(item, "metadata", ()))
    for argument in get_args(annotation):
        found.extend(_metadata(argument))
    return found
