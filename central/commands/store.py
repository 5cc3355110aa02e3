"""`fengsui-central store check`: read-only, beside a running collector or without."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from central.config import load_config
from central.evidence.verifying import reading
from central.store.checks.checking import check
from protocols.texts import text

if TYPE_CHECKING:
    from central.store.checks.findings import Checked, Finding

BAR: Final = 30


def check_store(file: Path, language: str, *, as_json: bool) -> int:
    """Name everything in the store that is not as it was written; 0: nothing, 1: something.

    With `as_json` each finding is an object a line, and the last line says what was looked at.
    Raises ConfigError, DatabaseUnusable.
    """
    config = load_config(file)

    def say(finding: "Finding") -> None:
        _clear()
        sentence = text(finding.code, finding.params, language)
        told = {"code": finding.code, "params": finding.params, "text": sentence}
        print(json.dumps(told, ensure_ascii=False) if as_json else sentence, flush=True)

    with reading(config.database) as conn:
        checked = check(conn, say, _bar(language))
    _clear()
    if as_json:
        print(json.dumps({"code": _verdict(checked), "params": asdict(checked)}))
    else:
        _sum_up(checked, language)
    return 1 if checked.findings else 0


def _sum_up(checked: "Checked", language: str) -> None:
    params = asdict(checked)
    if checked.leftover_rows or checked.leftover_chunks:
        print(text("CHECK_LEFTOVERS", params, language))
    print(text("CHECK_LOOKED", params, language))
    print(text(_verdict(checked), params, language))


def _verdict(checked: "Checked") -> str:
    return "CHECK_FOUND" if checked.findings else "CHECK_SOUND"


def _bar(language: str) -> Callable[[int, int], None]:
    """Return what draws how far it is; nothing where nobody looks."""
    word = text("CHECK_PROGRESS", {}, language)

    def show(done: int, total: int) -> None:
        if sys.stderr.isatty():
            full = BAR * done // total if total else BAR
            sys.stderr.write(f"\r{word} [{'#' * full:<{BAR}}] {done}/{total}")
            sys.stderr.flush()

    return show


def _clear() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
