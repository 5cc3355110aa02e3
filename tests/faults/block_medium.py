"""A real file system on a disk whose power can be cut: what was not flushed is gone.

nbdkit keeps every write in a cache of its own until the file system flushes; nbdfuse shows that as
a file, a loop device makes it a disk, ext4 lives on it. Killing nbdkit is the power cut. It needs
root. Whatever was made is taken away again by `close`, also after a failure.
"""

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from protocols.clock import real_monotonic

TOOLS: Final = ("nbdkit", "nbdfuse", "losetup", "mkfs.ext4", "e2fsck", "mount", "umount")
SIZE: Final = 192 << 20
READY_SECONDS: Final = 60.0


def impossible() -> str:
    """Return why there can be no such medium here; empty when there can."""
    if os.geteuid() != 0:
        return "not root / 需要 root"
    gone = [tool for tool in (*TOOLS, "fusermount3") if find(tool) is None]
    if gone:
        return f"without / 没有 {', '.join(gone)}"
    if not Path("/dev/fuse").exists() or not Path("/dev/loop-control").exists():
        return "no fuse or loop devices / 没有 fuse 或 loop 设备"
    return ""


def find(tool: str) -> str | None:
    return shutil.which(tool, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def run(*command: object) -> str:
    """Run and return what it said. Raises subprocess.CalledProcessError with it."""
    words = [str(word) for word in command]
    words[0] = find(words[0]) or words[0]
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=60).stdout


class BlockMedium:
    """`folder` is where the file system is mounted while the power is on."""

    def __init__(self, work: Path) -> None:
        self._work = work
        self._image = work / "disk.img"
        self._export = work / "export"
        self._socket = work / "nbd.sock"
        self._server: subprocess.Popen[bytes] | None = None
        self._bridge: subprocess.Popen[bytes] | None = None
        self._loop = ""
        self.folder = work / "mounted"
        for each in (self._export, self.folder):
            each.mkdir(parents=True)
        with self._image.open("wb") as file:
            file.truncate(SIZE)
        run("mkfs.ext4", "-q", "-F", self._image)

    def __enter__(self) -> "BlockMedium":
        try:
            self.power_on()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def power_on(self) -> None:
        """Mount what there is."""
        self._socket.unlink(missing_ok=True)
        cache = "cache=writeback", "cache-max-size=512M", "cache-high-threshold=99"
        self._server = self._start(
            "nbdkit", "-f", "-U", self._socket, "--filter=cache", "file", self._image, *cache,
            "cache-low-threshold=98",
        )  # fmt: skip
        self._until(self._listens, "nbdkit listens")
        disk = self._export / "disk"
        self._bridge = self._start("nbdfuse", disk, "--unix", self._socket)
        self._until(disk.exists, "nbdfuse shows the disk")
        self._loop = run("losetup", "-f", "--show", disk).strip()
        run("mount", "-o", "noatime", self._loop, self.folder)

    def cut(self) -> None:
        """The power goes: nothing more reaches the disk. Who still writes gets errors."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None

    def repair(self) -> None:
        """Take the dead disk away and check its file system, as a machine does when it starts."""
        self._detach()
        code = subprocess.run(
            [find("e2fsck") or "e2fsck", "-fy", str(self._image)],
            capture_output=True, timeout=60, check=False,
        ).returncode  # fmt: skip
        assert code in (0, 1), f"e2fsck says {code}"

    def close(self) -> None:
        """Take everything away; may be called at any time."""
        self.cut()
        self._detach()

    def _detach(self) -> None:
        with suppress(subprocess.SubprocessError):
            run("umount", "-l", self.folder)
        if self._loop:
            with suppress(subprocess.SubprocessError):
                run("losetup", "-d", self._loop)
            self._loop = ""
        with suppress(subprocess.SubprocessError):
            run("fusermount3", "-uz", self._export)
        if self._bridge is not None:
            self._bridge.kill()
            self._bridge.wait()
            self._bridge = None

    def _listens(self) -> bool:
        """Whether one can connect: the socket's file is there before anyone listens at it."""
        with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
            probe.connect(str(self._socket))
            return True
        return False

    def _start(self, *command: object) -> "subprocess.Popen[bytes]":
        words = [str(word) for word in command]
        words[0] = find(words[0]) or words[0]
        with (self._work / "medium.log").open("ab") as log:
            return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _until(self, holds: Callable[[], bool], what: str) -> None:
        deadline = real_monotonic() + READY_SECONDS
        pause = threading.Event()
        while not holds():
            if real_monotonic() > deadline:
                log = (self._work / "medium.log").read_text(errors="replace")
                raise TimeoutError(f"{what}: {log[-500:]}")
            pause.wait(0.02)
