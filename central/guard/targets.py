"""Request targets that no honest caller sends: a path another reader would take for another path.

What stands before us (a proxy that lets some paths through) and what stands behind (our routes, a
signature over the path) must never see two different paths in one request. So a path has one
spelling: no encoded slash, no dot segment, no empty segment, no backslash, nothing below a space,
and nothing that is not UTF-8, whether encoded once or twice. Our own callers need none of these.
"""

import re
from typing import Final

LONGEST: Final = 8_192
"""Bytes of path and query; the longest question of our own pages has some hundred."""

_PLAIN: Final = bytes(set(range(0x21, 0x7F)) - set(b"%\\"))
_TRICKS: Final = (
    ("ENCODED_SLASH", re.compile(rb"%(25)*(2f|5c)|\\", re.IGNORECASE)),
    ("CONTROL", re.compile(rb"%(25)*([01][0-9a-f]|7f)", re.IGNORECASE)),
    ("DOT_SEGMENT", re.compile(rb"/(\.|%(25)*2e){1,2}(/|;|$)", re.IGNORECASE)),
    ("EMPTY_SEGMENT", re.compile(rb"//")),
    ("BROKEN_ENCODING", re.compile(rb"%(?![0-9a-f]{2})|%25[0-9a-f]{2}", re.IGNORECASE)),
    ("NOT_ASCII", re.compile(rb"[^!-~]")),
)
_BYTE: Final = re.compile(rb"%([0-9a-fA-F]{2})")


def trick(raw_path: bytes, query: bytes = b"") -> str | None:
    """Return which trick the path is, None when it is none. A usual path costs one look."""
    if len(raw_path) + len(query) > LONGEST:
        return "LONG"
    if b"//" not in raw_path and b"/." not in raw_path and not raw_path.translate(None, _PLAIN):
        return None
    for name, pattern in _TRICKS:
        if pattern.search(raw_path):
            return name
    try:
        _BYTE.sub(lambda found: bytes([int(found[1], 16)]), raw_path).decode()
    except UnicodeDecodeError:
        return "NOT_UTF8"  # overlong forms of a slash or a dot among them
    return None
