"""Quality as others say it (pure, total): a word, the name of a StatusCode, or its number."""

import re
from typing import Final

from central.door.reasons import Reason
from protocols.quality import Quality

_WORDS: Final[dict[str, int]] = {
    **{quality.name.lower(): quality.value for quality in Quality},
    "正常": int(Quality.GOOD),
    "可疑": int(Quality.UNCERTAIN),
    "无效": int(Quality.BAD),
    "缺测": int(Quality.BAD),
}
_NUMBER: Final = re.compile(r"0[xX][0-9a-fA-F]{1,8}|[0-9]{1,10}")
_END: Final = 1 << 32


def quality(said: object) -> int | Reason:
    """Return the StatusCode; nothing said (None) is good."""
    if said is None:
        return 0
    if type(said) is int:
        return said if 0 <= said < _END else Reason.BAD_QUALITY
    if type(said) is str:
        return _WORDS.get(said.strip().lower(), Reason.BAD_QUALITY)
    return Reason.BAD_QUALITY


def quality_text(said: str) -> int | Reason:
    """Return the same from a CSV cell; an empty one is good."""
    cell = said.strip()
    if not cell:
        return 0
    if _NUMBER.fullmatch(cell):
        return quality(int(cell, 16 if cell[:2] in ("0x", "0X") else 10))
    return quality(cell)
