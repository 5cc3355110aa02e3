"""The folder of one demo: made anew at each start, never while another demo lives in it.

Only what a demo made is ever cleared: a folder with anything else inside is refused untouched.
"""

import fcntl
import os
import shutil
from pathlib import Path
from typing import Final

from protocols.errors import FengsuiError

MARK: Final = "demo.lock"
"""Its presence says that a demo made the folder, its lock that one lives there."""


class FolderRefused(FengsuiError):
    """The folder belongs to something else, or cannot be written; the code says which."""


class DemoFolder:
    """An empty folder, held until `release`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held = -1

    def take(self) -> None:
        """Hold the folder and empty it. Raises FolderRefused."""
        try:
            self._hold()
            for entry in self.path.iterdir():
                if entry.name == MARK:
                    continue
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()
        except OSError as exc:
            self.release()
            reason = f"{exc.strerror or exc} ({exc.filename or self.path})"
            raise FolderRefused("DEMO_FOLDER", folder=str(self.path), reason=reason) from exc

    def _hold(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        mark = self.path / MARK
        if not mark.exists() and any(self.path.iterdir()):
            raise FolderRefused("DEMO_FOLDER_FOREIGN", folder=str(self.path))
        self._held = os.open(mark, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            self.release()
            raise FolderRefused("DEMO_FOLDER_TAKEN", folder=str(self.path)) from exc

    def release(self) -> None:
        """Let the next demo have it; what is inside stays for a look. May be called again."""
        if self._held >= 0:
            os.close(self._held)
            self._held = -1
