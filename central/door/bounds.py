"""What one request may hold, and the refusals that concern all of it."""

import re
from typing import Final

from protocols.errors import IngestError

JSON_BYTES: Final = 1 << 20
CSV_BYTES: Final = 4 << 20
READINGS: Final = 10_000
"""Readings of a request, those that are put aside included."""
LISTED: Final = 100
"""Readings put aside that an answer lists one by one; the rest is counted."""
KEPT: Final = 8_192
"""Bytes kept of a reading that is put aside."""
KEY: Final = re.compile(r"[\x21-\x7e]{1,128}")
"""An Idempotency-Key: visible ASCII."""
MANIFEST_BYTES: Final = 8 << 20
"""A description of points as JSON."""


def unreadable(why: str, **params: str | int | None) -> IngestError:
    """Return the refusal of a body that is not what docs/api-readings.md says; `why` is a code."""
    return IngestError("DOOR_BODY", 400, why=why, **params)


def too_many(count: int) -> IngestError:
    """Return the refusal of more readings than a request may hold."""
    return IngestError("DOOR_TOO_MANY", 413, count=count, limit=READINGS)
