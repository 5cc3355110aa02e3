"""Faults of system calls, switched on and off inside a running process (libfiu)."""

import shutil
import subprocess
from pathlib import Path
from typing import Final

LIBRARIES: Final = ("fiu_run_preload.so", "fiu_posix_preload.so")
PLACES: Final = ("/usr/lib/fiu", "/usr/local/lib/fiu")
EIO: Final = 5
ENOSPC: Final = 28
WRITE: Final = "posix/io/rw/pwrite"
SYNC: Final = "posix/io/sync/fdatasync"


def place() -> Path | None:
    found = [Path(p) for p in PLACES if all((Path(p) / name).exists() for name in LIBRARIES)]
    return found[0] if found else None


def impossible() -> str:
    """Return why no call can be made to fail here; empty when it can."""
    if place() is None or shutil.which("fiu-ctrl") is None:
        return "without / 没有 libfiu-dev, fiu-utils"
    return ""


class Faults:
    """Faults of the processes started with `env`; `prefix` is where they listen for orders."""

    def __init__(self, folder: Path) -> None:
        self._prefix = folder / "fiu"
        libraries = " ".join(str((place() or Path()) / name) for name in LIBRARIES)
        self.env = {"LD_PRELOAD": libraries, "FIU_CTRL_FIFO": str(self._prefix)}

    def on(self, pid: int, call: str, error: int) -> None:
        """From here on every such call of the process fails."""
        self._order(pid, f"enable name={call},failinfo={error}")

    def off(self, pid: int, call: str) -> None:
        self._order(pid, f"disable name={call}")

    def _order(self, pid: int, order: str) -> None:
        subprocess.run(
            ["fiu-ctrl", "-f", str(self._prefix), "-c", order, str(pid)],
            check=True, capture_output=True, timeout=20,
        )  # fmt: skip
