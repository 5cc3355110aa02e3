"""Runs every file of a known format in a folder and prints one line for each.

    python -m tests.vectors FOLDER

    modbus-decode: 102 passed, 0 failed
    alarm: not yet

Exit status 0; 1 if a case fails or a known file cannot be read; 2 if the folder has no known file.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TextIO

from tests.vectors import alarm, modbus_decode
from tests.vectors.formats import ALARM, MODBUS_DECODE, VectorFile, read

RUNNERS: Final[dict[str, Callable[[dict[str, Any]], str | None]]] = {
    ALARM: alarm.run,
    MODBUS_DECODE: modbus_decode.run,
}
"""Formats that have a product to run against; the others say `not yet`."""


def run_file(file: VectorFile, out: TextIO) -> bool:
    """Run one file, print its line and the names that fail; return whether all is well."""
    if file.problem:
        print(f"{file.format}: {file.path.name} {file.problem}", file=out)
        return False
    run = RUNNERS.get(file.format)
    if run is None:
        print(f"{file.format}: not yet", file=out)
        return True
    failures = [
        (case.get("name", f"case {number}"), problem)
        for number, case in enumerate(file.cases, 1)
        if (problem := run(case)) is not None
    ]
    passed = len(file.cases) - len(failures)
    print(f"{_title(file)}: {passed} passed, {len(failures)} failed", file=out)
    for name, problem in failures:
        print(f"  {name}: {problem}", file=out)
    return not failures


def _title(file: VectorFile) -> str:
    """Return the format, or which part of it: `alarm-streams` is of the format `alarm`."""
    stem = file.path.stem
    return stem if stem.startswith(f"{file.format}-") else file.format


def main(arguments: list[str], out: TextIO) -> int:
    """Run all files of one folder; return the exit status."""
    if len(arguments) != 1:
        print("usage: python -m tests.vectors FOLDER", file=out)
        return 2
    folder = Path(arguments[0])
    if not folder.is_dir():
        print(f"{folder} is not a folder", file=out)
        return 2
    files = [file for path in sorted(folder.glob("*.json")) if (file := read(path)) is not None]
    if not files:
        print(f"{folder}: no file of a known format", file=out)
        return 2
    results = [run_file(file, out) for file in files]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdout))
