"""Which known format a file has, by its content first and its name second."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

MODBUS_DECODE: Final = "modbus-decode"
ALARM: Final = "alarm"
PROTOCOL_FRAMES: Final = "protocol-frames"
FORMATS: Final = (ALARM, MODBUS_DECODE, PROTOCOL_FRAMES)


@dataclass(frozen=True, slots=True)
class VectorFile:
    """A file of a known format; `problem` says why it cannot be read."""

    path: Path
    format: str
    cases: list[dict[str, Any]]
    problem: str = ""


def read(path: Path) -> VectorFile | None:
    """Return the file if its format is known: what it holds decides, else what it is called."""
    named = path.stem if path.stem in FORMATS else ""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as exc:
        return VectorFile(path, named, [], f"cannot be read: {exc}") if named else None
    cases = content.get("vectors") if isinstance(content, dict) else content
    if not isinstance(cases, list) or not all(isinstance(case, dict) for case in cases):
        return VectorFile(path, named, [], "is not a list of cases") if named else None
    known = _format(content, cases) or named
    if not known:
        return None
    return VectorFile(path, known, cases, "" if cases else "holds no case")


def _format(content: Any, cases: list[dict[str, Any]]) -> str:
    if isinstance(content, dict):
        return ALARM if str(content.get("format", "")).startswith("alarm-vectors/") else ""
    if cases and all({"registers", "type", "expected"} <= set(case) for case in cases):
        return MODBUS_DECODE
    if cases and all("protocol" in case and "decoded" in case for case in cases):
        return PROTOCOL_FRAMES
    return ""
