"""Which threshold sets are offered, as far as the operator may say it, and how the file says it."""

from pathlib import Path
from typing import Any, Final

from central.rules.threshold_sets import load_sets, shipped
from protocols.errors import ConfigError
from protocols.schema.fields import Line, Strict
from protocols.schema.report import Report

SHIPPED: Final = "shipped"
NONE: Final = "none"


class RulesModel(Strict):
    """`threshold_sets`: those that came with the program, none, or a folder of one's own."""

    threshold_sets: Line = SHIPPED


def check_rules(report: Report, data: Any, base: Path) -> Path | None:
    """Return the folder of the sets that are offered; name what is wrong with one of one's own."""
    rules = data.get("rules") if isinstance(data, dict) else None
    named = rules.get("threshold_sets", SHIPPED) if isinstance(rules, dict) else SHIPPED
    if named == SHIPPED or not isinstance(named, str):
        return shipped()
    if named == NONE:
        return None
    folder = base / named
    if not folder.is_dir():
        report.at(("rules", "threshold_sets"), "FOLDER_MISSING", [SHIPPED, NONE], file=named)
        return None
    try:
        load_sets(folder)
    except ConfigError as exc:
        report.problems += exc.problems
    return folder
