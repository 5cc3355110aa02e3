"""Digits large enough to read from the other end of a cabinet."""

from typing import Final

_ROWS: Final = (
    "███ ▄█  ███ ███ █ █ ███ ███ ███ ███ ███",
    "█ █  █    █   █ █ █ █   █     █ █ █ █ █",
    "█ █  █  ███ ███ ███ ███ ███   █ ███ ███",
    "█ █  █  █     █   █   █ █ █   █ █ █   █",
    "███ ▄█▄ ███ ███   █ ███ ███   █ ███ ███",
)
_GAP: Final = "     "


def big(digits: str) -> str:
    """Return `digits` in five lines, three by three as one reads them out."""
    middle = len(digits) // 2
    halves = (digits[:middle], digits[middle:])
    lines = []
    for row in _ROWS:
        drawn = ["  ".join(_digit(row, each) for each in half) for half in halves if half]
        lines.append("  " + _GAP.join(drawn).rstrip())
    return "\n".join(lines)


def _digit(row: str, digit: str) -> str:
    start = int(digit) * 4
    return row[start : start + 3].ljust(3)
