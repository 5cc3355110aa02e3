"""A gateway whose buffer lies on a small disk that others fill up while its line is down (root)."""

import shutil
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.gauntlet.gateway import Gateway
from tests.gauntlet.links import OPEN
from tests.gauntlet.processes import wait_until
from tests.gauntlet.site import Site

SIZE: Final = "12m"
SECONDS: Final = 15.0
"""Between the first filling, the second (of what the gateway has made free) and the end."""
ASHORE_SECONDS: Final = 90.0
CHUNK: Final = bytes(64 * 1024)


def make_small(gateway: Gateway) -> None:
    """Put the gateway's buffer on a disk of its own."""
    gateway.buffer.mkdir(parents=True, exist_ok=True)
    words = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=700", "tmpfs", str(gateway.buffer)]
    subprocess.run(words, check=True, capture_output=True)


def keep_small(gateway: Gateway, folder: Path) -> None:
    """Copy what lies on it: it is gone with the disk."""
    shutil.copytree(
        gateway.buffer,
        folder / f"{gateway.name}-buffer",
        ignore=shutil.ignore_patterns("*.sock", "somebody-elses-file"),
        dirs_exist_ok=True,
    )


def take_away(gateway: Gateway) -> None:
    """Unmount it; none is no error."""
    subprocess.run(["umount", str(gateway.buffer)], check=False, capture_output=True)


class FullDisk:
    """`act` fills the disk and returns when all is well again."""

    def __init__(self, site: Site, gateway: Gateway) -> None:
        self._site = site
        self._gateway = gateway
        self._pause = threading.Event()

    def act(self, _: object) -> None:
        """Cut the line, fill, fill again, make room, heal the line."""
        gateway, filler = self._gateway, self._gateway.buffer / "somebody-elses-file"
        with gateway.lock, gateway.line:
            before = gateway.commits.accepted
            self._site.links.set(gateway.number, "refuse")
            for _ in range(2):
                fill(filler)
                self._pause.wait(SECONDS)
            filler.unlink()
            accepted = gateway.commits.accepted - before
            self._site.diary.note("full disk", gateway.name, f"{accepted} accepted meanwhile")
            self._site.links.set(gateway.number, OPEN)
            # What memory holds is not accepted, and what the collector has of it is nowhere else
            # before it is ashore: until then a kill may take it, and a restore the rest.
            wait_until(gateway.has_all_ashore, f"{gateway.name} has all ashore", ASHORE_SECONDS)


def fill(file: Path) -> None:
    """Write until there is no byte left."""
    with suppress(OSError), file.open("ab", buffering=0) as out:
        while out.write(CHUNK):
            continue
