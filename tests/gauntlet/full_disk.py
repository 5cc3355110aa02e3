"""A gateway whose buffer lies on a small disk that others fill up while its line is down (root)."""

import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from protocols.clock import real_monotonic
from tests.gauntlet.links import OPEN
from tests.gauntlet.site import Gateway, Site

SIZE: Final = "12m"
SECONDS: Final = 30.0
"""For so long whatever becomes free is taken away at once."""
EVERY: Final = 0.1
CHUNK: Final = bytes(64 * 1024)


def make_small(gateway: Gateway) -> None:
    """Put the gateway's buffer on a disk of its own."""
    gateway.buffer.mkdir(parents=True, exist_ok=True)
    words = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=700", "tmpfs", str(gateway.buffer)]
    subprocess.run(words, check=True, capture_output=True)


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
        """Cut the line, fill, go on filling, make room, heal the line."""
        gateway, filler = self._gateway, self._gateway.buffer / "somebody-elses-file"
        with gateway.lock, gateway.line:
            before = gateway.commits.accepted
            self._site.links.set(gateway.number, "refuse")
            until = real_monotonic() + SECONDS
            while real_monotonic() < until:
                fill(filler)
                self._pause.wait(EVERY)
            filler.unlink()
            accepted = gateway.commits.accepted - before
            self._site.diary.note("full disk", gateway.name, f"{accepted} accepted meanwhile")
            self._pause.wait(2.0)
            self._site.links.set(gateway.number, OPEN)


def fill(file: Path) -> None:
    """Write until there is no byte left."""
    with suppress(OSError), file.open("ab", buffering=0) as out:
        while out.write(CHUNK):
            continue
