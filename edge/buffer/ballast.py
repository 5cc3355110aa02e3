"""How large the ballast of a buffer is; the file itself: `protocols.ballast`."""

from typing import Final

from protocols.ballast import BALLAST, Ballast

__all__ = ["BALLAST", "Ballast", "ballast_size"]

MOST: Final = 16 * 1024 * 1024
SHARE: Final = 16
"""At most this part of the quota."""


def ballast_size(quota: int) -> int:
    """Return how large the ballast, and the reserve for alarms, are to be under a quota."""
    return min(MOST, quota // SHARE)
