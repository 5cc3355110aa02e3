"""A file that only takes up room (压舱文件), to be given up when others have filled the disk.

A disk without a free byte cannot even note what is given up. The ballast is allocated really, not
sparsely, so that letting go of it frees exactly its size at once.
"""

import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

logger = logging.getLogger(__name__)

BALLAST: Final = "ballast"
BLOCK: Final = 512
"""Bytes a block as `stat` counts them, whatever the filesystem's own are."""


class Ballast:
    """The file `ballast` in a folder. All calls in one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / BALLAST
        self._bytes = self._allocated()

    @property
    def bytes(self) -> int:
        """What letting go would free."""
        return self._bytes

    def make(self, size: int) -> bool:
        """Take up `size` bytes unless that is so already; False when there is no room."""
        if self._bytes == size:
            return True
        self.release()
        try:
            handle = os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(handle, 0, size)
            finally:
                os.close(handle)
        except OSError as exc:
            logger.debug("no ballast: %s", exc)
            self.release()
            return False
        self._bytes = size
        return True

    def release(self) -> bool:
        """Free its room; False when there was none to free."""
        held, self._bytes = self._bytes, 0
        with suppress(OSError):
            self._path.unlink()
            return held > 0
        return False

    def _allocated(self) -> int:
        """Return the size of a whole ballast an earlier process left, 0 otherwise."""
        try:
            found = self._path.stat()
        except OSError:
            return 0
        return found.st_size if found.st_blocks * BLOCK >= found.st_size else 0
