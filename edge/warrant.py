"""`warrant.json`: the collector's signed word that this gateway's key was approved.

Kept beside the key and shown to a collector that does not know the key any more because it was
restored from a backup (docs/wire.md section 13). The bytes are those the collector signed.
"""

import json
import logging
from contextlib import suppress
from pathlib import Path
from typing import Final

from edge.config import CollectorLink
from edge.identity import Identity, write_own
from protocols.clock import real_monotonic
from protocols.errors import WireError
from protocols.warrant import LARGEST, read

logger = logging.getLogger(__name__)

FILE: Final = "warrant.json"
AGAIN: Final = 60.0
"""Real seconds between two attempts to show it on one connection."""
LOST: Final = frozenset({"SIGNER_UNKNOWN", "KEY_PENDING"})
"""What a collector says that has lost the approval."""


def load(folder: Path, key: str) -> bytes | None:
    """Return the warrant for `key` (as text); None: there is none, or it is another key's."""
    try:
        data = (folder / FILE).read_bytes()
        return data if read(data).key == key else None
    except (OSError, WireError):
        return None


def save(folder: Path, data: bytes, key: str) -> bool:
    """Keep a warrant, if it is for `key`. Returns whether it is kept."""
    with suppress(OSError, WireError):
        if len(data) <= LARGEST and read(data).key == key:
            write_own(folder / FILE, data)
            return True
    return False


class Showing:
    """When to show it, on one connection, used by one thread."""

    def __init__(self, link: CollectorLink) -> None:
        folder = link.identity_folder
        self._identity = None if folder is None else Identity(folder)
        self._shown: float | None = None

    def warrant(self) -> bytes | None:
        """Return the warrant of the key we sign with. Raises KeyFileUnusable."""
        signer = None if self._identity is None else self._identity.signer()
        if self._identity is None or signer is None:
            return None
        return load(self._identity.folder, signer.public.encode())

    def wanted(self, status: int, body: bytes) -> bool:
        """Return whether this refusal may be for want of what the warrant says."""
        if status != 401:
            return False
        try:
            code = json.loads(body)["code"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return False
        if code not in LOST:
            return False
        now = real_monotonic()
        if self._shown is not None and now - self._shown < AGAIN:
            return False
        self._shown = now
        return True
