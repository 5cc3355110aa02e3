"""Makes lines fail: in the relays, and as root by rules in the kernel on the collector's port."""

import os
import subprocess
import threading
from contextlib import suppress

from tests.gauntlet.links import OPEN
from tests.gauntlet.plan import NFT_KINDS, Partition
from tests.gauntlet.site import Site

TABLE = f"fengsui_gauntlet_{os.getpid()}"


class Partitions:
    """`act` carries one out and returns when the line is whole again."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._pause = threading.Event()

    def act(self, partition: Partition) -> None:
        """Cut, wait, heal."""
        if partition.kind in NFT_KINDS:
            with self._site.central_lock:  # the rules would hide a start of the collector
                self._cut_all(partition)
            return
        gateway = self._site.gateways[partition.gateway or 0]
        with gateway.line:
            self._note(partition)
            self._site.links.set(gateway.number, partition.kind)
            self._pause.wait(partition.seconds)
            self._site.links.set(gateway.number, OPEN)
            self._site.diary.say("whole again:", gateway.name)

    def _cut_all(self, partition: Partition) -> None:
        self._note(partition)
        try:
            add_rules(self._site.port, both_ways=partition.kind == "nft-both-ways")
            self._pause.wait(partition.seconds)
        finally:
            drop_rules()
        self._site.diary.say("whole again: all")

    def _note(self, partition: Partition) -> None:
        who = "all" if partition.gateway is None else f"gateway {partition.gateway}"
        self._site.diary.note("partition", partition.kind, who, f"{partition.seconds:.1f} s")


def add_rules(port: int, *, both_ways: bool) -> None:
    """Drop what the collector answers, and what it is asked if `both_ways`."""
    chain = ["type filter hook output priority 0;", f"tcp sport {port} drop"]
    if both_ways:
        chain.append(f"tcp dport {port} drop")
    lines = "\n".join(chain)
    nft("-f", "-", text=f"table inet {TABLE} {{\nchain out {{\n{lines}\n}}\n}}\n")


def drop_rules() -> None:
    """Take our rules away; none is no error, nor is a machine without the tool."""
    with suppress(OSError):
        subprocess.run(["nft", "delete", "table", "inet", TABLE], capture_output=True, check=False)


def nft(*words: str, text: str | None = None) -> None:
    subprocess.run(["nft", *words], input=text, text=True, capture_output=True, check=True)


def may_use_rules() -> bool:
    """Return whether this process can make rules: it is root, and the tool is there."""
    if os.geteuid() != 0:
        return False
    try:
        add_rules(1, both_ways=False)
    except (OSError, subprocess.CalledProcessError):
        return False
    drop_rules()
    return True
