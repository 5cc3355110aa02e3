"""Where a list goes on: the keys of the last item, as text that is good for the same question only.

A place by its keys stays right while items come and go before it; a count of items would not.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from typing import Any, Final

from protocols.errors import FengsuiError

LONGEST: Final = 256
_VERSION: Final = 1
_INT64: Final = 2**63


class CursorUnknown(FengsuiError):
    """It was not given out by us."""

    code = "CURSOR_UNKNOWN"


class CursorElsewhere(FengsuiError):
    """It was given out for another question."""

    code = "CURSOR_ELSEWHERE"


def write(question: Any, keys: Sequence[int]) -> str:
    """Return the cursor behind the item with these keys; `question` is anything JSON can hold."""
    text = json.dumps([_VERSION, _mark(question), *keys], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read(question: Any, cursor: str, count: int) -> list[int]:
    """Return the `count` keys of a cursor. Raises CursorUnknown, CursorElsewhere."""
    if len(cursor) > LONGEST:
        raise CursorUnknown
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found = json.loads(text)
    except (binascii.Error, ValueError, RecursionError) as exc:
        raise CursorUnknown from exc
    if not isinstance(found, list) or len(found) < 2 or found[0] != _VERSION:
        raise CursorUnknown
    mark, keys = found[1], found[2:]
    if not all(type(key) is int and -_INT64 <= key < _INT64 for key in keys):
        raise CursorUnknown
    if mark != _mark(question):
        raise CursorElsewhere
    if len(keys) != count:
        raise CursorUnknown
    return keys


def _mark(question: Any) -> str:
    text = json.dumps(question, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=9).hexdigest()
