"""What an unquoted YAML scalar means here: true, false, null, a number, or text as it stands.

YAML 1.1 reads `no` as false, `0010` as 8, `12:30:45` as 45045 and `1e3` as text; YAML 1.2 reads
them otherwise. Nobody who writes a point table should have to know: such a scalar is refused by
the name of its trap, and quotes make any of them plain text.
"""

import re
from typing import Final

from protocols.words import Value

_WORDS: Final[dict[str, Value]] = {"true": True, "false": False, "null": None}
_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_HEX: Final = re.compile(r"0x[0-9a-fA-F]{1,15}")
_FLOAT: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})\.[0-9]{1,30}([eE][-+][0-9]{1,3})?")

_TRAPS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("YAML_EMPTY", re.compile(r"")),
    ("YAML_YES_NO", re.compile(r"yes|no|on|off", re.IGNORECASE)),
    ("YAML_TRUE_FALSE", re.compile(r"true|false", re.IGNORECASE)),
    ("YAML_NULL", re.compile(r"~|null", re.IGNORECASE)),
    ("YAML_LEADING_ZERO", re.compile(r"[-+]?0[0-9_]+(\.[0-9_]*)?|0o[0-7]+|0b[01_]+")),
    ("YAML_SEXAGESIMAL", re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")),
    ("YAML_EXPONENT", re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+")),
    ("YAML_NOT_FINITE", re.compile(r"[-+]?\.(inf|nan)", re.IGNORECASE)),
    (
        "YAML_NUMBER",
        re.compile(r"[-+]?0x[0-9a-fA-F_]+|[-+]?[0-9][0-9_,]*\.?[0-9_]*|[-+]?\.[0-9][0-9_]*"),
    ),
    ("YAML_MERGE", re.compile(r"<<|=")),
    ("YAML_WIDE_COLON", re.compile(r"[A-Za-z_][A-Za-z0-9_]*：.*", re.DOTALL)),
)
"""First match wins; each names a text of the catalogue."""


def resolve(raw: str) -> tuple[Value, str | None]:
    """Return the value of an unquoted scalar and, if it is a trap, the code that names it.

    With a trap the value is the raw text, so that the rest of the file can still be checked.
    """
    if raw in _WORDS:
        return _WORDS[raw], None
    if _INTEGER.fullmatch(raw):
        return int(raw), None
    if _HEX.fullmatch(raw):
        return int(raw, 16), None
    if _FLOAT.fullmatch(raw):
        number = float(raw)
        return (raw, "YAML_NOT_FINITE") if abs(number) == float("inf") else (number, None)
    return raw, trap(raw)


def key_trap(raw: str) -> str | None:
    """Return the trap of an unquoted key. Keys are always text here, so words (`on`) are safe."""
    code = resolve(raw)[1]
    return None if code in ("YAML_YES_NO", "YAML_TRUE_FALSE") else code


def trap(raw: str) -> str | None:
    """Return the code of the trap that the unquoted scalar `raw` falls into, or None for text."""
    for code, pattern in _TRAPS:
        if pattern.fullmatch(raw):
            return code
    return None
