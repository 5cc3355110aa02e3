"""A narrow link for benches: a network namespace behind a token bucket, or a slow relay."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.bench.relay import Relay

BYTES_PER_SECOND = 125_000.0
"""One megabit a second."""
TBF = ("tbf", "rate", "1mbit", "burst", "32kbit", "latency", "400ms")


@dataclass(frozen=True)
class Link:
    """Where the collector is reached, what goes before a command, and how it is made narrow."""

    url: str
    prefix: tuple[str, ...]
    means: str
    relay: Relay


@contextmanager
def one_megabit(target: int, *, delay: float = 0.0) -> Iterator[Link]:
    """Lead to `target` on loopback at 1 Mbit/s each way, with `delay` seconds each way.

    As root: a namespace, a veth pair and a token bucket at both ends; otherwise a relay.
    """
    if os.geteuid() == 0 and shutil.which("ip") and shutil.which("tc"):
        try:
            with _namespace(target, delay) as link:
                yield link
                return
        except subprocess.CalledProcessError:  # a container without the right to do so
            pass
    with Relay(target, rate=BYTES_PER_SECOND, delay=delay) as relay:
        yield Link(f"http://127.0.0.1:{relay.port}", (), "userspace", relay)


@contextmanager
def _namespace(target: int, delay: float) -> Iterator[Link]:
    tag = f"fs{os.getpid() % 100_000}"
    there, here, net = f"{tag}a", f"{tag}b", f"10.213.{os.getpid() % 250}"
    inside = ("ip", "netns", "exec", tag)
    _run("ip", "netns", "add", tag)
    try:
        _run("ip", "link", "add", here, "type", "veth", "peer", "name", there, "netns", tag)
        _run("ip", "addr", "add", f"{net}.1/30", "dev", here)
        _run("ip", "link", "set", here, "up")
        _run(*inside, "ip", "addr", "add", f"{net}.2/30", "dev", there)
        _run(*inside, "ip", "link", "set", there, "up")
        _run("tc", "qdisc", "add", "dev", here, "root", *TBF)
        _run(*inside, "tc", "qdisc", "add", "dev", there, "root", *TBF)
        with Relay(target, host=f"{net}.1", delay=delay) as relay:
            yield Link(f"http://{net}.1:{relay.port}", inside, "tbf", relay)
    finally:
        _run("ip", "netns", "del", tag)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
