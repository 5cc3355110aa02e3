"""The bounds of the wire format (docs/wire.md section 1); a decoder never holds more than these."""

from typing import Final

FORMAT: Final = 1

BATCH_ITEMS: Final = 10_000
"""Readings or events in a batch."""
SKIP_ITEMS: Final = 1 << 40
"""Numbers a single skip may take: it holds no rows, so its size does not grow with them."""
BATCH_BYTES: Final = 1 << 20
REQUEST_BYTES: Final = 1 << 20
"""A request or a manifest as sent, compressed."""
INFLATED_BYTES: Final = 8 << 20
"""A request inflated."""
MANIFEST_BYTES: Final = 24 << 20
"""A manifest inflated: 20,000 points with four levels each."""
REQUEST_BATCHES: Final = 4_096
TEXT_BYTES: Final = 4_096
"""A text value, in UTF-8."""
EVENT_BYTES: Final = 16_384
"""One event's canonical JSON."""
RECORD_BYTES: Final = 65_536
"""An opening record or an answer."""
POINTS: Final = 20_000
"""Points of a manifest; an index is below this."""
TIME: Final = (1 << 62) - 1
"""Times are between -TIME and TIME microseconds, so that every difference fits an int64."""
NUMBER: Final = (1 << 63) - 1
"""The largest stream number and sequence number."""
DECIMALS: Final = 9
"""The most decimal places a scaled integer carries."""
DECIMAL_INTEGER: Final = 10**15
"""A scaled integer is below this: 15 digits are what every float64 keeps."""
