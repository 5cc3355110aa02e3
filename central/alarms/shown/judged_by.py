"""What an alarm is judged by: its rule's kind, every input by name, how long it may rest."""

import json
import sqlite3
from dataclasses import dataclass
from typing import Any, Final

from central.alarms.journal.records import read_levels
from protocols.alarms.rule import Colour

_ASKED: Final = (
    "SELECT r.id, r.version, r.definition, r.inputs, r.levels, e.point FROM episode e "
    "JOIN rule r ON r.id = e.rule WHERE e.id = ?"
)
_LADDER: Final = "limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One input: a `point` by number, or the `rule` whose level is counted.

    `op` and `limit` are what this input alone is held against; None: the rule says it otherwise.
    """

    name: str
    point: int | None = None
    rule: str | None = None
    op: str | None = None
    limit: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedBy:
    """A rule as an alarm of it is explained.

    `longest_shelf`: the rule's own cap in seconds; `red`: a level of it is red.
    """

    rule: str
    version: int
    kind: str
    inputs: tuple[Input, ...]
    longest_shelf: float | None
    red: bool


def judged_by(conn: sqlite3.Connection, id_: str) -> JudgedBy | None:
    """Return what episode `id_` is judged by; None: no such episode, or its rule is gone."""
    row = conn.execute(_ASKED, (id_,)).fetchone()
    if row is None:
        return None
    rule, version, definition, inputs, levels, point = row
    document: dict[str, Any] = json.loads(definition) if definition else {}
    kind: dict[str, Any] = document.get("kind", {})
    return JudgedBy(
        rule=rule,
        version=version,
        kind=kind.get("kind", _LADDER),
        inputs=_inputs(json.loads(inputs) if inputs else [(point, "")], kind),
        longest_shelf=document.get("clocks", {}).get("longest_shelf"),
        red=any(level.colour is Colour.RED for level in read_levels(levels)),
    )


def _inputs(named: list[tuple[int, str]], kind: dict[str, Any]) -> tuple[Input, ...]:
    """Return the inputs in the rule's order; number 0 stands for another rule."""
    clauses = {each["input"]: each for each in kind.get("clauses", ())}
    found = []
    for number, name in named:
        if not number:
            found.append(Input(name=name, rule=name))
            continue
        clause = clauses.get(name, {})
        found.append(Input(name=name, point=number, op=clause.get("op"), limit=clause.get("limit")))
    return tuple(found)
