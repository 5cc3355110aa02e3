"""Quality as others say it (pure, total): a word, the name of a StatusCode, or its number."""

import re
from collections.abc import Sequence
from itertools import repeat
from typing import Any, Final

import msgspec
import numpy as np

from central.door.reasons import NO_QUALITY, Reason
from central.store.columns import Integers
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
_USUAL: Final[dict[Any, int]] = {None: 0, **_WORDS}
_INTEGERS: Final = msgspec.json.Decoder(list[int]).decode


def listed_qualities(data: bytes) -> Integers | None:
    """Return a JSON list of `good`, null and numbers, as it was sent; None: it holds others too.

    Numbers hold no quotation mark: where none is left, every word that was replaced stood alone.
    """
    try:
        numbers = _INTEGERS(data.replace(b'"good"', b"0").replace(b"null", b"0"))
        codes = np.array(numbers, np.int64)
    except (msgspec.MsgspecError, OverflowError):
        return None
    codes[(codes < 0) | (codes >= _END)] = NO_QUALITY
    return codes


def qualities(cells: Sequence[Any]) -> tuple[Integers, list[int]]:
    """Return the codes of a column of qualities, and the places of those that are no usual word."""
    # Whatever is asked for is compared with few words: numbers may collide with one another.
    codes = np.fromiter(map(_USUAL.get, cells, repeat(NO_QUALITY)), np.int64, len(cells))
    return codes, (codes < 0).nonzero()[0].tolist()


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
