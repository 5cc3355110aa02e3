"""Reads the threshold sets that are shipped, or an operator's own: one YAML file for each domain.

What is wrong is named with file, line, key, value and what is allowed, all at once. A rule's id is
that of its set and its own: `hazardous-chemicals.gas-combustible`.
"""

import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from central.rules.body import Body
from central.rules.faults import in_file
from central.rules.reading import read_body, read_label, read_name
from protocols.alarms.document_fields import Faults, Held
from protocols.errors import ConfigError, Problem
from protocols.schema.yaml_source import Source, in_order, read
from protocols.words import Label

PLACES: Final = (
    Path(__file__).resolve().parents[2] / "config" / "threshold-sets",
    Path(sys.prefix) / "share" / "fengsui" / "config" / "threshold-sets",
)
"""In a checkout, and where the wheel puts them."""
DOMAINS: Final = 15
RULES: Final = 500
VERSIONS: Final = 1_000_000
_KEYS: Final = ("threshold_set", "version", "domain", "label", "rules")


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdSet:
    """One file; `domain` 1 to 15."""

    name: str
    version: int
    domain: int
    label: Label
    rules: tuple[Body, ...]

    @property
    def origin(self) -> str:
        """What stands as the author of what it offers."""
        return f"{self.name}@{self.version}"


def shipped() -> Path | None:
    """Return the folder of the sets that came with the program."""
    return next((folder for folder in PLACES if folder.is_dir()), None)


def load_sets(folder: Path) -> tuple[ThresholdSet, ...]:
    """Return every set of a folder, by domain. Raises ConfigError with every fault of all files."""
    found, problems = list[ThresholdSet](), list[Problem]()
    for file in sorted(folder.glob("*.yaml")):
        state = file.stat()
        one, wrong = _file(file, state.st_mtime_ns, state.st_size)
        found.append(one)
        problems += wrong
    names = [each.name for each in found]
    for file_number, name in enumerate(names):
        if name and name in names[:file_number]:
            problems.append(Problem("RULE_TWICE", str(folder), 0, "threshold_set", {"value": name}))
    if problems:
        raise ConfigError(in_order(problems))
    return tuple(sorted(found, key=lambda each: (each.domain, each.name)))


@lru_cache(maxsize=64)
def _file(file: Path, changed: int, size: int) -> tuple[ThresholdSet, tuple[Problem, ...]]:
    """Return a file's set and its faults; one that did not change is read once."""
    source, faults = read(file), Faults()
    found = _set(source, faults)
    wrong = [each for each in in_file(source, faults.kept) if not _spoiled(source, each)]
    return found, (*source.problems, *wrong)


def _set(source: Source, faults: Faults) -> ThresholdSet:
    held = Held(source.data, "", _KEYS, faults)
    name = read_name(held, "threshold_set")
    prefix = f"{name}." if name else ""
    rules = held.each("rules", 1, RULES, lambda each, at: read_body(each, at, faults, prefix))
    ids = [rule.id for rule in rules]
    for place, id_ in enumerate(ids):
        if id_ in ids[:place]:
            faults.add(f"rules[{place}].id", "RULE_TWICE", id_)
    return ThresholdSet(
        name=name,
        version=held.integer("version", 1, 1, VERSIONS) if held.has("version") else 1,
        domain=held.integer("domain", 1, 1, DOMAINS) if held.has("domain") else 1,
        label=read_label(held, "label", needed=True),
        rules=tuple(rules),
    )


def _spoiled(source: Source, problem: Problem) -> bool:
    """Return whether the reader of the file has named it already."""
    return any(problem.line == known.line for known in source.problems)
