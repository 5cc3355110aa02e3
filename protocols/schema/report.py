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
_BOUNDS: Final = {
    "greater_than": (">", "gt"),
    "greater_than_equal": ("≥", "ge"),
    "less_than": ("<", "lt"),
    "less_than_equal": ("≤", "le"),
}
_LENGTHS: Final = {
    "string_too_short": ("TEXT_LENGTH", "≥", "min_length"),
    "string_too_long": ("TEXT_LENGTH", "≤", "max_length"),
    "too_short": ("LIST_LENGTH", "≥", "min_length"),
    "too_long": ("LIST_LENGTH", "≤", "max_length"),
}
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
                self._translate(model, path, error)
            return None

    def finish(self) -> None:
        """Raise ConfigError if anything is wrong."""
        if self.problems:
            raise ConfigError(in_order(self.problems))

    def _translate(self, model: type[BaseModel], prefix: Path, error: Any) -> None:
        inner: Path = tuple(error["loc"])
        path, kind, context = (*prefix, *inner), error["type"], error.get("ctx", {})
        if kind == "extra_forbidden":
            self._unknown(model, path, inner)
        elif kind == "missing":
            self.at(path, "KEY_MISSING", value=str(inner[-1]))
        elif kind in _TYPES:
            self.at(path, _TYPES[kind])
        elif kind in _BOUNDS:
            sign, name = _BOUNDS[kind]
            self.at(path, "NUMBER_RANGE", [f"{sign} {context[name]:g}"])
        elif kind in _LENGTHS:
            code, sign, name = _LENGTHS[kind]
            self.at(path, code, [f"{sign} {context[name]}"])
        elif _OWN.fullmatch(kind):
            allowed = context.pop("allowed", ())
            self.at(path, kind, allowed, **context)
        else:
            self.at(path, "VALUE_INVALID", reason=error["msg"])

    def _unknown(self, model: type[BaseModel], path: Path, inner: Path) -> None:
        key, known = str(inner[-1]), fields_at(model, inner[:-1])
        near = nearest(key, known)
        if near:
            self.at(path, "KEY_UNKNOWN_NEAR", known, value=key, near=near[0])
        else:
            self.at(path, "KEY_UNKNOWN", known, value=key)


def nearest(word: str, known: Iterable[str], count: int = 1) -> list[str]:
    """Return the known words that `word` was probably meant to be, best first."""
    return difflib.get_close_matches(word, list(known), n=count, cutoff=0.6)


def fields_at(model: type[BaseModel], path: Path) -> tuple[str, ...]:
    """Return the keys that may stand at `path` inside `model`."""
    found: Any = model
    for part in path:
        if isinstance(part, str) and (field := _model(found).model_fields.get(part)) is not None:
            found = field.annotation
        # An index, or a key of a mapping: the element's model is inside the same annotation.
    return tuple(_model(found).model_fields)


def _model(annotation: Any) -> type[BaseModel]:
    """Return the model inside `list[Model]`, `dict[str, Model]`, `Model | None`."""
    for candidate in _inside(annotation):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return BaseModel


def _inside(annotation: Any) -> Sequence[Any]:
    found = [annotation]
    for argument in get_args(annotation):
        found.extend(_inside(argument))
    return found
